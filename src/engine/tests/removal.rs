//! Deleting, replacing and updating.

use super::world::Strikes;
use super::*;
use crate::engine::FailureKind;

async fn made() -> Lab {
    let lab = Lab::new();
    lab.apply(&cluster()).await;
    lab.log.clear();
    lab
}

#[tokio::test(start_paused = true)]
async fn destroy_walks_backwards_and_leaves_nothing() {
    let lab = made().await;
    lab.apply(&[]).await;
    lab.assert_is(&[]).await;
    assert!(lab.document().is_empty());
    // Add-ons and access entries go with their cluster, not before it.
    let with_parent = |address: &Address| address.kind().facts().dies_with.is_some();
    for desired in cluster().iter().filter(|desired| !with_parent(&desired.address)) {
        for first in desired.dependencies().iter().filter(|first| !with_parent(first)) {
            let (dependent, needed) = (format!("gone {}", desired.address), format!("deleting {first}"));
            assert!(lab.log.position(&dependent) < lab.log.position(&needed), "{dependent}, {needed}\n{}", lab.log.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_what_dies_with_its_cluster() {
    let lab = made().await;
    lab.apply(&[]).await;
    for address in ["eks-add-on/vpc-cni", "eks-access-entry/node"] {
        assert_eq!(lab.log.count(&format!("delete {address}")), 0);
        assert!(lab.log.position("gone eks-cluster/main") < lab.log.position(&format!("gone {address}")));
    }
    assert_eq!(lab.log.count("delete eks-cluster/main"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_add_on_alone_is_deleted_by_a_call() {
    let lab = made().await;
    let mut desired = cluster();
    desired.retain(|desired| desired.address.to_string() != "eks-add-on/vpc-cni");
    desired.last_mut().unwrap().after_created.clear();
    lab.apply(&desired).await;
    assert_eq!(lab.log.count("delete eks-add-on/vpc-cni"), 1);
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn data_goes_after_the_nodes_that_write_it() {
    let lab = made().await;
    lab.apply(&[]).await;
    for address in ["s3-bucket/logs", "efs-file-system/datasets", "kms-key/main"] {
        assert!(lab.log.position("gone autoscaling-group/default/a") < lab.log.position(&format!("deleting {address}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_written_down_before_it_is_sent() {
    let lab = made().await;
    lab.apply(&[]).await;
    for address in ["vpc/main", "eks-cluster/main", "nat-gateway/a"] {
        let at = |what: &str| lab.log.position(&format!("{what} {address}"));
        assert!(at("deleting") < at("delete") && at("delete") < at("gone"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_is_deleted() {
    let lab = made().await;
    for address in ["s3-bucket/logs", "nat-gateway/a", "iam-role/node"] {
        lab.world.vanish(address);
    }
    lab.apply(&[]).await;
    lab.assert_is(&[]).await;
    assert!(lab.document().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_repeated() {
    let lab = made().await;
    lab.world.fault("delete", 10, Strikes::After, FailureKind::LostAnswer);
    lab.apply(&[]).await;
    lab.assert_is(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_still_in_use_is_deleted_when_it_is_free() {
    let lab = made().await;
    lab.world.fault("delete security-group/nodes", 8, Strikes::Before, FailureKind::InUse);
    lab.apply(&[]).await;
    assert_eq!(lab.log.count("delete security-group/nodes"), 9);
    lab.assert_is(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_delete_keeps_what_it_stands_on() {
    let lab = made().await;
    lab.world.fault("delete nat-gateway/a", 1, Strikes::Before, FailureKind::Permission);
    let done = lab.run(&[]).await;
    assert_eq!(done.outcome.failed.len(), 1);
    for address in ["nat-gateway/a", "subnet/public/a", "internet-gateway/main", "elastic-ip/nat/a", "vpc/main"] {
        assert!(lab.world.live().contains(&address.to_owned()), "{address} is gone");
    }
    assert!(!lab.world.live().contains(&"s3-bucket/logs".to_owned()));
    lab.apply(&[]).await;
    lab.assert_is(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn what_carries_our_tags_without_a_record_is_deleted_too() {
    let lab = made().await;
    lab.memory.edit(|state| drop(state.resources.remove(&address("s3-bucket/logs"))));
    lab.apply(&[]).await;
    lab.assert_is(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_a_delete_and_a_create_with_a_fresh_token() {
    let lab = Lab::new();
    let gateway = |subnet: &str| vec![wanted("nat-gateway/a", json!({"subnet": subnet}))];
    lab.apply(&gateway("one")).await;
    let old = lab.world.id("nat-gateway/a");
    lab.log.clear();
    let done = lab.apply(&gateway("two")).await;
    let at = |line: &str| lab.log.position(line);
    assert!(at("delete nat-gateway/a") < at("gone nat-gateway/a") && at("gone nat-gateway/a") < at("intent nat-gateway/a"));
    let client_tokens = lab.world.client_tokens("nat-gateway/a");
    assert_ne!(client_tokens[0], client_tokens[1], "the old token answers with the dead object");
    assert_ne!(lab.world.id("nat-gateway/a"), old);
    let actions: Vec<Verb> = done
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepDone { action, .. } => Some(*action),
            _ => None,
        })
        .collect();
    assert_eq!(actions, [Verb::Delete, Verb::Create]);
    lab.assert_is(&gateway("two")).await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_on_a_new_object_follows() {
    let lab = made().await;
    lab.world.vanish("elastic-ip/nat/a");
    let plan = lab.plan(&cluster()).await;
    assert_eq!((verb_of(&plan, "elastic-ip/nat/a"), verb_of(&plan, "nat-gateway/a")), (Verb::Create, Verb::Replace));
    assert_eq!(verb_of(&plan, "route-table/private/a"), Verb::Update);
    assert_eq!(verb_of(&plan, "subnet/private/a"), Verb::NoChange);
    lab.apply(&cluster()).await;
    let at = |line: &str| lab.log.position(line);
    assert!(at("gone nat-gateway/a") < at("intent nat-gateway/a") && at("ready elastic-ip/nat/a") < at("intent nat-gateway/a"));
    assert!(at("ready nat-gateway/a") < at("update route-table/private/a"));
    assert_eq!(lab.world.spec("route-table/private/a")["routes"][0]["target"], lab.world.id("nat-gateway/a"));
}

#[tokio::test(start_paused = true)]
async fn a_new_template_version_reaches_its_group() {
    let lab = made().await;
    let mut desired = cluster();
    with(&mut desired, "launch-template/default").spec["disk_gib"] = json!(500);
    let plan = lab.plan(&desired).await;
    assert_eq!(plan.summary().update, 2, "{:?}", plan.summary());
    let group = plan.actions.iter().find(|action| action.kind == Kind::AutoScalingGroup).unwrap();
    assert_eq!(group.unknown, ["version"]);
    lab.apply(&desired).await;
    assert!(lab.log.position("update launch-template/default disk_gib") < lab.log.position("update autoscaling-group/default/a version"));
    assert_eq!(lab.world.spec("autoscaling-group/default/a")["version"], "2");
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_template_is_deleted_when_its_group_has_let_go() {
    let lab = made().await;
    let mut desired = cluster();
    desired.retain(|desired| desired.address.to_string() != "launch-template/default");
    desired.push(wanted("launch-template/other", json!({"name": "other", "image": "ami-2"})));
    let group = with(&mut desired, "autoscaling-group/default/a");
    group.spec["launch_template"] = id("launch-template/other");
    group.spec["version"] = reference("launch-template/other", "version");
    lab.apply(&desired).await;
    assert!(lab.log.position("update autoscaling-group/default/a") < lab.log.position("delete launch-template/default"));
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn tags_are_set_and_removed_in_place() {
    let lab = made().await;
    let mut desired = cluster();
    with(&mut desired, "vpc/main").tags.insert("team".to_owned(), "ml".to_owned());
    lab.apply(&desired).await;
    assert_eq!(lab.world.tags("vpc/main")["team"], "ml");
    lab.world.tag("vpc/main", "theirs", "x");
    lab.apply(&cluster()).await;
    let tags = lab.world.tags("vpc/main");
    assert!(!tags.contains_key("team") && tags["theirs"] == "x", "{tags:?}");
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_outside_is_put_back() {
    let lab = made().await;
    lab.world.change("autoscaling-group/default/a", "max", json!(99));
    lab.apply(&cluster()).await;
    assert_eq!(lab.world.spec("autoscaling-group/default/a")["max"], 3);
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn what_vanished_is_made_again_and_its_dependents_follow() {
    let lab = made().await;
    lab.world.vanish("nat-gateway/a");
    lab.apply(&cluster()).await;
    assert_eq!(lab.world.spec("route-table/private/a")["routes"][0]["target"], lab.world.id("nat-gateway/a"));
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn what_aws_does_not_show_yet_is_deleted_by_the_name_that_it_was_just_given() {
    let lab = made().await;
    lab.world.lag.store(3_600_000, std::sync::atomic::Ordering::SeqCst);
    lab.apply(&[]).await;
    assert_eq!(lab.world.live(), Vec::<String>::new());
}
