//! Whether the user asked to stop (Ctrl-C, SIGTERM).

use super::error::WorkflowError;
use std::future::Future;
use tokio::sync::watch;

/// A flag that is set once and stays set.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// A flag that is set when the channel receives `true`.
    pub fn new(asked: watch::Receiver<bool>) -> Self {
        Self(asked)
    }

    /// The channel, for the engine.
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the flag is set; never when its sender is dropped.
    pub async fn wait(&self) {
        let mut asked = self.0.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs work that may be cancelled at any moment, such as reading from AWS or asking the user.
    ///
    /// # Errors
    /// [`WorkflowError::Interrupted`] when it was cancelled.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, WorkflowError> {
        tokio::select! {
            biased;
            () = self.wait() => Err(WorkflowError::Interrupted),
            result = work => Ok(result),
        }
    }
}
