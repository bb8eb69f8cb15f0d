//! What apply refuses, asks, runs and records.

use super::site::{Answer, Person, Site, loaded};
use crate::engine::{Namesake, Verb};
use crate::workflow::apply::Applying;
use crate::workflow::{Refusal, Session, WorkflowError};

#[tokio::test(start_paused = true)]
async fn a_second_apply_asks_nobody_and_sends_nothing() {
    let site = Site::applied("").await;
    let before = site.print();
    let person = Person::who_says(Answer::NoTerminal);
    assert!(matches!(site.apply(&person).await.unwrap(), Applying::Unchanged));
    assert!(site.print() == before, "something was changed");
    assert!(person.was_told("No changes"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_nothing_in_aws_is_recorded_as_applied() {
    let mut site = Site::applied("").await;
    site.loaded = crate::workflow::Loaded { hash: "another".to_owned(), ..loaded("protect: false\n") };
    assert!(matches!(site.apply(&Person::who_says(Answer::NoTerminal)).await.unwrap(), Applying::Unchanged));
    assert_eq!(site.lab.document().config_hash.as_deref(), Some("another"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_before_somebody_agrees() {
    for (answer, expected) in [(Answer::No, "not confirmed"), (Answer::NoTerminal, "there is no terminal to ask on")] {
        let site = Site::new("");
        let ended = site.apply(&Person::who_says(answer)).await;
        assert!(matches!(&ended, Err(WorkflowError::Refused(refusal)) if refusal.to_string() == expected), "{ended:?}");
        assert_eq!(site.lab.world.live(), Vec::<String>::new());
        assert!(site.lab.document().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocked_change_is_refused_without_a_question() {
    let mut site = Site::applied("").await;
    site.loaded = loaded("network: { cidr: 10.8.0.0/16 }\n");
    let before = site.print();
    let person = Person::who_says(Answer::Yes);
    let ended = site.apply(&person).await;
    assert!(matches!(&ended, Err(WorkflowError::Refused(refusal)) if **refusal == Refusal::Blocked), "{ended:?}");
    assert!(site.print() == before && person.questions.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_found_before_anything_is_made() {
    let site = Site::new("");
    site.around().namesake = Some(Namesake { arn: "arn:aws:eks:us-west-2:1:cluster/demo".to_owned(), vpc: "vpc-1".to_owned() });
    let session = Session::open(&site.cloud, &site.loaded, None).await.unwrap();
    let cluster = session.plan.actions.iter().find(|action| action.verb == Verb::Blocked).unwrap();
    assert!(cluster.reason.to_string().starts_with("arn:aws:eks:us-west-2:1:cluster/demo exists"), "{}", cluster.reason);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_plan_changes_nothing() {
    let site = Site::new("");
    site.lab.stop.send_replace(true);
    assert!(matches!(site.apply(&Person::who_says(Answer::Yes)).await, Err(WorkflowError::Interrupted)));
    assert_eq!(site.lab.world.live(), Vec::<String>::new());
}
