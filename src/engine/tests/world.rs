//! AWS in memory for tests: eventual consistency, faults and durations.

mod left;

use super::process::{Death, Log};
use crate::engine::{
    Blocker, Created, DeletionPolicy, Failure, FailureKind, INTENT_ATTRIBUTE, Item, Observed, Provider, Query, Readiness, Update,
};
use crate::resource::{Address, Attributes, Desired, Idempotency, Kind, Service, resolve_known};
use crate::state::Document;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Half of the duration of a call.
const HALF_A_CALL: Duration = Duration::from_millis(100);

/// One object that was created once.
#[derive(Debug, Clone)]
struct Object {
    address: Address,
    id: String,
    spec: Value,
    created_as: Value,
    tags: BTreeMap<String, String>,
    version: usize,
    client_token: String,
    created: Instant,
    deleted: Option<Instant>,
    failed: Option<String>,
    /// It never becomes ready.
    stuck: bool,
    /// It was deleted outside of the program: gone at once, but its client token still returns it.
    vanished: bool,
    foreign: bool,
    /// When it is deleted without a call of ours.
    leaves: Option<Instant>,
}

/// The natural key, where the kind has one; it is the address when the spec lacks the fields of the key.
fn natural_key(address: &Address, spec: &Value) -> Option<String> {
    let fields: &[&str] = match address.kind() {
        Kind::Subnet => &["vpc", "cidr"],
        Kind::SecurityGroup => &["vpc", "name"],
        Kind::EfsMountTarget => &["file_system", "subnet"],
        Kind::EksAccessEntry => &["cluster", "principal"],
        Kind::EksAddOn => &["cluster", "name"],
        Kind::EksCluster | Kind::LaunchTemplate => &["name"],
        kind if kind.facts().idempotency == Idempotency::NaturalKey => &["name"],
        _ => return None,
    };
    let values: Option<Vec<&str>> = fields.iter().map(|field| spec[*field].as_str()).collect();
    Some(format!("{} {}", address.kind(), values.map_or_else(|| address.to_string(), |values| values.join(" "))))
}

impl Object {
    fn kind(&self) -> Kind {
        self.address.kind()
    }

    fn is_gone(&self) -> bool {
        let slow = self.kind().facts().delete_seconds > 1 && !self.vanished;
        let is_elsewhere = self.created > Instant::now() || self.leaves.is_some_and(|leaves| leaves <= Instant::now());
        is_elsewhere || self.deleted.is_some_and(|deleted| !slow || deleted.elapsed() >= seconds(self.kind().facts().delete_seconds))
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let name = self.spec["name"].as_str().unwrap_or(&self.id);
        let values = [
            ("id", self.id.clone()),
            ("arn", if self.kind().facts().keeps_attributes { format!("arn:{}/{name}.", self.kind()) } else { format!("arn:{}", self.id) }),
            ("name", format!("{name}~{}", self.id)),
            ("endpoint", format!("https://{}", self.id)),
            ("version", self.version.to_string()),
            ("security_group", format!("sg-of-{}", self.id)),
            ("certificate_authority", "Q0E=".to_owned()),
            ("service_cidr", "172.20.0.0/16".to_owned()),
        ];
        values.map(|(key, value)| (key.to_owned(), value)).into()
    }

    fn readiness(&self) -> Readiness {
        match (&self.failed, self.deleted) {
            (_, Some(_)) => Readiness::Deleting,
            (Some(why), _) => Readiness::Failed(why.clone()),
            _ if self.stuck => Readiness::NotYet("stuck".to_owned()),
            _ if self.created.elapsed() < seconds(self.kind().facts().create_seconds) && self.kind().facts().create_seconds > 1 => {
                Readiness::NotYet("pending".to_owned())
            }
            _ => Readiness::Ready,
        }
    }

