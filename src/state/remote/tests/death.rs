//! The process ends before or after any of its requests, and its successor continues.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A whole run of several entries, each of which is counted when it is durable.
async fn whole_run(client: Client, durable: Arc<AtomicUsize>) {
    let (lock, writer) = begun(&client).await;
    for number in 0..4 {
        writer.record(entry(number)).await.unwrap();
        durable.store(number + 1, Ordering::SeqCst);
        // Heartbeats of the lock come in between.
        sleep(seconds(7.0)).await;
    }
    writer.finish().await.unwrap();
    lock.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_request_loses_nothing() {
    for arrives in [false, true] {
        for call in 0.. {
            let client = Client::new();
            let durable = Arc::new(AtomicUsize::new(0));
            client.stop_at(call, arrives);
            let living = tokio::spawn(whole_run(client.clone(), durable.clone()));
            sleep(seconds(60.0)).await;
            assert!(client.is_stopped() || living.is_finished(), "call {call}");
            if !client.is_stopped() {
                living.await.unwrap();
                assert!(call > 10, "only {call} calls");
                break;
            }
            living.abort();

            let successor = client.other();
            let (lock, writer) = begun(&successor).await;
            let (durable, found) = (durable.load(Ordering::SeqCst), writer.document().resources.len());
            assert!(found == durable || found == durable + 1, "call {call}: {found} of {durable}");
            for number in 0..5 {
                writer.record(entry(number)).await.unwrap();
            }
            assert_eq!(writer.finish().await.unwrap().resources.len(), 5);
            lock.release().await.unwrap();
            assert_eq!(successor.standing("lock.json"), None);
            assert_eq!(standing(&successor).resources.len(), 5);
        }
    }
}
