//! Empties a bucket in passes: each goes through the whole bucket, the next one finds only what is new, and the last one nothing.
//!
//! Memory use is the same for any number of objects: two pages wait at most, and a few batches are in flight.

use super::batch::{self, BATCH, Outcome};
use super::emptied::Emptied;
use super::held::Held;
use super::keys::shown;
use super::pages::{Bucket, PageStart, Upload, Version};
use super::refusal::Refusal;
use super::retry::{PAUSE, with_retries};
use crate::aws::Aws;
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::words::counted;
use crate::engine::{Failure, FailureKind};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Batches of a thousand in flight: S3 takes 3,500 deletes a second for each prefix.
const BATCHES: usize = 6;
/// Uploads aborted concurrently.
const UPLOADS: usize = 8;
/// Passes after which emptying a bucket that keeps filling up is given up.
const PASSES: u32 = 20;
/// Passes in a row that met only transient faults, after which it is given up.
const STALLED: u32 = 5;

type Progress<'a> = &'a (dyn Fn(&Emptied) + Sync);

/// What one pass found and did.
#[derive(Debug, Default)]
struct Pass {
    found: u64,
    /// The last key that it found, as an example.
    example: String,
    /// Whether anything was deleted.
    deleted: bool,
    held: Held,
    again: Option<(u64, Refusal)>,
}

/// Deletes all versions, delete markers and unfinished uploads. A bucket that does not exist counts as empty.
///
/// # Errors
/// When something cannot be deleted, after everything else was, or when the bucket fills up as fast as it is emptied.
pub(in super::super) async fn empty(aws: &Aws, bucket: &str, progress: Progress<'_>) -> Result<Emptied, Failure> {
    emptied(&Bucket::of(aws, bucket), progress).await
}

pub(super) async fn emptied(bucket: &Bucket, progress: Progress<'_>) -> Result<Emptied, Failure> {
    let mut so_far = Emptied::default();
    let mut patience = Patience::default();
    loop {
        let Some(pass) = or_absent(one_pass(bucket, &mut so_far, progress).await)? else { return Ok(so_far) };
        match patience.after(&pass) {
            Next::Done => return Ok(so_far),
            Next::Pass(pause) => sleep(pause).await,
            Next::GiveUp(failure) => return Err(failure),
            // Everything was tried once; what is left cannot be deleted.
            Next::Held => return pass.held.failure(bucket).await.map_or(Ok(so_far), Err),
        }
    }
}

/// What follows after a pass.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Done,
    Held,
    Pass(Duration),
    GiveUp(Failure),
}

/// How many passes were made.
#[derive(Default)]
struct Patience {
    passes: u32,
    stalled: u32,
}

impl Patience {
    fn after(&mut self, pass: &Pass) -> Next {
        match &pass.again {
            _ if pass.found == 0 => Next::Done,
            Some((count, example)) => self.after_faults(pass.deleted, *count, example),
            None if pass.held.count() > 0 => Next::Held,
            None => self.after_success(pass),
        }
    }

    /// Passes that deleted something do not count as stalled: each of them leaves less.
    fn after_faults(&mut self, got_further: bool, count: u64, example: &Refusal) -> Next {
        self.stalled = if got_further { 0 } else { self.stalled + 1 };
        if self.stalled < STALLED {
            return Next::Pass(PAUSE * 2_u32.pow(self.stalled));
        }
        let (name, message) = (example.name(), &example.message);
        let message = format!("S3 keeps failing: {} left after {STALLED} attempts, such as {name}: {message}", counted(count, "version"));
        Next::GiveUp(Failure::new(FailureKind::LostAnswer, "DeleteObjects", message).with_code(&example.code))
    }

    fn after_success(&mut self, pass: &Pass) -> Next {
        self.passes += 1;
        if self.passes < PASSES {
            return Next::Pass(Duration::ZERO);
        }
        let (found, key) = (counted(pass.found, "new object"), shown(&pass.example));
        Next::GiveUp(unexpected(
            "DeleteObjects",
            &format!(
                "something writes into the bucket while it is emptied: the {PASSES}th pass still met {found}, such as `{key}`; stop the writer, then run the same command again"
            ),
        ))
    }
}

async fn one_pass(bucket: &Bucket, so_far: &mut Emptied, progress: Progress<'_>) -> Result<Pass, Failure> {
    let mut pass = Pass::default();
    delete_versions(bucket, &mut pass, so_far, progress).await?;
    abort_uploads(bucket, &mut pass, so_far, progress).await?;
    Ok(pass)
}

/// Lists one page after another while batches are deleted.
///
/// The last version of a page is deleted only when the next page was read, because that page begins after it.
async fn delete_versions(bucket: &Bucket, pass: &mut Pass, so_far: &mut Emptied, progress: Progress<'_>) -> Result<(), Failure> {
    let mut flights = JoinSet::new();
    let mut waiting: Vec<Version> = Vec::new();
    let mut from = Some(PageStart::default());
    while let Some(place) = from.take() {
        let page = with_retries(|| bucket.versions(&place)).await?;
        from = page.next;
        pass.see(page.entries.len(), page.entries.last().map(|version| version.key.as_str()));
        waiting.extend(page.entries);
        while waiting.len() > BATCH || from.is_none() && !waiting.is_empty() {
            let batch: Vec<Version> = waiting.drain(..waiting.len().min(BATCH)).collect();
            for outcome in landed(&mut flights, BATCHES - 1).await? {
                pass.take(outcome, so_far, progress);
            }
            flights.spawn(batch::delete(bucket.clone(), batch));
        }
    }
    for outcome in landed(&mut flights, 0).await? {
        pass.take(outcome, so_far, progress);
    }
    Ok(())
}