    fn observed(&self) -> Observed {
        Observed {
            address: self.address.clone(),
            id: self.id.clone(),
            attributes: self.attributes(),
            spec: self.spec.clone(),
            tags: Some(self.tags.clone()),
            readiness: self.readiness(),
        }
    }

    fn uses(&self, other: &Object) -> bool {
        let text = self.spec.to_string();
        text.contains(&other.id) || text.contains(&other.attributes()["arn"])
    }

    /// Whether it should be deleted before the other. A route to a gateway need not.
    fn stands_on(&self, other: &Object) -> bool {
        let dies_along = self.kind().facts().dies_with == Some(other.kind());
        let is_route = (self.kind(), other.kind()) == (Kind::RouteTable, Kind::NatGateway);
        !self.is_gone() && self.id != other.id && self.uses(other) && !dies_along && !is_route
    }

    /// Whether AWS refuses to delete the other because of it.
    fn holds(&self, other: &Object) -> bool {
        let is_free = match other.kind() {
            Kind::LaunchTemplate | Kind::KmsKey => true,
            Kind::IamRole => self.kind() != Kind::InstanceProfile,
            _ => self.kind() == Kind::LaunchTemplate,
        };
        self.stands_on(other) && !is_free
    }
}

fn seconds(of: u32) -> Duration {
    Duration::from_secs(u64::from(of))
}

/// The moment of a call at which a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strikes {
    /// Before the effect.
    Before,
    /// After the effect; only the answer is lost.
    After,
    /// The call never returns.
    Hangs,
}

struct Fault {
    call: String,
    times: usize,
    strikes: Strikes,
    kind: FailureKind,
}

#[derive(Default)]
struct Inner {
    objects: Vec<Object>,
    /// Number of ids that were given out, so that none is given twice.
    numbers: usize,
    faults: Vec<Fault>,
    violations: Vec<String>,
    /// Deletions that came too early: the resource, and one that depended on it.
    early: Vec<(String, String)>,
    flight: HashMap<Service, (usize, usize)>,
    client_tokens: Vec<(String, String)>,
    /// Resources that appear when another one is deleted.
    late: Vec<left::Late>,
}

pub(crate) struct World {
    inner: Mutex<Inner>,
    log: Log,
    pub(crate) death: Mutex<Arc<Death>>,
    /// Milliseconds for which a new resource is invisible.
    pub(crate) lag: AtomicUsize,
}

fn failure(kind: FailureKind, operation: &str) -> Failure {
    Failure::new(kind, operation, "the world says no").with_code(format!("{kind:?}")).with_request_id(Some("r-1".to_owned()))
}

impl World {
    pub(crate) fn new(log: Log, death: Arc<Death>) -> Self {
        Self { inner: Mutex::default(), log, death: Mutex::new(death), lag: AtomicUsize::new(0) }
    }

    /// Lets a call (`create vpc/main`) fail this many times.
    pub(crate) fn fault(&self, call: &str, times: usize, strikes: Strikes, kind: FailureKind) {
        self.inner.lock().unwrap().faults.push(Fault { call: call.to_owned(), times, strikes, kind });
    }

    /// Sorted addresses of all resources that exist and are not being deleted; those of duplicates appear twice.
    pub(crate) fn live(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        let mut live: Vec<String> =
            inner.objects.iter().filter(|object| object.is_live()).map(|object| object.address.to_string()).collect();
        live.sort();
        live
    }

    /// Violations of the order of creation and deletion.
    pub(crate) fn violations(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        let early = inner.early.iter().map(|(used, user)| format!("{used} is used by {user}"));
        inner.violations.iter().cloned().chain(early).collect()
    }

    /// Largest number of calls of a service in flight at once.
    pub(crate) fn most_in_flight(&self, service: Service) -> usize {
        self.inner.lock().unwrap().flight.get(&service).map_or(0, |flight| flight.1)
    }

