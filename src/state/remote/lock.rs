//! The lock of a remote state: an object that its holder writes again every few seconds (a heartbeat).
//!
//! A process that finds the object of another one watches it. If it changes, its holder is alive and keeps the lock. If it
//! does not change for a full time-to-live on the watcher's own monotonic clock, its holder is gone and the lock is taken over.
//! Clocks of different machines are never compared. What protects the state is not this lock but the condition on every
//! write of the document; the lock keeps two runs from working against each other.

use super::objects::{Condition, Object, ObjectError, ObjectFault, Objects};
use super::timings::LockTimings;
use crate::state::error::StateError;
use crate::state::lock_holder::LockHolder;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Share of the time-to-live for which a holder relies on its last heartbeat: a call that is sent later could arrive when the lock
/// was taken over already.
const TRUSTED_SHARE: f64 = 0.75;

/// The lock object as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LockObject {
    /// Random id of this acquisition of the lock.
    id: String,
    holder: LockHolder,
    /// Boot and process namespace of the holder's machine: within them a process id names the same process.
    #[serde(default, rename = "processes")]
    pid_namespace: Option<String>,
    /// Grows with every heartbeat.
    #[serde(rename = "beat")]
    heartbeat: u64,
}

/// A held lock. It must be released: the lock of a process that ended without releasing it is free only after its time-to-live.
#[derive(Debug)]
pub struct RemoteLock<O> {
    inner: Arc<Inner<O>>,
    heartbeat: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner<O> {
    objects: O,
    key: String,
    location: String,
    timings: LockTimings,
    /// The object as we wrote it last, and its ETag; `None` when it is not ours any more.
    held: tokio::sync::Mutex<Option<(LockObject, String)>>,
    validity: Mutex<Validity>,
}

/// How long the holder may rely on the lock.
#[derive(Debug)]
struct Validity {
    /// When the lock object was last known to be this holder's.
    confirmed: Instant,
    /// How long the machine had been suspended by then.
    suspended: Duration,
    /// Why the lock is lost, once it is.
    lost: Option<String>,
}

/// Whose lock object there is.
enum LockState {
    /// This holder's, with the number of the last heartbeat that arrived.
    Ours {
        etag: String,
        heartbeat: u64,
    },
    /// Another holder's; its content, if it can be read.
    Theirs(Object, Option<LockObject>),
    Absent,
}

/// The outcome of one attempt to take the lock.
enum Attempt {
    /// The lock is held, since this moment at the earliest.
    Taken {
        etag: String,
        since: Instant,
    },
    Theirs(Object, Option<LockObject>),
    Absent,
}

impl<O: Objects> RemoteLock<O> {
    /// Takes the lock; one that its holder abandoned is taken over. `notice` is told why it takes long.
    pub(super) async fn take(
        objects: &O,
        key: &str,
        location: &str,
        timings: LockTimings,
        command: &str,
        notice: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, StateError> {
        let content = LockObject {
            id: uuid::Uuid::new_v4().to_string(),
            holder: LockHolder::current(command),
            pid_namespace: pid_namespace(),
            heartbeat: 0,
        };
        let mut abandoned: Option<Object> = None;
        loop {
            let attempt = attempt(objects, key, timings, &content, abandoned.as_ref()).await;
            match attempt.map_err(|error| StateError::remote(location, error))? {
                Attempt::Taken { etag, since } => return Ok(Self::held(objects, key, location, timings, content, etag, since)),
                Attempt::Absent => abandoned = None,
                Attempt::Theirs(object, theirs) => {
                    wait_until_abandoned(objects, key, location, timings, &object, theirs.as_ref(), notice).await?;
                    abandoned = Some(object);
                }
            }
        }
    }

    fn held(objects: &O, key: &str, location: &str, timings: LockTimings, content: LockObject, etag: String, since: Instant) -> Self {
        let inner = Arc::new(Inner {
            objects: objects.clone(),
            key: key.to_owned(),
            location: location.to_owned(),
            timings,
            held: tokio::sync::Mutex::new(Some((content, etag))),
            validity: Mutex::new(Validity { confirmed: since, suspended: suspended_time(), lost: None }),
        });
        let heartbeat = tokio::spawn(send_heartbeats(inner.clone()));
        Self { inner, heartbeat }
    }

    /// Whether the lock is still ours, as far as is known without a request.
    ///
    /// # Errors
    /// Why it is not, or may not be.
    pub(in crate::state) fn check(&self) -> Result<(), String> {
        let validity = self.inner.validity.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &validity.lost {
            return Err(why.clone());
        }
        let suspended = suspended_time().saturating_sub(validity.suspended);
        if validity.confirmed.elapsed() + suspended >= self.inner.timings.time_to_live.mul_f64(TRUSTED_SHARE) {
            return Err(format!("the lock of {} could not be renewed in time; another process may hold it by now", self.inner.location));
        }
        Ok(())
    }

    /// Releases the lock; one that is not ours any more is left alone.
    ///
    /// # Errors
    /// When the bucket refuses; the lock is then free after its time-to-live.
    pub(in crate::state) async fn release(&self) -> Result<(), StateError> {
        self.heartbeat.abort();
        self.inner.lose("was released");
        let mut held = self.inner.held.lock().await;
        let Some((content, etag)) = held.take() else { return Ok(()) };
        match self.inner.objects.delete(&self.inner.key, &etag).await {
            Ok(()) => Ok(()),
            Err(error) if outcome_is_unknown(error.fault) => {
                // A heartbeat whose answer was lost left another ETag.
                match read_lock(&self.inner.objects, &self.inner.key, &content.id).await {
                    Ok(LockState::Ours { etag, .. }) => {
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
    /// Notes that the lock is lost; the first reason is kept.
    fn lose(&self, why: &str) {
        let mut validity = self.validity.lock().unwrap_or_else(PoisonError::into_inner);
        validity.lost.get_or_insert_with(|| format!("the lock of {} {why}", self.location));
    }
}

impl<O> Drop for RemoteLock<O> {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// Refusals after which the lock object may be anyone's: if the SDK repeated the request, the second one may have been refused because
/// the first one was carried out.
fn outcome_is_unknown(fault: ObjectFault) -> bool {
    matches!(fault, ObjectFault::Precondition | ObjectFault::Conflict | ObjectFault::Gone | ObjectFault::Lost)
}

async fn write<O: Objects>(objects: &O, key: &str, content: &LockObject, condition: Condition<'_>) -> Result<String, ObjectError> {
    objects.put(key, serde_json::to_vec_pretty(content).unwrap_or_default(), condition).await
}

/// Writes the lock object where there is none, or over an abandoned one, until it is known who holds the lock.
async fn attempt<O: Objects>(
    objects: &O,
    key: &str,
    timings: LockTimings,
    content: &LockObject,
    abandoned: Option<&Object>,
) -> Result<Attempt, ObjectError> {
    // Another process may have seen the object since the first attempt, whichever of the attempts arrived.
    let since = Instant::now();
    loop {
        let condition = abandoned.map_or(Condition::Absent, |abandoned| Condition::Unchanged(&abandoned.etag));
        let error = match write(objects, key, content, condition).await {
            Ok(etag) => return Ok(Attempt::Taken { etag, since }),
            Err(error) if outcome_is_unknown(error.fault) => error,
            Err(error) => return Err(error),
        };
        match (read_lock(objects, key, &content.id).await?, abandoned) {
            (LockState::Ours { etag, .. }, _) => return Ok(Attempt::Taken { etag, since }),
            // Nothing changed: nothing was written, or the lock was released just now.
            (LockState::Absent, None) => {}
            (LockState::Theirs(now, _), Some(abandoned)) if now.etag == abandoned.etag => {}
            (LockState::Absent, Some(_)) => return Ok(Attempt::Absent),
            (LockState::Theirs(object, theirs), _) => return Ok(Attempt::Theirs(object, theirs)),
        }
        if since.elapsed() >= timings.write_timeout {
            return Err(error);
        }
        sleep(timings.retry_interval).await;
    }
}

async fn read_lock<O: Objects>(objects: &O, key: &str, ours: &str) -> Result<LockState, ObjectError> {
    let Some(object) = objects.get(key).await? else { return Ok(LockState::Absent) };
    let content = serde_json::from_slice::<LockObject>(&object.bytes).ok();
    Ok(match content {
        Some(content) if content.id == ours => LockState::Ours { etag: object.etag, heartbeat: content.heartbeat },
        content => LockState::Theirs(object, content),
    })
}

/// Returns when the holder of this lock object has certainly ended.
async fn wait_until_abandoned<O: Objects>(
    objects: &O,
    key: &str,
    location: &str,
    timings: LockTimings,
    object: &Object,
    content: Option<&LockObject>,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<(), StateError> {
    let holder = content.map(|content| content.holder.clone());
    let who = holder.as_ref().map_or_else(|| "an unknown process".to_owned(), ToString::to_string);
    if content.is_some_and(holder_has_ended) {
        notice(&format!("the lock was left by {who}, which is no longer running: taking it over"));
        return Ok(());
    }
    let seconds = timings.time_to_live.as_secs_f64();
    notice(&format!("locked by {who}; waiting up to {seconds:.0} s to see whether it is alive"));
    let since = Instant::now();
    while since.elapsed() < timings.time_to_live {
        sleep(timings.poll_interval).await;
        match objects.get(key).await.map_err(|error| StateError::remote(location, error))? {
            Some(now) if now.etag == object.etag => {}
            // It changed, so its holder or a new one is alive. When it is gone, it was released, and the next attempt may succeed.
            Some(now) => {
                let holder = serde_json::from_slice::<LockObject>(&now.bytes).ok().map(|content| content.holder).or(holder);
                return Err(StateError::Locked { holder, remote: true });
            }
            None => return Ok(()),
        }
    }
    notice(&format!("{who} gave no sign of life for {seconds:.0} s: taking the lock over"));
    Ok(())
}

/// Whether the holder was a process of this machine that has ended.
fn holder_has_ended(content: &LockObject) -> bool {
    let alive = || {
        i32::try_from(content.holder.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    };
    content.pid_namespace.is_some() && content.pid_namespace == pid_namespace() && !alive()
}

/// How long the machine was suspended since it booted. The monotonic clock does not count this time, but it passes for others who
/// watch the lock.
#[cfg(target_os = "linux")]
fn suspended_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let monotonic = now(ClockId::Monotonic);
    // The two clocks are read one after the other, so without a suspension they differ by next to nothing.
    now(ClockId::Boottime).saturating_sub(monotonic)
}

/// Where there is no such clock, the system time is used. If that is set forward, the lock is not relied on until its next
/// heartbeat.
#[cfg(not(target_os = "linux"))]
fn suspended_time() -> Duration {
    static START: std::sync::LazyLock<(std::time::Instant, std::time::SystemTime)> =
        std::sync::LazyLock::new(|| (std::time::Instant::now(), std::time::SystemTime::now()));
    START.1.elapsed().unwrap_or_default().saturating_sub(START.0.elapsed())
}

/// Boot and process namespace of this process: host names repeat among containers, these do not. `None` on systems without them.
fn pid_namespace() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// Writes heartbeats until the lock is released or lost.
async fn send_heartbeats<O: Objects>(inner: Arc<Inner<O>>) {
    loop {
        sleep(inner.timings.heartbeat_interval).await;
        while !send_heartbeat(&inner).await {
            sleep(inner.timings.poll_interval).await;
        }
        if inner.held.lock().await.is_none() {
            return;
        }
    }
}

/// Writes one heartbeat. Returns whether its outcome is final, so that it need not be repeated.
async fn send_heartbeat<O: Objects>(inner: &Inner<O>) -> bool {
    let mut held = inner.held.lock().await;
    let Some((content, etag)) = held.as_mut() else { return true };
    content.heartbeat += 1;
    let (began, suspended) = (Instant::now(), suspended_time());
    let written = match write(&inner.objects, &inner.key, content, Condition::Unchanged(etag)).await {
        Err(error) if outcome_is_unknown(error.fault) => match read_lock(&inner.objects, &inner.key, &content.id).await {
            Ok(LockState::Ours { etag, heartbeat }) => Ok((etag, heartbeat)),
            Ok(LockState::Theirs(_, theirs)) => {
                Err(Some(theirs.map_or_else(|| "another process".to_owned(), |content| content.holder.to_string())))
            }
            Ok(LockState::Absent) => Err(Some("another process, which removed it".to_owned())),
            Err(_) => Err(None),
        },
        Err(_) => Err(None),
        Ok(etag) => Ok((etag, content.heartbeat)),
    };
    match written {
        Ok((now, heartbeat)) => {
            *etag = now;
            // Only an earlier heartbeat arrived. Others may have seen it long ago, so it does not show them that this process is alive.
            if heartbeat != content.heartbeat {
                return false;
            }
            let mut validity = inner.validity.lock().unwrap_or_else(PoisonError::into_inner);
            (validity.confirmed, validity.suspended) = (began, suspended);
            true
        }
        Err(Some(who)) => {
            inner.lose(&format!("was taken over by {who}"));
            *held = None;
            true
        }
        // There was no answer, so it is repeated soon. When there is none for a share of the time-to-live, `check` refuses.
        Err(None) => false,
    }
}

/// Who holds the lock, if it is held.
pub(super) async fn holder<O: Objects>(objects: &O, key: &str) -> Result<Option<(Object, Option<LockHolder>)>, ObjectError> {
    let object = objects.get(key).await?;
    Ok(object.map(|object| {
        let holder = serde_json::from_slice::<LockObject>(&object.bytes).ok().map(|content| content.holder);
        (object, holder)
    }))
}
