//! An AWS account in memory as a workflow sees it: the world of the engine's tests, and what only a teardown asks for.

use crate::blueprint::{Lookup, Question};
use crate::config::{self};
use crate::engine::tests::Lab;
use crate::engine::tests::process::Memory;
use crate::engine::tests::world::World;
use crate::engine::{
    ApiServer, Blocker, Connection, Created, DataLine, DeletionPolicy, Discovery, Drained, Event, Failure, Foreign, Item, LookupError,
    Namesake, Observed, Plan, Protection, Provider, Query, RunHooks, Scope, TimeScale, Update, Verb,
};
use crate::report::notice_lines;
use crate::resource::{Address, Attributes, Kind};
use crate::state::{Document, Entry, RecordStatus, Recorder, StateError};
use crate::workflow::apply::{Applying, apply};
use crate::workflow::destroy::{DataChoice, Teardown, TeardownRecord, TeardownRequest, Verification, destroy};
use crate::workflow::{Consent, Context, Interrupt, Loaded, Notice, Refusal, RunWriter, StateStore, TeardownTarget, Ui, WorkflowError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// The cluster's name, in the configuration and in the world.
pub(super) const NAME: &str = "demo";

/// What the account has beyond the resources of the world.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// Addresses of the resources that hold data.
    pub(super) full: BTreeSet<String>,
    /// Addresses of the resources with deletion protection.
    pub(super) protected: BTreeSet<String>,
    /// A cluster of the name that was not made under this state.
    pub(super) namesake: Option<Namesake>,
    /// Resources of others that block the teardown.
    pub(super) foreign: Vec<Foreign>,
    /// The endpoint that was drained; `None` when draining was not asked for.
    pub(super) drained: Option<String>,
    /// Deletions that a policy should have prevented.
    pub(super) forbidden: Vec<String>,
}

/// AWS, as far as a workflow uses it.
#[derive(Clone)]
pub(super) struct Cloud {
    world: Arc<World>,
    pub(super) around: Arc<Mutex<Around>>,
    connection: Connection,
}

impl Cloud {
    /// Mount targets, which take no tags, with the tags of their file system.
    fn untagged(&self) -> Vec<Observed> {
        let ours = self.world.ours();
        let tags = |file_system: &str| ours.iter().find(|seen| seen.id == file_system).and_then(|seen| seen.tags.clone());
        let targets = ours.iter().filter(|seen| seen.address.kind() == Kind::EfsMountTarget);
        targets.filter_map(|seen| Some(Observed { tags: Some(tags(seen.spec["file_system"].as_str()?)?), ..seen.clone() })).collect()
    }
}

fn refused(code: &str) -> Failure {
    Failure::other("delete", code).with_code(code)
}

impl Provider for Cloud {
    async fn observe(&self, kind: Kind, query: Query) -> Result<Vec<Observed>, Failure> {
        self.world.observe(kind, query).await
    }

    async fn create(&self, item: Item, client_token: String) -> Result<Created, Failure> {
        self.world.create(item, client_token).await
    }

    async fn configure(&self, item: Item) -> Result<(), Failure> {
        self.world.configure(item).await
    }

    async fn update(&self, update: Update) -> Result<BTreeMap<String, String>, Failure> {
        self.world.update(update).await
    }

    /// Deletes what AWS and the policy of the run allow: resources with data and protected ones are refused.
    async fn delete(&self, item: Item, policy: Arc<DeletionPolicy>) -> Result<(), Failure> {
        let of = item.address.to_string();
        {
            let mut around = self.around.lock().unwrap();
            let (is_full, is_protected) = (around.full.contains(&of), around.protected.contains(&of));
            if is_full && (policy.retain_data || !policy.delete_data) {
                around.forbidden.push(format!("{of} is full and was deleted under {policy:?}"));
                return Err(refused("BucketNotEmpty"));
            }
            if is_protected && !policy.lift_protection {
                return Err(refused("OperationNotPermitted"));
            }
            around.protected.remove(&of);
        }
        self.world.delete(item, policy).await
    }

    async fn blockers(&self, item: Item, policy: Arc<DeletionPolicy>) -> Result<Vec<Blocker>, Failure> {
        self.world.blockers(item, policy).await
    }
}

impl Discovery for Cloud {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn cluster(&self) -> &str {
        NAME
    }

