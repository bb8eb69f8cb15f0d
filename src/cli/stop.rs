//! Ctrl-C, SIGTERM and a closed terminal, from the first lock to its release (docs/design-rules.md, rule 6).

use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::state_location::{Guard, Store};
use crate::workflow::Interrupt;
use std::future::Future;
use std::ops::AsyncFnOnce;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Longest time after the second signal in which the state is saved and the lock released.
const SECOND_SIGNAL_BUDGET: Duration = Duration::from_millis(900);
/// Longest time in which a lock is released.
const RELEASE: Duration = Duration::from_secs(3);

/// What the second signal must save or release before the process ends.
#[derive(Default)]
struct Held {
    guards: Vec<Guard>,
    /// Saves entries of the state that are not written yet.
    rescue: Option<Box<dyn Fn() + Send>>,
}

/// Whether the user asked to stop.
#[derive(Clone)]
pub(super) struct Stop {
    interrupt: Interrupt,
    held: Arc<Mutex<Held>>,
}

impl Stop {
    /// Handles signals from now on. The first one asks to stop; the second one ends the process at once, which is safe because
    /// everything is recorded.
    pub(super) fn listen(printer: &Printer) -> Self {
        let (sender, asked) = watch::channel(false);
        let stop = Self { interrupt: Interrupt::new(asked), held: Arc::default() };
        let (printer, listener) = (printer.clone(), stop.clone());
        // A process started with `nohup` must survive a closed terminal.
        let ignores_hangup = is_hangup_ignored();
        tokio::spawn(async move {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
            let mut hangup = if ignores_hangup { None } else { signal(SignalKind::hangup()).ok() };
            let mut again = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    Some(_) = async { hangup.as_mut()?.recv().await } => {}
                }
                if again {
                    listener.leave(&printer).await;
                }
                again = true;
                sender.send_replace(true);
            }
        });
        stop
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flag as the workflows use it.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Sets what the second signal does first.
    pub(super) fn rescue_with(&self, rescue: impl Fn() + Send + 'static) {
        self.held().rescue = Some(Box::new(rescue));
    }

    /// Runs work that may be cancelled at any moment, such as reading from AWS or asking the user.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, CliError> {
        Ok(self.interrupt.unless(work).await?)
    }

    /// Runs work under the lock of a store, and releases the lock however the work ends.
    pub(super) async fn locked<T>(
        &self,
        store: &Store,
        command: &str,
        printer: &Printer,
        work: impl AsyncFnOnce(Guard) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let guard = self.take(store, command, printer).await?;
        self.held().guards.push(guard.clone());
        let result = work(guard.clone()).await;
        match tokio::time::timeout(RELEASE, guard.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => printer.always(&format!("warning: the lock was not released ({error}); it expires within a minute")),
            Err(_) => printer.always("warning: the lock was not released, because its store did not answer; it expires within a minute"),
        }
        self.held().guards.pop();
        result
    }

    async fn take(&self, store: &Store, command: &str, printer: &Printer) -> Result<Guard, CliError> {
        let (store, command, printer) = (store.clone(), command.to_owned(), printer.clone());
        let mut taking = tokio::spawn(async move { store.lock(&command, &|text: &str| printer.say(text)).await });
        match self.unless(&mut taking).await {
            Ok(Ok(taken)) => Ok(taken?),
            Ok(Err(error)) => Err(CliError::new(Exit::Failed, format!("the lock could not be taken: {error}"))),
            Err(stopped) => {
                // A request in flight may still take the lock, which is released then.
                if let Ok(Ok(Ok(guard))) = tokio::time::timeout(RELEASE, &mut taking).await {
                    let _ = tokio::time::timeout(RELEASE, guard.release()).await;
                }
                taking.abort();
                Err(stopped)
            }
        }
    }

    async fn leave(&self, printer: &Printer) {
        // On a thread of its own, so that the process ends even when something blocks, such as a write to the terminal.
        std::thread::spawn(move || {
            std::thread::sleep(SECOND_SIGNAL_BUDGET);
            exit();
        });
        let guards = {
            let mut held = self.held();
            held.rescue.iter().for_each(|rescue| rescue());
            std::mem::take(&mut held.guards)
        };
        for guard in guards {
            let _ = guard.release().await;
        }
        printer.always("stopped at once; run the same command again; it resumes");
        exit();
    }
}

#[expect(clippy::exit, reason = "the second interrupt leaves within a second, whatever still runs")]
fn exit() -> ! {
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

/// Whether SIGHUP was ignored when the process started, read from `/proc`; without `/proc`, no.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}