async fn abort_uploads(bucket: &Bucket, pass: &mut Pass, so_far: &mut Emptied, progress: Progress<'_>) -> Result<(), Failure> {
    let mut flights = JoinSet::new();
    let mut from = Some(PageStart::default());
    while let Some(place) = from.take() {
        let page = with_retries(|| bucket.uploads(&place)).await?;
        from = page.next;
        pass.see(page.entries.len(), page.entries.last().map(|upload| upload.key.as_str()));
        let count = page.entries.len() as u64;
        for upload in page.entries {
            landed(&mut flights, UPLOADS - 1).await?;
            flights.spawn(abort(bucket.clone(), upload));
        }
        // The next page begins after the last of these uploads, which is gone by then: S3 continues by the order of the ids.
        landed(&mut flights, 0).await?;
        so_far.uploads += count;
        pass.deleted |= count > 0;
        if count > 0 {
            progress(so_far);
        }
    }
    Ok(())
}

async fn abort(bucket: Bucket, upload: Upload) -> Result<(), Failure> {
    let (key, id) = (Some(upload.key), upload.id);
    let call = || async {
        let call = bucket.s3.abort_multipart_upload().bucket(&bucket.name).expected_bucket_owner(&bucket.owner);
        classify("AbortMultipartUpload", call.set_key(key.clone()).set_upload_id(id.clone()).send().await)
    };
    match with_retries(call).await {
        Err(failure) if failure.code.as_deref() == Some("NoSuchUpload") => Ok(()),
        other => other.map(drop),
    }
}

impl Pass {
    fn see(&mut self, count: usize, example: Option<&str>) {
        self.found += count as u64;
        if let Some(key) = example {
            self.example = key.to_owned();
        }
    }

    fn take(&mut self, outcome: Outcome, so_far: &mut Emptied, progress: Progress<'_>) {
        self.deleted |= outcome.deleted != Emptied::default();
        self.held.merge(outcome.held);
        if let Some((count, example)) = outcome.again {
            self.again.get_or_insert((0, example)).0 += count;
        }
        so_far.add(outcome.deleted);
        progress(so_far);
    }
}

/// Waits until at most `left` calls are in flight, and takes the results of all that have ended.
async fn landed<T: 'static>(flights: &mut JoinSet<Result<T, Failure>>, left: usize) -> Result<Vec<T>, Failure> {
    let mut done = Vec::new();
    while let Some(joined) = if flights.len() > left { flights.join_next().await } else { flights.try_join_next() } {
        done.push(joined.map_err(|error| unexpected("DeleteObjects", &format!("a task ended unexpectedly: {error}")).caused_by(error))??);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::super::refusal::Fate;
    use super::*;

    fn refusal(fate: Fate) -> Refusal {
        let [key, code, message] = ["k", "SlowDown", "slowly"].map(str::to_owned);
        Refusal { fate, key, version: None, code, message }
    }

    fn pass(found: u64, deleted: bool, again: u64, held: u64) -> Pass {
        let again = (again > 0).then(|| (again, refusal(Fate::Again)));
        let mut pass = Pass { found, deleted, again, example: "new\u{7}".to_owned(), ..Pass::default() };
        (0..held).for_each(|_| pass.held.add(refusal(Fate::Locked)));
        pass
    }

    #[test]
    fn what_follows_on_a_pass() {
        let pause = |factor: u32| Next::Pass(PAUSE * factor);
        for (seen, next) in [
            (pass(0, false, 0, 0), Next::Done),
            (pass(5, true, 0, 0), pause(0)),
            (pass(5, true, 1, 0), pause(1)),
            (pass(5, false, 5, 0), pause(2)),
            (pass(5, true, 0, 1), Next::Held),
            (pass(5, true, 1, 1), pause(1)),
        ] {
            assert_eq!(Patience::default().after(&seen), next, "{seen:?}");
        }
    }

    #[test]
    fn patience_ends() {
        let last = |seen: Pass, passes: usize| {
            let mut patience = Patience::default();
            let all: Vec<Next> = (0..passes).map(|_| patience.after(&seen)).collect();
            assert!(all[..passes - 1].iter().all(|next| matches!(next, Next::Pass(_))), "{all:?}");
            match all.into_iter().next_back() {
                Some(Next::GiveUp(failure)) => failure,
                other => panic!("{other:?}"),
            }
        };
        let filled = last(pass(7, true, 0, 0), 20);
        assert!(filled.message.contains("the 20th pass still met 7 new objects, such as `new\\u{7}`"), "{filled}");
        let stalled = last(pass(7, false, 7, 0), 5);
        assert_eq!((stalled.kind, stalled.code.as_deref()), (FailureKind::LostAnswer, Some("SlowDown")));
        assert!(stalled.message.contains("7 versions left after 5 attempts, such as `k`: slowly"), "{stalled}");
    }

    #[test]
    fn a_pass_that_got_further_gives_new_patience() {
        let mut patience = Patience::default();
        for _ in 0..100 {
            assert!(matches!(patience.after(&pass(2, false, 2, 0)), Next::Pass(_)));
            assert!(matches!(patience.after(&pass(2, true, 1, 0)), Next::Pass(_)));
        }
    }
}
