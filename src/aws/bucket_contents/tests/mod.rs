//! Empties an S3 in memory, over the SDK's own protocol and under paused time.

mod fake;

use super::Emptied;
use super::count::all_of;
use super::empty::emptied;
use crate::engine::{Failure, FailureKind};
use fake::Fake;
use std::sync::atomic::{AtomicU64, Ordering};

/// Empties it; returns what was deleted, and how often progress was reported.
async fn run(fake: &Fake) -> (Result<Emptied, Failure>, u64) {
    let told = AtomicU64::new(0);
    let progress = |_: &Emptied| _ = told.fetch_add(1, Ordering::Relaxed);
    let result = emptied(&fake.bucket(), &progress).await;
    (result, told.into_inner())
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|at| format!("{at:06}"))
}

fn calls(fake: &Fake, operation: &str) -> usize {
    fake.inside().calls.iter().filter(|(name, _)| *name == operation).count()
}

#[tokio::test(start_paused = true)]
async fn a_large_bucket_is_emptied_in_one_pass_with_batches_in_flight() {
    for page in [1000, 300, 999] {
        let fake = Fake::new(page);
        fake.fill(numbered(20_000));
        let began = tokio::time::Instant::now();
        let (result, told) = run(&fake).await;
        assert_eq!(result.unwrap(), Emptied { versions: 18_000, markers: 2_000, uploads: 0, bytes: 180_000 });
        assert!(fake.inside().versions.is_empty());
        assert_eq!((calls(&fake, "DeleteObjects"), told), (20, 20), "pages of {page}");
        // One more call finds nothing.
        assert_eq!(calls(&fake, "ListObjectVersions"), 20_000_usize.div_ceil(page) + 1, "pages of {page}");
        assert!(fake.inside().most_flying <= 6);
        if page == 1000 {
            assert!(fake.inside().most_flying > 3, "{}", fake.inside().most_flying);
            assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_costs_two_calls() {
    let fake = Fake::new(1000);
    assert_eq!(run(&fake).await, (Ok(Emptied::default()), 0));
    assert_eq!(fake.inside().calls.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_with_odd_characters_go() {
    let fake = Fake::new(3);
    let in_bodies = ["a b", "a+b", "100%", "%20", "€/😀", "a\r\nb", "<&>\"']]>", "a//b", "../x", "tab\there", "&lt;"];
    let alone = ["nul\0", "\u{1b}[31m", " edge ", "\u{ffff}"];
    fake.fill(in_bodies.into_iter().chain(alone));
    fake.inside().uploads.extend(["up load+", "up\u{1}", "z"].map(|key| ((key.to_owned(), "u".to_owned()), ())));
    let (result, _) = run(&fake).await;
    let emptied = result.unwrap();
    assert_eq!((emptied.versions + emptied.markers, emptied.uploads), (15, 3));
    assert!(fake.inside().versions.is_empty());
    assert!(fake.inside().uploads.is_empty());
    assert_eq!(calls(&fake, "DeleteObject"), 4);
    let bodies: String = fake.inside().calls.iter().map(|(_, body)| body.as_str()).collect();
    assert!(bodies.contains("<Key>a&#xD;&#xA;b</Key>"), "{bodies}");
}

#[tokio::test(start_paused = true)]
async fn passing_faults_inside_an_answer_are_tried_again() {
    let fake = Fake::new(1000);
    fake.fill(numbered(3000));
    let mut strikes = 0;
    fake.inside().fault = Box::new(move |key| {
        strikes += u32::from(key.ends_with("77"));
        (key.ends_with("77") && strikes <= 60).then_some(("InternalError", "We encountered an internal error."))
    });
    let (result, _) = run(&fake).await;
    let emptied = result.unwrap();
    assert_eq!(emptied.versions + emptied.markers, 3000);
    assert!(fake.inside().versions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn faults_that_do_not_pass_end_it() {
    let fake = Fake::new(1000);
    fake.fill(numbered(50));
    fake.inside().fault = Box::new(|key| (key == "000007").then_some(("SlowDown", "Please reduce your request rate.")));
    let failure = run(&fake).await.0.unwrap_err();
    assert_eq!(failure.kind, FailureKind::LostAnswer);
    assert!(failure.message.contains("1 version left after 5 attempts, such as `000007` (version v7)"), "{failure}");
    assert_eq!(fake.inside().versions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_object_lock_protects_is_explained_after_everything_else_went() {
    let locked = "Access Denied because object protected by object lock.";
    for (mode, message, kind, start) in [
        (
            "COMPLIANCE",
            locked,
            FailureKind::Other,
            "is protected by Object Lock in compliance mode until 2030-01-01T00:00:00Z (30 versions",
        ),
        ("", locked, FailureKind::Other, "is protected by Object Lock (30 versions are affected)"),
        ("GOVERNANCE", "Access Denied", FailureKind::Other, "is protected by Object Lock in governance mode until"),
        ("", "Access Denied", FailureKind::Permission, "may not be deleted: Access Denied (30 versions are affected)"),
    ] {
        let fake = Fake::new(1000);
        fake.fill(numbered(3000));
        fake.inside().uploads.insert(("u".to_owned(), "1".to_owned()), ());
        fake.inside().retention = mode;
        fake.inside().fault = Box::new(move |key| key.ends_with("42").then_some(("AccessDenied", message)));
        let failure = run(&fake).await.0.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.starts_with(&format!("`000042` (version v42) {start}")), "{failure}");
        assert_eq!(fake.inside().versions.len(), 30);
        assert!(fake.inside().uploads.is_empty());
        assert_eq!(calls(&fake, "GetObjectRetention"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_fills_while_it_is_emptied_is_given_up() {
    let fake = Fake::new(1000);
    fake.fill(numbered(10));
    fake.inside().writer = true;
    let failure = run(&fake).await.0.unwrap_err();
    assert!(failure.message.contains("the 20th pass still met 1 new object, such as `log "), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_ends_is_outlasted() {
    let fake = Fake::new(1000);
    fake.inside().writer = true;
    let other = fake.clone();
    let stop = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        other.inside().writer = false;
    });
    assert!(run(&fake).await.0.unwrap().versions > 2);
    stop.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_uploads_are_aborted_by_pages() {
    let fake = Fake::new(100);
    fake.inside().uploads.extend((0..250).map(|at| ((format!("{:03}", at / 2), format!("u{at}")), ())));
    let (result, told) = run(&fake).await;
    assert_eq!((result.unwrap().uploads, told), (250, 3));
    assert_eq!(calls(&fake, "ListMultipartUploads"), 4);
}

#[tokio::test(start_paused = true)]
async fn counting_goes_through_all_pages_up_to_its_limit() {
    for (keys, words) in [
        (2500, "2,250 objects in 2,250 versions, 250 delete markers, 2 unfinished uploads, 22.0 KiB"),
        (120_000, "more than 100,800 objects in 100,800 versions, 11,200 delete markers, 2 unfinished uploads, 984.4 KiB"),
    ] {
        let fake = Fake::new(1000);
        fake.fill(numbered(keys));
        fake.inside().uploads.extend(["a", "b"].map(|key| ((key.to_owned(), "u".to_owned()), ())));
        assert_eq!(all_of(&fake.bucket()).await.unwrap().words(), words);
    }
}
