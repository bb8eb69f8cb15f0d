//! What destroy keeps, refuses, asks, runs and verifies (RUN-4).

use super::site::{Answer, NAME, Person, Site, loaded, refusal, request, verified};
use crate::engine::tests::world::Strikes;
use crate::engine::{FailureKind, Namesake, Reason};
use crate::resource::Kind;
use crate::state::RecordStatus;
use crate::workflow::destroy::{DataChoice, RemainingReason, Teardown, TeardownRequest};
use crate::workflow::{Refusal, WorkflowError};
use serde_json::json;
use std::sync::atomic::Ordering;

const BUCKET: &str = "s3-bucket/blobs";
const GROUP: &str = "autoscaling-group/default/us-west-2a";
const CLUSTER: &str = "eks-cluster/main";
const EPHEMERAL: &str = "lifecycle: ephemeral\n";

fn deleting(site: &Site) -> TeardownRequest {
    TeardownRequest { data: DataChoice::Delete, ..request(&site.loaded) }
}

fn keeping(site: &Site) -> TeardownRequest {
    TeardownRequest { data: DataChoice::Retain, ..request(&site.loaded) }
}

/// Destroy is refused, and nothing is changed.
async fn is_refused(site: &Site, request: &TeardownRequest, answer: Answer) -> Refusal {
    let before = site.print();
    let person = Person::who_says(answer);
    let refusal = refusal(site.destroy(request, &person).await);
    assert!(site.print() == before, "something was changed");
    assert_eq!(site.deletions(), Vec::<String>::new());
    refusal
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_destroyed_and_nothing_is_left() {
    let site = Site::applied("").await;
    site.around().full.insert(BUCKET.to_owned());
    let person = Person::who_says(Answer::Yes);
    let end = verified(site.destroy(&deleting(&site), &person).await);
    assert_eq!((end.left, end.kept, end.others), (vec![], vec![], vec![]));
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
    assert!(site.lab.document().is_empty());
    assert_eq!(*person.rounds.lock().unwrap(), 1);
    assert_eq!(person.questions.lock().unwrap().len(), 1);
    let records = person.records.lock().unwrap();
    assert!(
        records[0].deleted.is_empty() && records[0].survey.data.iter().any(|line| line.address.to_string() == BUCKET && !line.is_empty)
    );
    assert!(records.last().unwrap().deleted.iter().any(|one| one.address.to_string() == CLUSTER));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_exists_nobody_is_asked() {
    let site = Site::new("");
    let person = Person::who_says(Answer::NoTerminal);
    let end = verified(site.destroy(&request(&site.loaded), &person).await);
    assert!(end.left.is_empty() && person.was_told("Nothing to destroy."));
    assert_eq!((person.questions.lock().unwrap().len(), *person.rounds.lock().unwrap()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn data_is_deleted_only_when_that_is_said() {
    let site = Site::applied(EPHEMERAL).await;
    site.around().full.insert(BUCKET.to_owned());
    match is_refused(&site, &TeardownRequest { yes: true, ..request(&site.loaded) }, Answer::Yes).await {
        Refusal::Data(names) => assert!(names.len() == 1 && names[0].starts_with(BUCKET), "{names:?}"),
        other => panic!("{other}"),
    }
    // Empty resources need no flag.
    site.around().full.clear();
    let person = Person::who_says(Answer::NoTerminal);
    verified(site.destroy(&TeardownRequest { yes: true, ..request(&site.loaded) }, &person).await);
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
    assert_eq!(person.questions.lock().unwrap().len(), 0, "`--yes` is enough for a test environment");
}

#[tokio::test(start_paused = true)]
async fn kept_data_stays_is_recorded_and_is_deleted_later() {
    let site = Site::applied("").await;
    site.around().full.insert(BUCKET.to_owned());
    let kinds = |list: &[crate::workflow::destroy::Remaining]| -> std::collections::BTreeSet<Kind> {
        list.iter().map(|one| one.address.kind()).collect()
    };
    let end = verified(site.destroy(&keeping(&site), &Person::who_says(Answer::Yes)).await);
    assert_eq!(end.left, []);
    let holding = [Kind::KmsKey, Kind::S3Bucket, Kind::EfsFileSystem, Kind::EfsAccessPoint];
    assert!(kinds(&end.kept).into_iter().all(|kind| holding.contains(&kind)) && kinds(&end.kept).contains(&Kind::S3Bucket));
    assert!(end.kept.iter().all(|one| one.reason == RemainingReason::Kept));
    let document = site.lab.document();
    assert_eq!(document.resources.len(), site.lab.world.live().len());
    assert!(document.resources.values().all(|record| record.status == RecordStatus::Retained));
    // A second destroy that keeps data has nothing to do, and `--delete-data` deletes what was kept.
    let person = Person::who_says(Answer::NoTerminal);
    let again = verified(site.destroy(&keeping(&site), &person).await);
    assert_eq!((again.left, again.kept.len(), *person.rounds.lock().unwrap()), (vec![], document.resources.len(), 0));
    verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
    assert_eq!(site.around().forbidden, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_protected_cluster_needs_its_name_and_the_flag() {
    let site = Site::applied("protect: true\n").await;
    assert_eq!(is_refused(&site, &deleting(&site), Answer::Yes).await, Refusal::ProtectedCluster(NAME.to_owned()));
    // The file was edited but not applied: the applied configuration counts.
    let edited = TeardownRequest { target: crate::workflow::TeardownTarget::of(loaded("")), ..deleting(&site) };
    assert_eq!(is_refused(&site, &edited, Answer::Yes).await, Refusal::ProtectedCluster(NAME.to_owned()));
    let lifted = TeardownRequest { lift_protection: true, is_confirmed: true, ..deleting(&site) };
    verified(site.destroy(&lifted, &Person::who_says(Answer::NoTerminal)).await);
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_aws_protects_is_refused_before_anything_is_deleted() {
    let site = Site::applied("").await;
    site.around().protected.insert(GROUP.to_owned());
    match is_refused(&site, &deleting(&site), Answer::Yes).await {
        Refusal::ProtectedInAws(names) => assert_eq!(names, [format!("{GROUP} (id) by its deletion protection")]),
        other => panic!("{other}"),
    }
    let lifted = TeardownRequest { lift_protection: true, ..deleting(&site) };
    assert_eq!(verified(site.destroy(&lifted, &Person::who_says(Answer::Yes)).await).left, []);
}

#[tokio::test(start_paused = true)]
async fn yes_alone_is_enough_only_where_file_and_state_say_so() {
    let yes = |site: &Site| TeardownRequest { yes: true, ..deleting(site) };
    let permanent = Site::applied("").await;
    let refused = |refusal: Refusal| matches!(refusal, Refusal::NotEphemeral { .. });
    assert!(refused(is_refused(&permanent, &yes(&permanent), Answer::Yes).await));
    let edited = TeardownRequest { target: crate::workflow::TeardownTarget::of(loaded(EPHEMERAL)), ..yes(&permanent) };
    assert!(refused(is_refused(&permanent, &edited, Answer::Yes).await), "the file alone is not enough");
    let lost = Site::applied(EPHEMERAL).await;
    lost.store.is_lost.store(true, Ordering::SeqCst);
    assert!(refused(is_refused(&lost, &yes(&lost), Answer::Yes).await), "without a state, nothing says what was applied");
}

#[tokio::test(start_paused = true)]
async fn only_the_right_answer_goes_on() {
    let site = Site::applied("").await;
    for answer in [Answer::No, Answer::WrongName, Answer::NoTerminal] {
        let refusal = is_refused(&site, &deleting(&site), answer).await;
        assert!(matches!(refusal, Refusal::NotConfirmed | Refusal::WrongName { .. } | Refusal::NoTerminal(_)), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_somebody_is_asked_changes_nothing() {
    let site = Site::applied("").await;
    let before = site.print();
    site.lab.stop.send_replace(true);
    let ended = site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await;
    assert!(matches!(ended, Err(WorkflowError::Interrupted)), "{ended:?}");
    assert!(site.print() == before, "something was changed");
}

#[tokio::test(start_paused = true)]
async fn nodes_that_lost_our_tags_keep_the_cluster() {
    let site = Site::applied("").await;
    site.lab.world.untag(GROUP, "domino-eks:cluster");
    match is_refused(&site, &deleting(&site), Answer::Yes).await {
        Refusal::UntaggedNodes(names) => assert!(names.len() == 1 && names[0].starts_with(GROUP), "{names:?}"),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_lost_our_tags_is_left_alone_with_all_that_it_needs() {
    let site = Site::applied("").await;
    site.lab.world.untag(BUCKET, "domino-eks:cluster");
    let end = verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    let reason = |of: &str| end.left.iter().find(|one| one.address.to_string() == of).map(|one| one.reason.clone());
    assert_eq!(reason(BUCKET), Some(RemainingReason::Untagged));
    let bucket = BUCKET.parse().unwrap();
    assert_eq!(reason("kms-key/main"), Some(RemainingReason::HeldBack(Reason::After(bucket))), "what it holds needs the key");
    assert_eq!(site.lab.world.live(), ["kms-key/main", BUCKET]);
    assert!(site.lab.document().resources.contains_key(&BUCKET.parse().unwrap()), "it is not forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_lost_our_tags_and_could_not_be_deleted_counts_as_left() {
    let site = Site::applied("").await;
    let address = "elastic-ip/nat/us-west-2a";
    site.lab.world.untag(address, "domino-eks:cluster");
    site.lab.world.fault(&format!("delete {address}"), usize::MAX, Strikes::Before, FailureKind::Permission);
    let end = verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    assert!(end.left.iter().any(|one| one.address.to_string() == address), "{:?}", end.left);
    // What no inspection shows is deleted by its recorded id once AWS allows it.
    site.lab.world.clear_faults();
    assert_eq!(verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await).left, []);
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn data_stays_kept_when_something_else_fails() {
    let site = Site::applied("").await;
    site.around().full.insert(BUCKET.to_owned());
    site.lab.world.fault("delete nat-gateway/us-west-2a", usize::MAX, Strikes::Before, FailureKind::Permission);
    let end = verified(site.destroy(&keeping(&site), &Person::who_says(Answer::Yes)).await);
    assert!(end.kept.iter().any(|one| one.address.to_string() == BUCKET) && !end.left.is_empty());
    site.lab.world.clear_faults();
    let end = verified(site.destroy(&keeping(&site), &Person::who_says(Answer::Yes)).await);
    assert!(end.left.is_empty() && site.lab.world.live().contains(&BUCKET.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_appears_meanwhile_is_deleted_in_a_further_round() {
    let site = Site::applied("").await;
    let vpc = site.lab.world.id("vpc/main");
    site.lab.world.leave_after(GROUP, 0, "target-group/late", json!({ "vpc": vpc }));
    let person = Person::who_says(Answer::Yes);
    let end = verified(site.destroy(&deleting(&site), &person).await);
    assert_eq!((end.left, site.lab.world.leftovers()), (vec![], vec![]));
    assert_eq!(person.questions.lock().unwrap().len(), 1, "the user is not asked again");
}

#[tokio::test(start_paused = true)]
async fn data_that_nobody_was_shown_is_not_deleted_by_a_further_round() {
    let site = Site::applied("").await;
    site.lab.world.leave_after(GROUP, 0, "ebs-volume/late", json!({}));
    let end = verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    let left: Vec<_> = end.left.iter().map(|one| (one.address.to_string(), one.reason.clone())).collect();
    assert!(left.contains(&("ebs-volume/late".to_owned(), RemainingReason::HeldBack(Reason::DataNotShown))), "{left:?}");
    // The next destroy shows it, and deletes it.
    let again = verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    assert_eq!((again.left, site.lab.world.leftovers()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_not_tried_again_and_keeps_what_waits_for_it() {
    let site = Site::applied("").await;
    site.lab.world.fault(&format!("delete {CLUSTER}"), usize::MAX, Strikes::Before, FailureKind::Permission);
    let person = Person::who_says(Answer::Yes);
    let Ok(Teardown::Verified { outcome, verification, .. }) = site.destroy(&deleting(&site), &person).await else { panic!() };
    assert_eq!(site.lab.log.count(&format!("delete {CLUSTER}")), 1);
    assert!(outcome.failed.iter().any(|failed| failed.address.to_string() == CLUSTER));
    let left: Vec<String> = verification.left.iter().map(|one| one.address.to_string()).collect();
    assert!(left.contains(&CLUSTER.to_owned()) && left.contains(&"vpc/main".to_owned()), "{left:?}");
    for role in verification.left.iter().filter(|one| one.address.kind() == Kind::IamRole) {
        assert_ne!(role.reason, RemainingReason::NotDeleted, "an existing cluster keeps its roles for a reason that is shown");
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again() {
    let site = Site::applied("").await;
    // Longer than the patience of one round: 120 seconds with pauses of up to 20.
    site.lab.world.fault("delete log-group/control-plane", 25, Strikes::Before, FailureKind::Busy);
    let person = Person::who_says(Answer::Yes);
    let Ok(Teardown::Verified { outcome, verification, .. }) = site.destroy(&deleting(&site), &person).await else { panic!() };
    assert_eq!((outcome.failed.len(), verification.left), (0, vec![]));
    assert!(*person.rounds.lock().unwrap() > 1 && person.was_told("worth another try"));
}

#[tokio::test(start_paused = true)]
async fn without_a_state_tags_tell_what_is_ours() {
    let site = Site::applied("").await;
    site.store.is_lost.store(true, Ordering::SeqCst);
    let person = Person::who_says(Answer::Yes);
    verified(site.destroy(&deleting(&site), &person).await);
    assert!(person.was_told("There is no state at memory"));
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_lineage_is_not_taken_for_ours() {
    let site = Site::applied("").await;
    let asked = TeardownRequest { lineage: Some("another".to_owned()), ..deleting(&site) };
    assert!(matches!(is_refused(&site, &asked, Answer::Yes).await, Refusal::LineageDiffers { .. }));
    site.lab.world.tag("vpc/main", "domino-eks:lineage", "another");
    match is_refused(&site, &deleting(&site), Answer::Yes).await {
        Refusal::OtherLineage { addresses, lineages, state_is_empty, .. } => {
            assert_eq!((addresses.len(), lineages.len(), state_is_empty), (1, 1, false));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_living_cluster_of_the_name_keeps_its_log_group() {
    let site = Site::applied("").await;
    assert!(site.lab.world.delete_outside(CLUSTER));
    site.around().namesake = Some(Namesake { arn: "arn:aws:eks:us-west-2:1:cluster/demo".to_owned(), vpc: "vpc-other".to_owned() });
    verified(site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await);
    assert_eq!(site.lab.world.live(), ["log-group/control-plane"], "it is written to by the other cluster");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_drained_only_while_it_answers() {
    let site = Site::applied("").await;
    let drained = TeardownRequest { drain: true, ..deleting(&site) };
    let endpoint = format!("https://{}", site.lab.world.id(CLUSTER));
    let person = Person::who_says(Answer::Yes);
    verified(site.destroy(&drained, &person).await);
    assert_eq!(site.around().drained.as_deref(), Some(endpoint.as_str()));
    assert!(person.was_told("1 Services and 0 Ingresses are gone."));
    let site = Site::applied("").await;
    site.lab.world.fail(CLUSTER, "no capacity");
    let person = Person::who_says(Answer::Yes);
    verified(site.destroy(&TeardownRequest { drain: true, ..deleting(&site) }, &person).await);
    assert!(site.around().drained.is_none() && person.was_told("The cluster is not active"));
}

#[tokio::test(start_paused = true)]
async fn a_verification_that_fails_says_nothing_about_what_was_done() {
    let site = Site::applied("").await;
    *site.store.reads.lock().unwrap() = Some(1);
    let ended = site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await;
    assert!(matches!(ended, Err(WorkflowError::Unverified(_))), "{ended:?}");
    assert_eq!(site.lab.world.live(), Vec::<String>::new(), "it was done all the same");
}

#[tokio::test(start_paused = true)]
async fn without_the_lock_nothing_is_said_to_be_gone() {
    let site = Site::applied("").await;
    site.store.is_lock_lost.store(true, Ordering::SeqCst);
    let ended = site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await;
    assert!(matches!(&ended, Err(WorkflowError::Unverified(why)) if matches!(**why, WorkflowError::LockLost(_))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_written_at_the_end_is_saved_aside() {
    let mut site = Site::applied("").await;
    site.store.is_full_at_end = true;
    let ended = site.destroy(&deleting(&site), &Person::who_says(Answer::Yes)).await;
    let Err(WorkflowError::NotSaved { saved, .. }) = ended else { panic!("{ended:?}") };
    assert!(format!("{saved:?}").contains("demo.errored-state.json") && format!("{saved:?}").contains("superseded: true"), "{saved:?}");
}
