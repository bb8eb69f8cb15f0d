//! The lock of a remote state: an object that its holder touches every few seconds.
//!
//! Whoever finds it waits until it changes (then its holder lives, and the lock is his) or until it did not change for a
//! full time-to-live on the waiter's own monotonic clock (then its holder is gone, and the lock is taken over). Clocks of
//! different machines are never compared. The real fence is not this lock but the condition on every write of the state.

use super::objects::{Condition, Object, ObjectError, ObjectFault, Objects};
use super::timings::LockTimings;
use crate::state::error::StateError;
use crate::state::lock_holder::LockHolder;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Share of the time-to-live for which a holder trusts its last touch.
const TRUSTED: f64 = 0.75;

/// The lock object.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    /// Random name of this taking of the lock.
    id: String,
    holder: LockHolder,
    /// Where process ids mean the same: boot and process namespace of the holder's machine.
    #[serde(default)]
    processes: Option<String>,
    /// Grows with every touch.
    beat: u64,
}

/// A held lock. It must be released; a holder that dies leaves it to whoever waits long enough.
#[derive(Debug)]
pub struct RemoteLock<O> {
    inner: Arc<Inner<O>>,
    beat: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner<O> {
    objects: O,
    key: String,
    location: String,
    timings: LockTimings,
    /// The object as we wrote it last, and its ETag; `None` when it is not ours any more.
    held: tokio::sync::Mutex<Option<(Note, String)>>,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Health {
    /// When the object was last known to be ours.
    confirmed: Instant,
    /// How long the machine had slept by then.
    slept: Duration,
    lost: Option<String>,
}

/// What was found in the place of the lock.
enum Found {
    /// With the number of the touch that arrived last.
    Ours {
        etag: String,
        beat: u64,
    },
    Theirs(Object, Option<Note>),
    Nothing,
}

/// What became of a try to take the lock.
enum Claim {
    /// It is ours, and was not before this moment.
    Taken {
        etag: String,
        since: Instant,
    },
    Theirs(Object, Option<Note>),
    Nothing,
}

impl<O: Objects> RemoteLock<O> {
    /// Takes the lock, over a dead holder's body if need be. `notice` tells people why it takes long.
    pub(super) async fn take(
        objects: &O,
        key: &str,
        location: &str,
        timings: LockTimings,
        command: &str,
        notice: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, StateError> {
        let note = Note { id: uuid::Uuid::new_v4().to_string(), holder: LockHolder::current(command), processes: process_space(), beat: 0 };
        let mut dead: Option<Object> = None;
        loop {
            let claim = claim(objects, key, timings, &note, dead.as_ref()).await;
            match claim.map_err(|error| StateError::remote(location, error))? {
                Claim::Taken { etag, since } => return Ok(Self::held(objects, key, location, timings, note, etag, since)),
                Claim::Nothing => dead = None,
                Claim::Theirs(object, theirs) => {
                    wait_for_death(objects, key, location, timings, &object, theirs.as_ref(), notice).await?;
                    dead = Some(object);
                }
            }
        }
    }

    fn held(objects: &O, key: &str, location: &str, timings: LockTimings, note: Note, etag: String, since: Instant) -> Self {
        let inner = Arc::new(Inner {
            objects: objects.clone(),
            key: key.to_owned(),
            location: location.to_owned(),
            timings,
            held: tokio::sync::Mutex::new(Some((note, etag))),
            health: Mutex::new(Health { confirmed: since, slept: slept(), lost: None }),
        });
        let beat = tokio::spawn(beat(inner.clone()));
        Self { inner, beat }
    }

    /// Whether the lock is still ours, as far as can be known without asking.
    ///
    /// # Errors
    /// Why it is not, or may not be.
    pub fn check(&self) -> Result<(), String> {
        let health = self.inner.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &health.lost {
            return Err(why.clone());
        }
        let asleep = slept().saturating_sub(health.slept);
        // A call that is sent now needs time to arrive.
        if health.confirmed.elapsed() + asleep >= self.inner.timings.time_to_live.mul_f64(TRUSTED) {
            return Err(format!("the lock of {} could not be renewed in time; somebody else may hold it by now", self.inner.location));
        }
        Ok(())
    }

    /// Gives the lock back; one that is not ours any more is left alone.
    ///
    /// # Errors
    /// When the bucket refuses; the lock then ages until it is taken over.
    pub async fn release(&self) -> Result<(), StateError> {
        self.beat.abort();
        self.inner.lose("was given back");
        let mut held = self.inner.held.lock().await;
        let Some((note, etag)) = held.take() else { return Ok(()) };
        match self.inner.objects.delete(&self.inner.key, &etag).await {
            Ok(()) => Ok(()),
            Err(error) if may_be_taken(error.fault) => {
                // A touch whose answer was lost left another ETag.
                match look(&self.inner.objects, &self.inner.key, &note.id).await {
                    Ok(Found::Ours { etag, .. }) => {
                        self.inner.objects.delete(&self.inner.key, &etag).await.map_err(|error| self.failed(error))
                    }
                    Ok(_) => Ok(()),
                    Err(error) => Err(self.failed(error)),
                }
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: ObjectError) -> StateError {
        StateError::remote(&self.inner.location, error)
    }
}

impl<O> Inner<O> {
    /// Nobody may act under this lock any more; the first reason is kept.
    fn lose(&self, why: &str) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.lost.get_or_insert_with(|| format!("the lock of {} {why}", self.location));
    }
}

impl<O> Drop for RemoteLock<O> {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// Refusals after which the lock may be anybody's, ours included: a repeated request meets what the first one wrote.
fn may_be_taken(fault: ObjectFault) -> bool {
    matches!(fault, ObjectFault::Precondition | ObjectFault::Conflict | ObjectFault::Gone | ObjectFault::Lost)
}

async fn write<O: Objects>(objects: &O, key: &str, note: &Note, condition: Condition<'_>) -> Result<String, ObjectError> {
    objects.put(key, serde_json::to_vec_pretty(note).unwrap_or_default(), condition).await
}

/// Writes the note where there is no lock, or over a dead holder's, until it is known whose the lock is.
async fn claim<O: Objects>(objects: &O, key: &str, timings: LockTimings, note: &Note, dead: Option<&Object>) -> Result<Claim, ObjectError> {
    // A waiter may have seen our note from the first try on, whichever of them arrived.
    let since = Instant::now();
    loop {
        let condition = dead.map_or(Condition::Absent, |dead| Condition::Unchanged(&dead.etag));
        let error = match write(objects, key, note, condition).await {
            Ok(etag) => return Ok(Claim::Taken { etag, since }),
            Err(error) if may_be_taken(error.fault) => error,
            Err(error) => return Err(error),
        };
        match (look(objects, key, &note.id).await?, dead) {
            (Found::Ours { etag, .. }, _) => return Ok(Claim::Taken { etag, since }),
            // As before: nothing was written, or the lock was given back just now.
            (Found::Nothing, None) => {}
            (Found::Theirs(now, _), Some(dead)) if now.etag == dead.etag => {}
            (Found::Nothing, Some(_)) => return Ok(Claim::Nothing),
            (Found::Theirs(object, theirs), _) => return Ok(Claim::Theirs(object, theirs)),
        }
        if since.elapsed() >= timings.write_timeout {
            return Err(error);
        }
        sleep(timings.retry_interval).await;
    }
}

async fn look<O: Objects>(objects: &O, key: &str, ours: &str) -> Result<Found, ObjectError> {
    let Some(object) = objects.get(key).await? else { return Ok(Found::Nothing) };
    let note = serde_json::from_slice::<Note>(&object.bytes).ok();
    Ok(match note {
        Some(note) if note.id == ours => Found::Ours { etag: object.etag, beat: note.beat },
        note => Found::Theirs(object, note),
    })
}

/// Returns when the holder of this object is gone for sure.
async fn wait_for_death<O: Objects>(
    objects: &O,
    key: &str,
    location: &str,
    timings: LockTimings,
    object: &Object,
    note: Option<&Note>,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<(), StateError> {
    let holder = note.map(|note| note.holder.clone());
    let who = holder.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string);
    if note.is_some_and(is_dead) {
        notice(&format!("the lock was left by {who}, which does not run any more: taking it over"));
        return Ok(());
    }
    let seconds = timings.time_to_live.as_secs_f64();
    notice(&format!("locked by {who}; watching for up to {seconds:.0} s whether it is alive"));
    let since = Instant::now();
    while since.elapsed() < timings.time_to_live {
        sleep(timings.poll_interval).await;
        match objects.get(key).await.map_err(|error| StateError::remote(location, error))? {
            Some(now) if now.etag == object.etag => {}
            // Touched or taken by another: it lives. Gone: it has just ended, and the next try may succeed.
            Some(now) => {
                let holder = serde_json::from_slice::<Note>(&now.bytes).ok().map(|note| note.holder).or(holder);
                return Err(StateError::Locked { holder, remote: true });
            }
            None => return Ok(()),
        }
    }
    notice(&format!("{who} gave no sign of life for {seconds:.0} s: taking the lock over"));
    Ok(())
}

/// Whether the holder ran where our process ids mean the same, and does not any more.
fn is_dead(note: &Note) -> bool {
    let alive = || {
        i32::try_from(note.holder.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    };
    note.processes.is_some() && note.processes == process_space() && !alive()
}

/// How long the machine has slept since it booted: the monotonic clock does not count that, other machines do.
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let monotonic = now(ClockId::Monotonic);
    // The two are read one after the other: without sleep they differ by next to nothing.
    now(ClockId::Boottime).saturating_sub(monotonic)
}

/// By the clock on the wall: where it is set forward, a lock that is still ours is trusted again after its next touch.
#[cfg(not(target_os = "linux"))]
fn slept() -> Duration {
    static START: std::sync::LazyLock<(std::time::Instant, std::time::SystemTime)> =
        std::sync::LazyLock::new(|| (std::time::Instant::now(), std::time::SystemTime::now()));
    START.1.elapsed().unwrap_or_default().saturating_sub(START.0.elapsed())
}

/// Boot and process namespace: host names repeat among containers, these do not. `None` where the system tells neither.
fn process_space() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// Touches the object until it is released or lost.
async fn beat<O: Objects>(inner: Arc<Inner<O>>) {
    loop {
        sleep(inner.timings.heartbeat_interval).await;
        while !touch(&inner).await {
            sleep(inner.timings.poll_interval).await;
        }
        if inner.held.lock().await.is_none() {
            return;
        }
    }
}

/// One touch; whether there is nothing to repeat.
async fn touch<O: Objects>(inner: &Inner<O>) -> bool {
    let mut held = inner.held.lock().await;
    let Some((note, etag)) = held.as_mut() else { return true };
    note.beat += 1;
    let (began, slept_before) = (Instant::now(), slept());
    let written = match write(&inner.objects, &inner.key, note, Condition::Unchanged(etag)).await {
        Err(error) if may_be_taken(error.fault) => match look(&inner.objects, &inner.key, &note.id).await {
            Ok(Found::Ours { etag, beat }) => Ok((etag, beat)),
            Ok(Found::Theirs(_, theirs)) => Err(Some(theirs.map_or_else(|| "somebody else".to_owned(), |note| note.holder.to_string()))),
            Ok(Found::Nothing) => Err(Some("somebody, who removed it".to_owned())),
            Err(_) => Err(None),
        },
        Err(_) => Err(None),
        Ok(etag) => Ok((etag, note.beat)),
    };
    match written {
        Ok((now, beat)) => {
            *etag = now;
            // An older touch is no sign of life: whoever waits may have seen it long ago.
            if beat != note.beat {
                return false;
            }
            let mut health = inner.health.lock().unwrap_or_else(PoisonError::into_inner);
            (health.confirmed, health.slept) = (began, slept_before);
            true
        }
        Err(Some(who)) => {
            inner.lose(&format!("was taken over by {who}"));
            *held = None;
            true
        }
        // No answer: again soon. Without any for a time-to-live, the lock counts as lost.
        Err(None) => false,
    }
}

/// Who holds the lock, if anybody does.
pub(super) async fn holder<O: Objects>(objects: &O, key: &str) -> Result<Option<(Object, Option<LockHolder>)>, ObjectError> {
    let object = objects.get(key).await?;
    Ok(object.map(|object| {
        let holder = serde_json::from_slice::<Note>(&object.bytes).ok().map(|note| note.holder);
        (object, holder)
    }))
}
