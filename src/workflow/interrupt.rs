//! Whether the person asked to stop (Ctrl-C, SIGTERM).

use super::error::WorkflowError;
use std::future::Future;
use tokio::sync::watch;

/// Becomes set once, and stays set.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Set when the channel says `true`.
    pub fn new(asked: watch::Receiver<bool>) -> Self {
        Self(asked)
    }

    /// For the engine.
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is set; never when nobody can set it any more.
    pub async fn wait(&self) {
        let mut asked = self.0.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does something that may be broken off at any moment, such as asking AWS or the person.
    ///
    /// # Errors
    /// [`WorkflowError::Interrupted`] when it was broken off.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, WorkflowError> {
        tokio::select! {
            biased;
            () = self.wait() => Err(WorkflowError::Interrupted),
            result = work => Ok(result),
        }
    }
}
