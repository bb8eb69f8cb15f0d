//! Drains of a cluster in memory, under paused time.

use super::super::objects::{Page, object};
use super::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A cluster in memory.
#[derive(Default)]
struct Cluster {
    objects: Mutex<Vec<Object>>,
    /// Failures that calls return instead, in this order, by operation.
    failures: Mutex<Vec<(&'static str, FailureKind)>>,
    /// How long an object without a stuck finalizer takes until it is gone.
    clears_after: Duration,
    going: Mutex<VecDeque<(Instant, String)>>,
    calls: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Cluster {
    fn with(objects: impl IntoIterator<Item = Object>) -> Self {
        Self { objects: Mutex::new(objects.into_iter().collect()), clears_after: Duration::from_secs(12), ..Self::default() }
    }

    fn failing(self, operation: &'static str, kinds: &[FailureKind]) -> Self {
        self.failures.lock().unwrap().extend(kinds.iter().map(|kind| (operation, *kind)));
        self
    }

    fn trouble(&self, operation: &str) -> Result<(), Failure> {
        let mut failures = self.failures.lock().unwrap();
        match failures.iter().position(|(failing, _)| *failing == operation) {
            Some(index) => Err(Failure::new(failures.remove(index).1, operation, "so it is")),
            None => Ok(()),
        }
    }

    fn calls(&self, start: &str) -> Vec<String> {
        self.calls.lock().unwrap().iter().filter(|call| call.starts_with(start)).cloned().collect()
    }
}

impl Api for Cluster {
    /// Two objects on a page.
    async fn page(&self, kind: ObjectKind, after: Option<&str>) -> Result<Page, Failure> {
        self.calls.lock().unwrap().push(format!("list {kind:?} {}", after.unwrap_or_default()));
        self.trouble(kind.list_operation())?;
        let gone: Vec<String> =
            self.going.lock().unwrap().iter().filter(|(when, _)| *when <= Instant::now()).map(|(_, uid)| uid.clone()).collect();
        let mut objects = self.objects.lock().unwrap();
        objects.retain(|object| !gone.contains(&object.uid));
        let start: usize = after.map_or(0, |token| token.parse().unwrap());
        let all: Vec<Object> = objects.iter().filter(|object| object.kind == kind).cloned().collect();
        let next = (start + 2 < all.len()).then(|| (start + 2).to_string());
        Ok(Page { objects: all.into_iter().skip(start).take(2).collect(), next })
    }

    async fn delete(&self, object: &Object) -> Result<(), Failure> {
        self.calls.lock().unwrap().push(format!("delete {object}"));
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.trouble(object.kind.delete_operation())?;
        let mut objects = self.objects.lock().unwrap();
        let found = objects.iter_mut().find(|known| known.uid == object.uid).unwrap();
        found.deleting = true;
        if !found.finalizers.contains(&"stuck".to_owned()) {
            self.going.lock().unwrap().push_back((Instant::now() + self.clears_after, object.uid.clone()));
        }
        Ok(())
    }
}

fn service(name: &str) -> Object {
    object(ObjectKind::Service, name)
}

fn ingress(name: &str) -> Object {
    object(ObjectKind::Ingress, name)
}

async fn drained(cluster: &Cluster) -> (Result<Drained, Failure>, Vec<String>) {
    let told = Mutex::new(Vec::new());
    let result = run(cluster, TimeScale::REAL, &|| Ok(()), &|line| told.lock().unwrap().push(line)).await;
    (result, told.into_inner().unwrap())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_on_all_pages_goes() {
    let cluster = Cluster::with((0..9).map(|index| service(&format!("s{index}"))).chain([ingress("i")]));
    let began = Instant::now();
    let (result, told) = drained(&cluster).await;
    let result = result.unwrap();
    assert_eq!((result.services.len(), result.ingresses, result.left), (9, names(&["shop/i"]), vec![]));
    assert_eq!(cluster.calls("delete").len(), 10, "each is asked for once");
    assert_eq!(cluster.most_at_once.load(Ordering::SeqCst), 4);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(
        told,
        ["Kubernetes: deleting 9 Services of type LoadBalancer and 1 Ingress, so that their controllers take the load balancers away"]
    );
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_nothing_waits() {
    let cluster = Cluster::default();
    let began = Instant::now();
    let (result, told) = drained(&cluster).await;
    assert_eq!((result, told.len()), (Ok(Drained::default()), 1));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(cluster.calls("").len(), 2, "one list of each");
}

#[tokio::test(start_paused = true)]
async fn what_is_stuck_at_the_deadline_is_named() {
    let stuck = Object { finalizers: names(&["stuck", "other"]), ..ingress("held") };
    let before = Object { finalizers: names(&["stuck"]), deleting: true, ..service("before") };
    let cluster = Cluster::with([stuck, before, service("free")]);
    let began = Instant::now();
    let (result, told) = drained(&cluster).await;
    let result = result.unwrap();
    assert_eq!(result.services, names(&["shop/free"]));
    assert_eq!(result.left, names(&["Ingress shop/held (stuck, other)", "Service shop/before (stuck)"]));
    assert_eq!(began.elapsed(), Duration::from_secs(180));
    assert_eq!(cluster.calls("delete"), ["delete Ingress shop/held", "delete Service shop/free"]);
    assert_eq!(told.last().unwrap(), "Kubernetes: waiting for 1 Service of type LoadBalancer and 1 Ingress");
}

#[tokio::test(start_paused = true)]
async fn passing_refusals_are_tried_again_and_others_are_not() {
    let again = Cluster::with([service("a")]).failing("Kubernetes DeleteService", &[FailureKind::Busy, FailureKind::LostAnswer]);
    assert_eq!(drained(&again).await.0.unwrap().services, names(&["shop/a"]));
    assert_eq!(again.calls("delete").len(), 3);
    let never = Cluster::with([service("a"), ingress("b")]).failing("Kubernetes DeleteService", &[FailureKind::Permission]);
    let began = Instant::now();
    let result = drained(&never).await.0.unwrap();
    assert_eq!(result.left, names(&["Service shop/a (no finalizers; Kubernetes DeleteService: so it is)"]));
    assert_eq!(result.ingresses, names(&["shop/b"]));
    assert!(began.elapsed() < Duration::from_secs(20), "what was refused is not waited for");
    assert_eq!(never.calls("delete Service").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_is_given_up_soon() {
    let hiccup = Cluster::with([service("a")]).failing("Kubernetes ListIngresses", &[FailureKind::LostAnswer; 2]);
    assert!(drained(&hiccup).await.0.is_ok());
    let silent = Cluster::with([service("a")]).failing("Kubernetes ListIngresses", &[FailureKind::LostAnswer; 3]);
    assert_eq!(drained(&silent).await.0.unwrap_err().kind, FailureKind::LostAnswer);
    let closed = Cluster::with([service("a")]).failing("Kubernetes ListServices", &[FailureKind::Permission]);
    assert_eq!(drained(&closed).await.0.unwrap_err().kind, FailureKind::Permission);
    assert!([silent, closed].iter().all(|cluster| cluster.calls("delete").is_empty()));
}

#[tokio::test(start_paused = true)]
async fn silence_in_between_is_told_and_outlasted() {
    struct Later(Cluster);
    impl Api for Later {
        async fn page(&self, kind: ObjectKind, after: Option<&str>) -> Result<Page, Failure> {
            if self.0.calls("delete").is_empty() { self.0.page(kind, after).await } else { std::future::pending().await }
        }
        async fn delete(&self, object: &Object) -> Result<(), Failure> {
            self.0.delete(object).await
        }
    }
    let told = Mutex::new(0);
    let began = Instant::now();
    let later = Later(Cluster::with([service("a")]));
    let result = run(&later, TimeScale::REAL, &|| Ok(()), &|_| *told.lock().unwrap() += 1).await.unwrap();
    assert_eq!(result.left, names(&["Service shop/a (no finalizers)"]), "as last seen");
    assert!(began.elapsed() <= Duration::from_secs(180 + 60), "{:?}", began.elapsed());
    assert_eq!(told.into_inner().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_that_may_not_be() {
    let cluster = Cluster::with((0..9).map(|index| service(&format!("s{index}"))));
    let asked = AtomicUsize::new(0);
    let check_lock = || if asked.fetch_add(1, Ordering::SeqCst) < 2 { Ok(()) } else { Err("the lock was lost".to_owned()) };
    let failure = run(&cluster, TimeScale::REAL, &check_lock, &|_| ()).await.unwrap_err();
    assert_eq!(failure.to_string(), "Kubernetes DeleteService: the lock was lost");
    assert_eq!(cluster.calls("delete").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn waits_follow_the_time_scale() {
    let stuck = Object { finalizers: names(&["stuck"]), ..service("held") };
    let began = Instant::now();
    let result = run(&Cluster::with([stuck]), TimeScale::scaled(0.01).unwrap(), &|| Ok(()), &|_| ()).await.unwrap();
    assert_eq!((result.left.len(), began.elapsed()), (1, Duration::from_millis(1800)));
}