    /// Client tokens of an address's create calls, in order.
    pub(crate) fn client_tokens(&self, of: &str) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.client_tokens.iter().filter(|(address, _)| address == of).map(|(_, client_token)| client_token.clone()).collect()
    }

    pub(crate) fn tags(&self, of: &str) -> BTreeMap<String, String> {
        self.with(of, |object| object.tags.clone())
    }

    pub(crate) fn spec(&self, of: &str) -> Value {
        self.with(of, |object| object.spec.clone())
    }

    pub(crate) fn id(&self, of: &str) -> String {
        self.with(of, |object| object.id.clone())
    }

    pub(crate) fn change(&self, of: &str, field: &str, value: Value) {
        self.with(of, |object| object.spec[field] = value);
    }

    pub(crate) fn tag(&self, of: &str, key: &str, value: &str) {
        self.with(of, |object| object.tags.insert(key.to_owned(), value.to_owned()));
    }

    pub(crate) fn fail(&self, of: &str, why: &str) {
        self.with(of, |object| object.failed = Some(why.to_owned()));
    }

    /// Another user deletes it.
    pub(crate) fn vanish(&self, of: &str) {
        self.inner.lock().unwrap().objects.retain(|object| object.address.to_string() != of);
    }

    /// Creates a resource of others under a natural key.
    pub(crate) fn foreign(&self, of: &str, tags: &[(&str, &str)]) {
        self.foreign_with(of, json!({}), tags);
    }

    /// The same, with the fields of the key.
    pub(crate) fn foreign_with(&self, of: &str, spec: Value, tags: &[(&str, &str)]) {
        let mut inner = self.inner.lock().unwrap();
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let object = Object { tags, foreign: true, ..inner.outside(of, spec) };
        inner.objects.push(object);
    }

    fn with<T>(&self, of: &str, work: impl FnOnce(&mut Object) -> T) -> T {
        let mut inner = self.inner.lock().unwrap();
        let object = inner.objects.iter_mut().find(|object| object.address.to_string() == of && object.deleted.is_none());
        work(object.unwrap_or_else(|| panic!("the world has no {of}")))
    }

    /// Observes everything of the cluster, as a session does.
    pub(crate) async fn observe_all(&self, state: &Document, desired: &[Desired], lookups: &Attributes) -> Result<Vec<Observed>, Failure> {
        let mut known = state.attributes();
        known.extend(lookups.iter().map(|(key, values)| (key.clone(), values.clone())));
        let mut items: Vec<Item> = state
            .resources
            .iter()
            .map(|(address, record)| Item {
                address: address.clone(),
                spec: record.spec.clone(),
                tags: record.tags.clone(),
                id: record.id.clone(),
                attributes: record.attributes.clone(),
            })
            .collect();
        items.extend(desired.iter().filter(|wanted| !state.resources.contains_key(&wanted.address)).map(|wanted| Item {
            address: wanted.address.clone(),
            spec: resolve_known(&wanted.spec, &known),
            tags: wanted.tags.clone(),
            id: String::new(),
            attributes: BTreeMap::new(),
        }));
        let mut seen = Vec::new();
        for kind in Kind::managed() {
            let items = items.iter().filter(|item| item.address.kind() == kind).cloned().collect();
            seen.extend(self.observe(kind, Query::Ours(items)).await?);
        }
        Ok(seen)
    }

    /// A call: faults, kills and the count of calls in flight around its effect.
    async fn call<T>(&self, call: String, service: Service, effect: impl FnOnce(&mut Inner) -> Result<T, Failure>) -> Result<T, Failure> {
        let death = self.death.lock().unwrap().clone();
        {
            let mut inner = self.inner.lock().unwrap();
            let flight = inner.flight.entry(service).or_default();
            flight.0 += 1;
            flight.1 = flight.1.max(flight.0);
        }
        let _landing = Landing { world: self, service };
        death.point().await;
        sleep(HALF_A_CALL).await;
        death.alive().await;
        self.log.add(call.clone());
        let struck = {
            let mut inner = self.inner.lock().unwrap();
            let fault = inner.faults.iter_mut().find(|fault| fault.times > 0 && call.starts_with(&fault.call));
            fault.map(|fault| {
                fault.times -= 1;
                (fault.strikes, fault.kind)
            })
        };
        match struck {
            Some((Strikes::Before, kind)) => return Err(failure(kind, &call)),
            Some((Strikes::Hangs, _)) => std::future::pending::<()>().await,
            _ => {}
        }
        let result = effect(&mut self.inner.lock().unwrap());
        death.point().await;
        sleep(HALF_A_CALL).await;
        death.alive().await;
        match struck {
            Some((Strikes::After, kind)) => Err(failure(kind, &call)),
            _ => result,
        }
    }

    fn lag(&self) -> Duration {
        Duration::from_millis(self.lag.load(Ordering::SeqCst) as u64)
    }

    fn create_now(inner: &mut Inner, item: &Item, client_token: &str) -> Result<Created, Failure> {
        inner.client_tokens.push((item.address.to_string(), client_token.to_owned()));
        let identity = item.address.kind().facts().idempotency;
        let made = |object: &Object| Created { id: object.id.clone(), attributes: object.attributes() };
        let kind = item.address.kind();
        let bound = |object: &&Object| identity == Idempotency::Token && object.kind() == kind && object.client_token == client_token;
        if let Some(existing) = inner.objects.iter().find(bound) {
            match kind {
                // The creation token is a natural key as long as the file system exists.
                Kind::EfsFileSystem | Kind::EfsAccessPoint if existing.is_gone() => {}
                Kind::EfsFileSystem | Kind::EfsAccessPoint => return Err(failure(FailureKind::AlreadyExists, "create")),
                _ if existing.created_as != item.spec && kind.facts().service == Service::Eks && !existing.is_gone() => {
                    return Err(failure(FailureKind::AlreadyExists, "create"));
                }
                _ if existing.created_as != item.spec => return Err(failure(FailureKind::Other, "IdempotentParameterMismatch")),
                // Also when it is gone: AWS returns the deleted resource for its client token.
                _ => return Ok(made(existing)),
            }
        }
        let key = natural_key(&item.address, &item.spec);
        let same_key = |object: &Object| natural_key(&object.address, &object.spec) == key;
        let taken = |object: &Object| !object.is_gone() && (same_key(object) || object.spec == json!({}) && object.address == item.address);
        if key.is_some() && inner.objects.iter().any(taken) {
            return Err(failure(FailureKind::AlreadyExists, "create"));
        }
        let text = item.spec.to_string();
        if inner.objects.iter().any(|used| used.is_gone() && text.contains(&used.id)) {
            return Err(failure(FailureKind::NotYet, "create"));
        }
        let object = Object {
            id: format!("{}-{:04}", item.address.kind(), inner.next_number()),
            address: item.address.clone(),
            spec: item.spec.clone(),
            created_as: item.spec.clone(),
            tags: item.tags.clone(),
            version: 1,
            client_token: client_token.to_owned(),
            created: Instant::now(),
            deleted: None,
            failed: None,
            stuck: item.spec["stuck"] == true,
            vanished: false,
            foreign: false,
            leaves: None,
        };
        check_uses(inner, &object);
        let created = made(&object);
        inner.objects.push(object);
        Ok(created)
    }

    fn delete_now(inner: &mut Inner, item: &Item, lag: Duration) -> Result<(), Failure> {
        let Some(object) = inner.objects.iter().find(|object| object.id == item.id && !object.is_gone()).cloned() else {
            return Err(failure(FailureKind::NotFound, "delete"));
        };
        let dies_along = |other: &Object| other.kind().facts().dies_with == Some(object.kind());
        // No run can keep the order towards a resource that was deleted before it became visible.
        let unseen = |user: &&Object| user.deleted.is_some_and(|deleted| deleted - user.created < lag);
        let users = inner.objects.iter().filter(|other| other.stands_on(&object)).filter(|user| !unseen(user) && user.is_ours());
        inner.early.extend(users.map(|user| (object.address.to_string(), user.address.to_string())));
        if let Some(user) = inner.objects.iter().find(|other| other.holds(&object)) {
            let message = format!("{} is used by {}", object.address, user.address);
            return Err(failure(FailureKind::InUse, "delete").worded(message));
        }
        for dying in
            inner.objects.iter_mut().filter(|other| other.id == object.id && !other.is_gone() || dies_along(other) && other.uses(&object))
        {
            dying.deleted.get_or_insert(Instant::now());
        }
        inner.come_after(&object);
        Ok(())
    }
}

