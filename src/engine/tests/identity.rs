//! Intents and idempotency: nothing is lost and nothing is created twice (docs/design-rules.md, rules 1 to 3).

use super::world::Strikes;
use super::*;
use crate::engine::{FailureKind, LeftBehind};
use crate::resource::Idempotency;
use crate::state::Intent;

/// One kind of each idempotency class.
fn of_each_class() -> [(Kind, Idempotency); 3] {
    [(Kind::Vpc, Idempotency::TagOnly), (Kind::NatGateway, Idempotency::Token), (Kind::Subnet, Idempotency::NaturalKey)]
}

#[test]
fn the_classes_are_as_these_tests_say() {
    for (kind, identity) in of_each_class() {
        assert_eq!(kind.facts().idempotency, identity);
    }
}

#[tokio::test(start_paused = true)]
async fn the_intent_is_durable_before_the_create_and_the_id_before_anything_waits() {
    let lab = Lab::new();
    lab.apply(&cluster()).await;
    for desired in cluster() {
        let at = |what: &str| lab.log.position(&format!("{what} {}", desired.address));
        assert!(at("intent") < at("create") && at("create") < at("id") && at("id") < at("configure") && at("configure") < at("ready"));
    }
    assert!(lab.log.position("id nat-gateway/a") < lab.log.position("observe nat-gateway these"));
}