    async fn lookups(&self, questions: &[Lookup], pins: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Attributes, LookupError> {
        let answer = |question: &Question| -> BTreeMap<String, String> {
            let pairs: &[(&str, &str)] = match question {
                Question::NewestImage { .. } | Question::Image { .. } => &[("id", "ami-1"), ("root_device", "/dev/xvda")],
                Question::AddOnVersion { .. } => &[("version", "v1.0.0-eksbuild.1")],
                Question::ExistingNetwork { .. } => &[("vpc", "vpc-1")],
            };
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Ok(questions.iter().map(|one| (one.key.clone(), pins.get(&one.key).cloned().unwrap_or_else(|| answer(&one.question)))).collect())
    }

    async fn observe_all(&self, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        let mut seen = Vec::new();
        for kind in Kind::managed() {
            let items = items.iter().filter(|item| item.address.kind() == kind).cloned().collect();
            seen.extend(self.world.observe(kind, Query::Ours(items)).await?);
        }
        let untagged = self.untagged().into_iter().filter(|one| items.iter().any(|item| item.address == one.address));
        seen.extend(untagged);
        Ok(seen)
    }

    /// Finds also resources that take no tags, through their parents.
    async fn observe_everything(&self, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        let mut seen = self.observe_all(items).await?;
        let untagged = self.untagged().into_iter().filter(|one| seen.iter().all(|other| other.id != one.id)).collect::<Vec<_>>();
        seen.extend(untagged);
        Ok(seen)
    }

    async fn leftovers(&self, scope: &Scope, _recorded: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        self.world.left(scope).await
    }

    async fn volumes_and_snapshots(&self, _scope: &Scope) -> Result<Vec<Observed>, Failure> {
        let of_claims = |seen: &Observed| matches!(seen.address.kind(), Kind::EbsVolume | Kind::EbsSnapshot);
        Ok(self.world.leftovers().into_iter().filter(of_claims).collect())
    }

    async fn foreign(&self, _scope: &Scope) -> Result<Vec<Foreign>, Failure> {
        Ok(self.around.lock().unwrap().foreign.clone())
    }

    async fn another_cluster(&self, _lineage: &str, _endpoint: Option<&str>) -> Result<Option<Namesake>, Failure> {
        Ok(self.around.lock().unwrap().namesake.clone())
    }

    async fn data(&self, plan: &Plan, may_be_late: bool) -> Result<Vec<DataLine>, Failure> {
        let around = self.around.lock().unwrap();
        let is_kept = |status: Option<RecordStatus>| status == Some(RecordStatus::Retained);
        let told = plan.actions.iter().filter(|action| {
            let status = action.existing.as_ref().map(|existing| existing.status);
            action.kind.facts().holds_data && (matches!(action.verb, Verb::Delete | Verb::Retain) || is_kept(status))
        });
        let line = |address: &Address, id: &str| {
            let is_full = around.full.contains(&address.to_string());
            let is_empty = !is_full && (address.kind() != Kind::KmsKey || may_be_late);
            DataLine {
                address: address.clone(),
                id: id.to_owned(),
                holds: if is_full { "1 object" } else { "nothing" }.to_owned(),
                is_empty,
            }
        };
        Ok(told.filter_map(|action| Some(line(&action.address, &action.existing.as_ref()?.id))).collect())
    }

    async fn protections(&self, plan: &Plan) -> Result<Vec<Protection>, Failure> {
        let around = self.around.lock().unwrap();
        let deletes = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_some());
        let protected = deletes.filter(|action| around.protected.contains(&action.address.to_string()));
        let protection =
            |address: &Address| Protection { address: address.clone(), id: "id".to_owned(), by: "its deletion protection".to_owned() };
        Ok(protected.map(|action| protection(&action.address)).collect())
    }

    async fn disowned(&self, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
        let alive = self.world.ours();
        Ok(items.into_iter().filter(|item| alive.iter().any(|seen| seen.id == item.id)).collect())
    }

    async fn drain(
        &self,
        server: ApiServer<'_>,
        _pace: TimeScale,
        check_lock: &(dyn Fn() -> Result<(), String> + Sync),
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<Drained, Failure> {
        check_lock().map_err(|why| refused(&why))?;
        tell("Kubernetes: 1 Service".to_owned());
        self.around.lock().unwrap().drained = Some(server.endpoint.to_owned());
        Ok(Drained { services: vec!["web/front".to_owned()], ..Drained::default() })
    }

    fn for_run(&self, hooks: RunHooks) -> Self {
        assert_eq!((hooks.check_lock)(), Ok(()), "a run begins under its lock");
        self.clone()
    }
}

/// The state of the engine's tests as a store.
pub(super) struct Store {
    memory: Arc<Memory>,
    /// Whether the state is lost.
    pub(super) is_lost: AtomicBool,
    /// Reads that succeed before one fails.
    pub(super) reads: Mutex<Option<usize>>,
    /// Another process took the lock over.
    pub(super) is_lock_lost: AtomicBool,
    /// The last write of a run fails.
    pub(super) is_full_at_end: bool,
}

/// A run that writes it.
#[derive(Clone)]
pub(super) struct Writer {
    memory: Arc<Memory>,
    is_full_at_end: bool,
}

impl StateStore for Store {
    type Writer = Writer;

    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn load(&self) -> Result<Option<Document>, StateError> {
        let mut reads = self.reads.lock().unwrap();
        if *reads == Some(0) {
            return Err(StateError::Fenced { why: "the lock is of another state".to_owned() });
        }
        *reads = reads.map(|left| left - 1);
        self.memory.begin();
        Ok((!self.is_lost.load(Ordering::SeqCst)).then(|| self.memory.document()))
    }

    async fn begin(&self, document: Document) -> Result<Writer, StateError> {
        self.memory.edit(|state| *state = document);
        self.is_lost.store(false, Ordering::SeqCst);
        Ok(Writer { memory: self.memory.clone(), is_full_at_end: self.is_full_at_end })
    }

    fn check_lock(&self) -> Result<(), String> {
        if self.is_lock_lost.load(Ordering::SeqCst) { Err("another process holds the lock".to_owned()) } else { Ok(()) }
    }

    fn save_aside(&self, document: &Document) -> std::io::Result<PathBuf> {
        Ok(PathBuf::from(format!("{}.errored-state.json", document.cluster)))
    }
}

impl Recorder for Writer {
    async fn record(&self, entry: Entry) -> Result<(), StateError> {
        self.memory.record(entry).await
    }
}

impl RunWriter for Writer {
    fn document(&self) -> Document {
        self.memory.document()
    }

    async fn finish(&self) -> Result<Document, StateError> {
        if self.is_full_at_end {
            return Err(StateError::Fenced { why: "another process took the lock over".to_owned() });
        }
        Ok(self.memory.document())
    }
}

/// The user's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    WrongName,
    NoTerminal,
}

/// A user who records all notices and gives the same answer to each question.
pub(super) struct Person {
    pub(super) answer: Answer,
    pub(super) heard: Mutex<Vec<String>>,
    pub(super) questions: Mutex<Vec<String>>,
    pub(super) records: Mutex<Vec<TeardownRecord>>,
    pub(super) rounds: Mutex<usize>,
}

impl Person {
    pub(super) fn who_says(answer: Answer) -> Self {
        Self { answer, heard: Mutex::default(), questions: Mutex::default(), records: Mutex::default(), rounds: Mutex::default() }
    }