/// What only the model tests need.
impl World {
    /// Our existing resources, as AWS shows them.
    pub(crate) fn ours(&self) -> Vec<Observed> {
        let inner = self.inner.lock().unwrap();
        inner.objects.iter().filter(|object| object.is_live() && object.is_ours()).map(Object::observed).collect()
    }

    /// All existing resources as text, or only those of others, for comparison.
    pub(crate) fn print(&self, only_foreign: bool) -> String {
        let inner = self.inner.lock().unwrap();
        let shown: Vec<&Object> = inner.objects.iter().filter(|object| object.foreign || !only_foreign).collect();
        format!("{shown:#?}")
    }

    /// Resources that were used before they were ready.
    pub(crate) fn too_early(&self) -> Vec<String> {
        self.inner.lock().unwrap().violations.clone()
    }

    /// Takes the deletions that came too early.
    pub(crate) fn take_early_deletes(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.inner.lock().unwrap().early)
    }

    pub(crate) fn clear_faults(&self) {
        self.inner.lock().unwrap().faults.clear();
    }

    /// Another user deletes it, unless AWS refuses; its client token still returns it. Returns whether it was deleted.
    pub(crate) fn delete_outside(&self, of: &str) -> bool {
        let mut inner = self.inner.lock().unwrap();
        let found = inner.objects.iter().find(|object| object.address.to_string() == of && object.deleted.is_none() && !object.foreign);
        let Some(object) = found.cloned() else { return false };
        if inner.objects.iter().any(|other| other.holds(&object)) {
            return false;
        }
        let dies = |other: &Object| other.kind().facts().dies_with == Some(object.kind()) && other.uses(&object);
        for dying in inner.objects.iter_mut().filter(|other| other.id == object.id || dies(other)) {
            dying.deleted.get_or_insert(Instant::now());
            dying.vanished = true;
        }
        true
    }

    /// Another user removes a tag. Returns whether there was one.
    pub(crate) fn untag(&self, of: &str, key: &str) -> bool {
        let mut inner = self.inner.lock().unwrap();
        let found = inner.objects.iter_mut().find(|object| object.address.to_string() == of && object.deleted.is_none());
        found.is_some_and(|object| object.tags.remove(key).is_some())
    }
}