#[tokio::test(start_paused = true)]
async fn tags_with_the_lineage_stand_in_the_create_call() {
    let lab = Lab::new();
    lab.world.fault("configure vpc/main", 1, Strikes::Before, FailureKind::Other);
    lab.run(&[wanted("vpc/main", json!({}))]).await;
    let tags = lab.world.tags("vpc/main");
    assert_eq!(tags["domino-eks:lineage"], lab.document().lineage);
    assert_eq!((tags["domino-eks:cluster"].as_str(), tags["domino-eks:address"].as_str()), ("demo", "vpc/main"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_duplicate() {
    for (kind, _) in of_each_class() {
        let lab = Lab::new();
        let desired = many(kind, 1);
        lab.world.fault(&format!("create {kind}"), 1, Strikes::After, FailureKind::LostAnswer);
        lab.apply(&desired).await;
        lab.assert_is(&desired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn several_lost_answers_make_no_duplicate() {
    for (kind, _) in of_each_class() {
        let lab = Lab::new();
        let desired = many(kind, 3);
        lab.world.fault(&format!("create {kind}"), 4, Strikes::After, FailureKind::LostAnswer);
        lab.apply(&desired).await;
        lab.assert_is(&desired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_arrived_is_sent_again() {
    for (kind, identity) in of_each_class() {
        let lab = Lab::new();
        let desired = many(kind, 1);
        lab.world.fault(&format!("create {kind}"), 1, Strikes::Before, FailureKind::LostAnswer);
        let done = lab.apply(&desired).await;
        assert_eq!(lab.log.count("create"), 2);
        lab.assert_is(&desired).await;
        // Only a look-up by tag shows whether it exists, and only after the grace period.
        assert_eq!(
            done.seconds >= 90.0 && identity != Idempotency::Token,
            identity == Idempotency::TagOnly,
            "{kind} took {}",
            done.seconds
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_only_creation_that_shows_late_is_found() {
    let lab = Lab::new();
    lab.world.lag.store(60_000, std::sync::atomic::Ordering::SeqCst);
    let desired = many(Kind::Vpc, 1);
    lab.world.fault("create vpc", 1, Strikes::After, FailureKind::LostAnswer);
    lab.apply(&desired).await;
    assert_eq!(lab.log.count("create"), 1);
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_random_long_enough_and_the_same_for_all_attempts() {
    let lab = Lab::new();
    lab.world.fault("create nat-gateway", 3, Strikes::After, FailureKind::LostAnswer);
    lab.apply(&many(Kind::NatGateway, 1)).await;
    let client_tokens = lab.world.client_tokens("nat-gateway/n0");
    assert_eq!(client_tokens.len(), 4);
    assert!(client_tokens.iter().all(|client_token| *client_token == client_tokens[0] && (33..=64).contains(&client_token.len())));
    let other = Lab::new();
    other.apply(&many(Kind::NatGateway, 1)).await;
    assert_ne!(other.world.client_tokens("nat-gateway/n0")[0], client_tokens[0]);
}

#[tokio::test(start_paused = true)]
async fn a_next_run_sends_the_token_of_the_open_intent() {
    let lab = Lab::new();
    let intent = Intent { client_token: "n".repeat(40), since: jiff::Timestamp::now(), spec: Value::Null, dependencies: Vec::new() };
    lab.memory.edit(|state| drop(state.intents.insert(address("nat-gateway/n0"), intent)));
    lab.apply(&many(Kind::NatGateway, 1)).await;
    assert_eq!(lab.world.client_tokens("nat-gateway/n0"), ["n".repeat(40)]);
    assert_eq!(lab.log.count("intent "), 0, "it is durable already");
}

#[tokio::test(start_paused = true)]
async fn an_open_intent_of_a_tag_only_creation_is_looked_for_until_it_is_old() {
    for (age, waits) in [(0, true), (89, true), (91, false), (100_000, false)] {
        let lab = Lab::new();
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(age);
        let intent = Intent { client_token: "n".repeat(40), since, spec: Value::Null, dependencies: Vec::new() };
        lab.memory.edit(|state| drop(state.intents.insert(address("vpc/n0"), intent)));
        let done = lab.apply(&many(Kind::Vpc, 1)).await;
        assert_eq!(done.seconds > 90.0 - age as f64 && age < 90, waits, "{age} s old: {}", done.seconds);
        lab.assert_is(&many(Kind::Vpc, 1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stays_lost_keeps_the_intent() {
    let lab = Lab::new();
    lab.world.fault("create nat-gateway", usize::MAX, Strikes::Before, FailureKind::LostAnswer);
    let done = lab.run(&many(Kind::NatGateway, 1)).await;
    assert_eq!(done.outcome.failed[0].left, LeftBehind::Unknown);
    assert!(lab.document().intents.contains_key(&address("nat-gateway/n0")));
    assert_eq!(lab.log.count("dropped"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_exists_with_our_tags_is_adopted() {
    let lab = Lab::new();
    let lineage = lab.document().lineage;
    lab.world
        .foreign("subnet/n0", &[("domino-eks:cluster", "demo"), ("domino-eks:lineage", &lineage), ("domino-eks:address", "subnet/n0")]);
    lab.world.lag.store(500, std::sync::atomic::Ordering::SeqCst);
    let desired = many(Kind::Subnet, 1);
    lab.apply(&desired).await;
    assert_eq!(lab.world.live(), ["subnet/n0"]);
    assert_eq!(lab.document().resources[&address("subnet/n0")].id, lab.world.id("subnet/n0"));
}

#[tokio::test(start_paused = true)]
async fn what_exists_without_our_tags_is_left_alone() {
    for tags in [&[][..], &[("owner", "somebody")]] {
        let lab = Lab::new();
        lab.world.foreign("subnet/n0", tags);
        let done = lab.run(&many(Kind::Subnet, 1)).await;
        let failed = &done.outcome.failed[0];
        assert_eq!((failed.failure.kind, failed.left), (FailureKind::Foreign, LeftBehind::Nothing));
        assert!(failed.failure.message.ends_with("it does not carry this cluster's tags, so it is left alone"), "{}", failed.failure);
        assert!(lab.document().is_empty());
        assert_eq!(lab.world.tags("subnet/n0").len(), tags.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_happened_for_sure_drops_the_intent() {
    let lab = Lab::new();
    lab.world.fault("create vpc/n0", 1, Strikes::Before, FailureKind::Permission);
    lab.run(&many(Kind::Vpc, 1)).await;
    assert!(lab.log.position("intent vpc/n0") < lab.log.position("dropped vpc/n0"));
    assert!(lab.document().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_does_not_claim_that_nothing_is_left() {
    for kind in [Kind::NatGateway, Kind::Vpc] {
        let lab = Lab::new();
        lab.world.lag.store(3_600_000, std::sync::atomic::Ordering::SeqCst);
        lab.world.fault("create", 1, Strikes::After, FailureKind::LostAnswer);
        lab.world.fault("create", 1, Strikes::Before, FailureKind::Credentials);
        let done = lab.run(&many(kind, 1)).await;
        assert_eq!((lab.world.live().len(), done.outcome.failed[0].left), (1, LeftBehind::Unknown), "{kind}");
        assert_eq!(lab.document().intents.len(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_bound_to_an_older_spec_makes_no_duplicate() {
    let lab = Lab::new();
    lab.world.lag.store(20_000, std::sync::atomic::Ordering::SeqCst);
    lab.die_at(3);
    let table = |size: i32| vec![wanted("route-table/a", json!({ "size": size }))];
    assert!(lab.run_to_death(&table(1)).await);
    assert_eq!((lab.world.live().len(), lab.document().resources.len()), (1, 0), "it was made, and the answer is lost");
    // The configuration changed meanwhile: AWS refuses the client token with other parameters.
    for _ in 0..2 {
        lab.run(&table(2)).await;
    }
    assert_eq!(lab.world.live().len(), 1, "{}", lab.log.text());
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    lab.apply(&table(2)).await;
    lab.assert_is(&table(2)).await;
}
