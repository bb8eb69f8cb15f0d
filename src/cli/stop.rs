//! Ctrl-C, SIGTERM and a closed terminal, from the first lock to its release (docs/design-rules.md, rule 6).

use super::exit::{CliError, Exit};
use super::locked_store::LockedStore;
use super::printer::Printer;
use super::settings::Settings;
use super::state_location::{Guard, Store};
use crate::workflow::Interrupt;
use std::future::Future;
use std::ops::AsyncFnOnce;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the second signal waits for, at most: the state to be saved and the lock to be given back.
const LAST_WORDS: Duration = Duration::from_millis(900);
/// What giving back a lock may take.
const RELEASE: Duration = Duration::from_secs(3);

/// What must not be left as it is.
#[derive(Default)]
struct Held {
    guards: Vec<Guard>,
    /// Saves what is not durable.
    rescue: Option<Box<dyn Fn() + Send>>,
}

/// Whether the user asked to stop.
#[derive(Clone)]
pub(super) struct Stop {
    interrupt: Interrupt,
    held: Arc<Mutex<Held>>,
}

impl Stop {
    /// Listens from now on. The first signal asks to stop; the second one leaves at once (everything is recorded).
    pub(super) fn listen(printer: &Printer) -> Self {
        let (sender, asked) = watch::channel(false);
        let stop = Self { interrupt: Interrupt::new(asked), held: Arc::default() };
        let (printer, listener) = (printer.clone(), stop.clone());
        // Whoever starts us with `nohup` wants us to go on.
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

    /// For a workflow.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The store as a workflow sees it, while its lock is held. `bare` is where the state is, when there is no configuration.
    pub(super) fn store(&self, store: &Store, guard: Guard, settings: &Settings, bare: Option<String>, printer: &Printer) -> LockedStore {
        let beside = settings.beside().to_owned();
        LockedStore { store: store.clone(), guard, beside, bare, stop: self.clone(), printer: printer.clone() }
    }

    /// What the second signal does first.
    pub(super) fn rescue_with(&self, rescue: impl Fn() + Send + 'static) {
        self.held().rescue = Some(Box::new(rescue));
    }

    /// Does something that may be broken off at any moment, such as looking and asking.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, CliError> {
        Ok(self.interrupt.unless(work).await?)
    }

    /// Works under the lock of a store and gives it back, however the work ends.
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
            Ok(Err(error)) => printer.always(&format!("warning: the lock was not given back ({error}); it ages out within a minute")),
            Err(_) => printer.always("warning: the lock was not given back, nobody answered; it ages out within a minute"),
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
                // A request on its way may still take it.
                if let Ok(Ok(Ok(guard))) = tokio::time::timeout(RELEASE, &mut taking).await {
                    let _ = tokio::time::timeout(RELEASE, guard.release()).await;
                }
                taking.abort();
                Err(stopped)
            }
        }
    }

    async fn leave(&self, printer: &Printer) {
        // Whatever blocks, be it the terminal.
        std::thread::spawn(move || {
            std::thread::sleep(LAST_WORDS);
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

/// Whether SIGHUP is ignored from the start, as the system tells it; elsewhere it is not known.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}
