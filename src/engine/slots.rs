//! Slots for calls in flight, per service; the step with the longest remaining path gets the next one.

use crate::resource::Service;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Slots of all services.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots(Arc<Mutex<HashMap<Service, Queue>>>);

#[derive(Debug, Default)]
struct Queue {
    used: usize,
    waiting: BinaryHeap<Waiting>,
    arrivals: u64,
}

#[derive(Debug)]
struct Waiting {
    priority: u64,
    arrival: u64,
    wake: oneshot::Sender<Slot>,
}

/// A slot in use; dropping it gives it to the next waiter.
#[derive(Debug)]
pub(crate) struct Slot {
    service: Service,
    slots: Slots,
}

impl Slots {
    /// Waits for a slot of the service.
    pub(crate) async fn take(&self, service: Service, priority: u64) -> Slot {
        let receiver = {
            let mut queues = self.lock();
            let queue = queues.entry(service).or_default();
            if queue.used < service.concurrency() {
                queue.used += 1;
                return Slot { service, slots: self.clone() };
            }
            let (wake, receiver) = oneshot::channel();
            queue.arrivals += 1;
            let arrival = queue.arrivals;
            queue.waiting.push(Waiting { priority, arrival, wake });
            receiver
        };
        // The sender stays in the queue until the waiter is woken, and the queue outlives every waiter.
        receiver.await.unwrap_or_else(|_| Slot { service, slots: Slots::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Service, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next waiter; without one, the number of slots in use is decreased.
    fn release(&self, service: Service) -> Option<oneshot::Sender<Slot>> {
        let mut queues = self.lock();
        let queue = queues.get_mut(&service)?;
        let next = std::iter::from_fn(|| queue.waiting.pop()).find(|waiting| !waiting.wake.is_closed());
        if next.is_none() {
            queue.used = queue.used.saturating_sub(1);
        }
        next.map(|waiting| waiting.wake)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(wake) = self.slots.release(self.service) {
            // If the waiter was cancelled meanwhile, its slot is dropped, which wakes the next one.
            drop(wake.send(Slot { service: self.service, slots: self.slots.clone() }));
        }
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.priority.cmp(&other.priority).then_with(|| other.arrival.cmp(&self.arrival))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_way_is_served_first_and_never_more_than_the_limit() {
        let slots = Slots::default();
        let limit = Service::Iam.concurrency();
        let mut held = Vec::new();
        for _ in 0..limit {
            held.push(slots.take(Service::Iam, 0).await);
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for priority in [1, 9, 5] {
            let (slots, order) = (slots.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let slot = slots.take(Service::Iam, priority).await;
                order.lock().unwrap().push(priority);
                drop(slot);
            }));
        }
        tokio::task::yield_now().await;
        assert!(order.lock().unwrap().is_empty());
        held.pop();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [9, 5, 1]);
        drop(held);
        assert_eq!(slots.lock()[&Service::Iam].used, 0);
    }
}