/// Notes a violation when a resource named by the spec does not exist or is not ready.
fn check_uses(inner: &mut Inner, user: &Object) {
    let text = user.spec.to_string();
    if text.contains("$ref") || text.contains("$join") {
        inner.violations.push(format!("{} was sent unresolved", user.address));
    }
    for used in inner.objects.iter().filter(|used| used.id != user.id && user.uses(used)) {
        let arn = &used.attributes()["arn"];
        if used.deleted.is_some() && inner.objects.iter().any(|other| other.deleted.is_none() && other.attributes()["arn"] == *arn) {
            continue;
        }
        if used.readiness() != Readiness::Ready {
            inner.violations.push(format!("{} uses {} which is {:?}", user.address, used.address, used.readiness()));
        }
    }
}

struct Landing<'a> {
    world: &'a World,
    service: Service,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if let Some(flight) = self.world.inner.lock().unwrap().flight.get_mut(&self.service) {
            flight.0 -= 1;
        }
    }
}

impl Provider for World {
    async fn observe(&self, kind: Kind, query: Query) -> Result<Vec<Observed>, Failure> {
        let death = self.death.lock().unwrap().clone();
        death.alive().await;
        sleep(HALF_A_CALL).await;
        death.alive().await;
        let call = format!("observe {kind} {} {}", left::query_name(&query), query.items().len());
        self.log.add(call.clone());
        let mut inner = self.inner.lock().unwrap();
        if let Some(fault) = inner.faults.iter_mut().find(|fault| fault.times > 0 && call.starts_with(&fault.call)) {
            fault.times -= 1;
            return Err(failure(fault.kind, &call));
        }
        let lag = self.lag();
        let found = inner.objects.iter().filter(|object| object.kind() == kind && !object.is_gone() && object.created.elapsed() >= lag);
        let asked = |object: &&Object| match &query {
            Query::Leftovers(scope) => object.is_left_in(scope),
            Query::Ours(_) => object.tags.get("domino-eks:cluster").is_some_and(|cluster| cluster == "demo"),
            Query::These(items) => items.iter().any(|item| item.id == object.id),
        };
        assert!(!kind.facts().leftover || !query.is_ours(), "nothing of ours is a {kind}");
        assert!(query.is_ours() || query.items().iter().all(|item| !item.attributes.contains_key(INTENT_ATTRIBUTE)));
        Ok(found.filter(asked).map(Object::observed).collect())
    }

