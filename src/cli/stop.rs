//! Ctrl-C, SIGTERM and a closed terminal, from the first lock to its release (design rule 6).

use super::exit::{CliError, Exit};
use super::place::{Guard, Store};
use super::printer::Printer;
use std::future::Future;
use std::ops::AsyncFnOnce;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the second signal waits for, at most: the lock to be given back.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// Whether the user asked to stop.
#[derive(Clone)]
pub(super) struct Stop {
    asked: watch::Receiver<bool>,
    held: Arc<Mutex<Option<Guard>>>,
}

impl Stop {
    /// Listens from now on. The first signal asks to stop; the second one leaves at once (everything is recorded).
    pub(super) fn listen(printer: &Printer) -> Self {
        let (sender, asked) = watch::channel(false);
        let held: Arc<Mutex<Option<Guard>>> = Arc::default();
        let (printer, guard) = (printer.clone(), held.clone());
        tokio::spawn(async move {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
            let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else { return };
            let mut again = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if again {
                    leave(&printer, &guard).await;
                }
                again = true;
                sender.send_replace(true);
            }
        });
        Self { asked, held }
    }

    /// For the engine.
    pub(super) fn asked(&self) -> watch::Receiver<bool> {
        self.asked.clone()
    }

    /// Does something that may be broken off at any moment, such as looking and asking.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, CliError> {
        let mut asked = self.asked.clone();
        let stopped = async move {
            if asked.wait_for(|asked| *asked).await.is_err() {
                // Nobody listens for signals any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(CliError::new(Exit::Interrupted, "interrupted; nothing was changed")),
            result = work => Ok(result),
        }
    }

    /// Works under the lock of a store and gives it back, however the work ends.
    pub(super) async fn locked<T>(
        &self,
        store: &Store,
        command: &str,
        printer: &Printer,
        work: impl AsyncFnOnce(Guard) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let notice = |text: &str| printer.say(text);
        let guard = self.unless(store.lock(command, &notice)).await??;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard.clone());
        let result = work(guard.clone()).await;
        if let Err(error) = guard.release().await {
            printer.always(&format!("warning: the lock was not given back ({error}); it ages out within a minute"));
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        result
    }
}

#[expect(clippy::exit, reason = "the second interrupt leaves within a second, whatever still runs")]
async fn leave(printer: &Printer, held: &Mutex<Option<Guard>>) {
    printer.always("left at once; run the same command again to go on");
    let guard = held.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(guard) = guard {
        let _ = tokio::time::timeout(LAST_WORDS, guard.release()).await;
    }
    std::process::exit(i32::from(Exit::Interrupted as u8))
}