    pub(super) fn was_told(&self, text: &str) -> bool {
        self.heard.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

impl Ui for Person {
    fn say(&self, notice: &Notice<'_>) {
        if matches!(notice, Notice::Recording { .. }) {
            *self.rounds.lock().unwrap() += 1;
        }
        self.heard.lock().unwrap().extend(notice_lines(notice, &[]).into_iter().map(|(_, text)| text));
    }

    async fn ask(&self, question: &Consent<'_>) -> Result<(), Refusal> {
        self.questions.lock().unwrap().push(format!("{question:?}"));
        match self.answer {
            Answer::Yes => Ok(()),
            Answer::No => Err(Refusal::NotConfirmed),
            Answer::WrongName => Err(Refusal::WrongName { typed: "other".to_owned(), name: NAME.to_owned() }),
            Answer::NoTerminal => Err(Refusal::NoTerminal("--yes".to_owned())),
        }
    }

    fn show(&self, mut events: UnboundedReceiver<Event>) -> JoinHandle<()> {
        tokio::spawn(async move { while events.recv().await.is_some() {} })
    }

    fn note(&self, record: &TeardownRecord) {
        self.records.lock().unwrap().push(record.clone());
    }
}

/// An account, a state and a configuration.
pub(super) struct Site {
    pub(super) lab: Lab,
    pub(super) cloud: Cloud,
    pub(super) store: Store,
    pub(super) loaded: Loaded,
}

/// A configuration of a small cluster, with these additional lines.
pub(super) fn loaded(more: &str) -> Loaded {
    let text = format!("profile: single-az\nname: {NAME}\nregion: us-west-2\nzones: [us-west-2a]\n{more}");
    let config = config::parse("demo.yaml", text.as_bytes()).unwrap_or_else(|found| panic!("{found}"));
    Loaded { config, hash: format!("{:x}", text.len()) }
}

/// A request without flags.
pub(super) fn request(loaded: &Loaded) -> TeardownRequest {
    TeardownRequest {
        target: TeardownTarget::of(loaded.clone()),
        lineage: None,
        data: DataChoice::Unsaid,
        lift_protection: false,
        drain: false,
        is_confirmed: false,
        yes: false,
    }
}

impl Site {
    /// An empty account.
    pub(super) fn new(more: &str) -> Self {
        let lab = Lab::new();
        let connection = Connection {
            account: "111122223333".to_owned(),
            caller: "arn:aws:iam::111122223333:user/tester".to_owned(),
            partition: "aws".to_owned(),
            region: "us-west-2".to_owned(),
            endpoint: None,
        };
        let cloud = Cloud { world: lab.world.clone(), around: Arc::default(), connection };
        let store = Store {
            memory: lab.memory.clone(),
            is_lost: AtomicBool::new(false),
            reads: Mutex::new(None),
            is_lock_lost: AtomicBool::new(false),
            is_full_at_end: false,
        };
        Self { lab, cloud, store, loaded: loaded(more) }
    }

    /// An account with the cluster in it.
    pub(super) async fn applied(more: &str) -> Self {
        let site = Self::new(more);
        let person = Person::who_says(Answer::Yes);
        match site.apply(&person).await {
            Ok(Applying::Ran(outcome)) if outcome.failed.is_empty() => {}
            other => panic!("{other:?}"),
        }
        // Everything is visible by now, and no create is so young that AWS might still not show it.
        tokio::time::sleep(std::time::Duration::from_secs(700)).await;
        site.lab.memory.begin();
        site.lab.log.clear();
        site
    }

    pub(super) fn around(&self) -> std::sync::MutexGuard<'_, Around> {
        self.cloud.around.lock().unwrap()
    }

    pub(super) async fn apply(&self, person: &Person) -> Result<Applying, WorkflowError> {
        let interrupt = Interrupt::new(self.lab.stop.subscribe());
        let context = self.context(person, &interrupt);
        apply(&context, &self.loaded, false).await
    }

    pub(super) async fn destroy(&self, request: &TeardownRequest, person: &Person) -> Result<Teardown, WorkflowError> {
        let interrupt = Interrupt::new(self.lab.stop.subscribe());
        let context = self.context(person, &interrupt);
        destroy(&context, request).await
    }

    fn context<'a>(&'a self, person: &'a Person, interrupt: &'a Interrupt) -> Context<'a, Cloud, Store, Person> {
        Context { provider: Arc::new(self.cloud.clone()), store: &self.store, ui: person, interrupt, time_scale: TimeScale::REAL }
    }

    /// Everything that exists and everything that is recorded, for comparison.
    pub(super) fn print(&self) -> (String, Document) {
        (self.lab.world.print(false), self.lab.document())
    }

    /// The delete calls, in the order in which they arrived.
    pub(super) fn deletions(&self) -> Vec<String> {
        self.lab.log.lines("delete ")
    }
}

/// The verification of a destroy that came to its end.
pub(super) fn verified(ended: Result<Teardown, WorkflowError>) -> Verification {
    match ended {
        Ok(Teardown::Verified { verification, .. }) => verification,
        other => panic!("{other:?}"),
    }
}

/// The refusal of a destroy.
pub(super) fn refusal(ended: Result<Teardown, WorkflowError>) -> Refusal {
    match ended {
        Err(WorkflowError::Refused(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}