    async fn create(&self, item: Item, client_token: String) -> Result<Created, Failure> {
        let service = item.address.kind().facts().service;
        self.call(format!("create {}", item.address), service, |inner| Self::create_now(inner, &item, &client_token)).await
    }

    async fn configure(&self, item: Item) -> Result<(), Failure> {
        let service = item.address.kind().facts().service;
        self.call(format!("configure {}", item.address), service, |inner| {
            // Kinds whose configuration makes no calls do not notice that it is missing.
            let calls = !matches!(item.address.kind(), Kind::LaunchTemplate | Kind::EksAccessEntry);
            let gone = inner.objects.iter().any(|object| object.id == item.id && object.is_gone());
            if calls && gone { Err(failure(FailureKind::NotYet, "configure")) } else { Ok(()) }
        })
        .await
    }

    async fn update(&self, update: Update) -> Result<BTreeMap<String, String>, Failure> {
        let item = &update.item;
        let call = format!("update {} {}", item.address, update.fields.join(","));
        self.call(call, item.address.kind().facts().service, |inner| {
            let found = inner.objects.iter_mut().find(|object| object.id == item.id && object.deleted.is_none());
            let object = found.ok_or_else(|| failure(FailureKind::NotFound, "update"))?;
            for field in &update.fields {
                object.spec[field] = item.spec[field].clone();
            }
            object.tags.extend(update.set_tags.clone());
            object.tags.retain(|key, _| !update.remove_tags.contains(key));
            object.version += usize::from(!update.fields.is_empty());
            let object = object.clone();
            check_uses(inner, &object);
            Ok(BTreeMap::from([("version".to_owned(), object.version.to_string())]))
        })
        .await
    }

    async fn delete(&self, item: Item, _policy: Arc<DeletionPolicy>) -> Result<(), Failure> {
        let service = item.address.kind().facts().service;
        let lag = self.lag();
        self.call(format!("delete {}", item.address), service, |inner| Self::delete_now(inner, &item, lag)).await
    }

    async fn blockers(&self, item: Item, _policy: Arc<DeletionPolicy>) -> Result<Vec<Blocker>, Failure> {
        self.call(format!("blockers {}", item.address), item.address.kind().facts().service, |inner| Ok(inner.blockers(&item))).await
    }
}
