//! Data may be kept: it is recorded, found again, and deleted when that is asked for.

use super::*;
use crate::state::RecordStatus;

/// A cluster with the access point that its file system is used through.
fn with_data() -> Vec<Desired> {
    let mut desired = cluster();
    desired.push(wanted("efs-access-point/home", json!({"file_system": id("efs-file-system/datasets"), "path": "/home"})));
    desired
}

const KEPT: [&str; 4] = ["efs-access-point/home", "efs-file-system/datasets", "kms-key/main", "s3-bucket/logs"];

fn status_of(lab: &Lab) -> BTreeMap<String, RecordStatus> {
    lab.document().resources.iter().map(|(address, record)| (address.to_string(), record.status)).collect()
}

fn all(of: &[&str], status: RecordStatus) -> BTreeMap<String, RecordStatus> {
    of.iter().map(|address| ((*address).to_owned(), status)).collect()
}

#[tokio::test(start_paused = true)]
async fn data_stays_and_is_written_down() {
    let lab = made(&with_data()).await;
    let ids: Vec<String> = KEPT.iter().map(|of| lab.world.id(of)).collect();
    let plan = lab.teardown(true).await;
    assert_eq!(plan.summary().retain, KEPT.len());
    assert!(plan.actions.iter().filter(|action| action.kind.facts().holds_data).all(|action| action.verb == Verb::Retain));
    lab.destroy(true).await;
    assert_eq!(lab.world.live(), KEPT);
    assert_eq!(status_of(&lab), all(&KEPT, RecordStatus::Retained));
    assert_eq!(KEPT.iter().map(|of| lab.document().resources[&address(of)].id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(lab.world.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_second_destroy_that_keeps_data_has_nothing_to_do() {
    let lab = made(&with_data()).await;
    lab.world.leave("ebs-volume/claim", json!({}));
    lab.destroy(true).await;
    let plan = lab.teardown(true).await;
    assert!(!plan.has_changes(), "{:?}", plan.summary());
}

#[tokio::test(start_paused = true)]
async fn a_second_destroy_that_deletes_data_removes_what_was_kept() {
    let lab = made(&with_data()).await;
    lab.world.leave("ebs-volume/claim", json!({}));
    lab.destroy(true).await;
    lab.log.clear();
    lab.destroy(false).await;
    assert!(lab.log.position("delete efs-access-point") < lab.log.position("delete efs-file-system"));
    assert!(
        lab.log.position("deleting ebs-volume") < lab.log.position("delete ebs-volume"),
        "what is recorded is deleted as what is recorded"
    );
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn only_what_exists_is_kept() {
    let lab = made(&with_data()).await;
    lab.world.vanish("s3-bucket/logs");
    lab.grow_old().await;
    let plan = lab.teardown(true).await;
    assert_eq!(verb_of(&plan, "s3-bucket/logs"), Verb::Delete);
    lab.destroy(true).await;
    assert_eq!(status_of(&lab), all(&KEPT[..3], RecordStatus::Retained));
    assert_eq!(lab.log.count("delete s3-bucket"), 0, "nothing is sent for data that is to be kept");
}

#[tokio::test(start_paused = true)]
async fn data_that_is_not_visible_yet_is_kept() {
    let lab = Lab::new();
    lab.world.lag.store(20_000, std::sync::atomic::Ordering::SeqCst);
    let desired = [wanted("s3-bucket/logs", json!({"name": "logs"})), wanted("efs-file-system/new", json!({}))];
    for wanted in desired {
        let of = wanted.address.to_string();
        lab.apply(&[wanted]).await;
        lab.world.lag.store(2_000_000, std::sync::atomic::Ordering::SeqCst);
        lab.destroy(true).await;
        assert_eq!(lab.log.count(&format!("delete {of}")), 0);
        assert_eq!(lab.document().resources[&address(&of)].status, RecordStatus::Retained);
        lab.world.lag.store(0, std::sync::atomic::Ordering::SeqCst);
        lab.destroy(false).await;
        lab.assert_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn data_without_a_record_is_kept_and_written_down() {
    let lab = made(&with_data()).await;
    lab.memory.edit(|state| {
        state.resources.clear();
        state.intents.clear();
    });
    lab.destroy(true).await;
    assert_eq!(lab.world.live(), KEPT);
    assert_eq!(status_of(&lab), all(&KEPT, RecordStatus::Retained));
    // Without records, the endpoint in the nodes' user data is not recognised as a reference to the cluster, so the world may have
    // noted early deletions.
    lab.world.take_early_deletes();
    lab.log.clear();
    lab.destroy(false).await;
    assert!(lab.log.position("gone s3-bucket/logs") < lab.log.position("delete kms-key/main"));
    assert!(lab.log.position("gone efs-access-point/home") < lab.log.position("delete efs-file-system"));
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_kubernetes_left_and_was_kept_is_forgotten_when_it_is_gone() {
    let lab = made(&network()).await;
    lab.world.leave("ebs-volume/claim", json!({}));
    lab.world.leave("ebs-volume/other", json!({}));
    lab.destroy(true).await;
    assert_eq!(lab.document().resources[&address("ebs-volume/claim")].status, RecordStatus::Retained);
    lab.world.vanish("ebs-volume/claim");
    lab.log.clear();
    lab.destroy(true).await;
    assert_eq!(lab.log.count("delete "), 0, "{}", lab.log.text());
    assert!(!lab.document().resources.contains_key(&address("ebs-volume/claim")));
    assert!(lab.document().resources.contains_key(&address("ebs-volume/other")));
}

#[tokio::test(start_paused = true)]
async fn the_next_apply_takes_back_what_was_kept() {
    let lab = made(&with_data()).await;
    let ids: Vec<String> = KEPT.iter().map(|of| lab.world.id(of)).collect();
    lab.destroy(true).await;
    let plan = lab.plan(&with_data()).await;
    KEPT.iter().for_each(|of| assert_eq!(verb_of(&plan, of), Verb::Adopt, "{of}"));
    lab.apply(&with_data()).await;
    assert!(status_of(&lab).values().all(|status| *status == RecordStatus::Ready));
    assert_eq!(KEPT.iter().map(|of| lab.world.id(of)).collect::<Vec<_>>(), ids);
    lab.assert_is(&with_data()).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_follows_a_changed_configuration_when_it_is_taken_back() {
    let lab = made(&with_data()).await;
    lab.destroy(true).await;
    let mut desired = with_data();
    with(&mut desired, "s3-bucket/logs").spec["noncurrent_days"] = json!(7);
    lab.apply(&desired).await;
    assert_eq!(lab.world.spec("s3-bucket/logs")["noncurrent_days"], 7);
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_does_not_name_what_was_kept_leaves_it_alone() {
    let lab = made(&with_data()).await;
    lab.destroy(true).await;
    let desired: Vec<Desired> = with_data().into_iter().filter(|desired| desired.address != address("s3-bucket/logs")).collect();
    let plan = lab.plan(&desired).await;
    assert!(plan.actions.iter().all(|action| action.address != address("s3-bucket/logs")));
    lab.apply(&desired).await;
    assert!(lab.world.live().contains(&"s3-bucket/logs".to_owned()));
    assert_eq!(status_of(&lab)["s3-bucket/logs"], RecordStatus::Retained);
}

/// A world with data, leftovers, and a resource of others.
async fn scene() -> Lab {
    let lab = made(&with_data()).await;
    lab.world.leave("ebs-volume/claim", json!({}));
    lab.world.leave("load-balancer/ingress", lab.inside());
    lab.world.leave_after(GROUP, 0, "network-interface/pod", lab.inside());
    lab.log.clear();
    lab
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_keeps_data_survives_death_at_every_point() {
    let everything = [&["ebs-volume/claim"], KEPT.as_slice()].concat();
    for at in 0.. {
        let lab = scene().await;
        let plan = lab.teardown(true).await;
        lab.die_at(at);
        let died = tokio::select! {
            biased;
            () = lab.died() => true,
            _ = lab.execute(plan) => false,
        };
        lab.restart();
        lab.destroy(true).await;
        assert!(!lab.teardown(true).await.has_changes(), "death at {at}\n{}", lab.log.text());
        let mut expected: Vec<String> = everything.iter().map(|of| (*of).to_owned()).collect();
        expected.sort();
        assert_eq!(lab.world.live(), expected, "death at {at}\n{}", lab.log.text());
        assert_eq!(status_of(&lab), all(&everything, RecordStatus::Retained), "death at {at}\n{}", lab.log.text());
        if !died {
            assert!(at > 40, "the sweep ended after {at} points");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_apply_after_a_dead_destroy_that_kept_data_takes_everything_back() {
    for at in (0..160).step_by(5) {
        let lab = scene().await;
        let ids: Vec<String> = KEPT.iter().map(|of| lab.world.id(of)).collect();
        let plan = lab.teardown(true).await;
        lab.die_at(at);
        tokio::select! {
            biased;
            () = lab.died() => {}
            _ = lab.execute(plan) => {}
        }
        lab.restart();
        lab.grow_old().await;
        lab.apply(&with_data()).await;
        assert_eq!(KEPT.iter().map(|of| lab.world.id(of)).collect::<Vec<_>>(), ids, "death at {at}");
        assert!(!lab.plan(&with_data()).await.has_changes(), "death at {at}\n{}", lab.log.text());
    }
}
