//! Tests of the engine against a world in memory that stands for AWS, under paused time.

mod cancel;
mod crash;
mod identity;
mod model;
mod patience;
mod plans;
pub(crate) mod process;
mod removal;
mod scheduling;
mod teardown;
pub(crate) mod world;

use super::{Event, Inputs, Outcome, Plan, PlanError, RunError, Runner, TimeScale, Verb, plan};
use crate::resource::{Address, Attributes, Desired, Kind};
use crate::state::Document;
use process::{Death, Log, Memory};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use world::World;

/// A world, a state in memory, and the runs of a test.
pub(crate) struct Lab {
    pub(crate) world: Arc<World>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) log: Log,
    pub(crate) stop: watch::Sender<bool>,
    lookups: Attributes,
}

/// What a run did.
struct Done {
    outcome: Outcome,
    events: Vec<Event>,
    seconds: f64,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::dying(None)
    }

    /// A lab whose process is killed at this point.
    fn dying(at: Option<usize>) -> Self {
        let log = Log::default();
        let death = Arc::new(Death::new(at));
        let document = Document::new("111122223333", "aws", "us-west-2", "demo");
        Self {
            world: Arc::new(World::new(log.clone(), death.clone())),
            memory: Arc::new(Memory::new(document, log.clone(), death)),
            log,
            stop: watch::Sender::new(false),
            lookups: Attributes::from([("image/x".to_owned(), BTreeMap::from([("id".to_owned(), "ami-1".to_owned())]))]),
        }
    }

    pub(crate) fn document(&self) -> Document {
        self.memory.document()
    }

    /// Observes everything and plans, as every command does.
    async fn try_plan(&self, desired: &[Desired]) -> Result<Plan, PlanError> {
        let state = self.document();
        let observed = self.world.observe_all(&state, desired, &self.lookups).await.unwrap();
        plan(&Inputs { desired, state: &state, observed: Some(&observed), lookups: &self.lookups })
    }

    async fn plan(&self, desired: &[Desired]) -> Plan {
        self.try_plan(desired).await.unwrap()
    }

    /// Plans and runs.
    async fn try_run(&self, desired: &[Desired]) -> Result<Done, RunError> {
        self.execute(self.plan(desired).await).await
    }

    /// Runs a plan.
    async fn execute(&self, plan: Plan) -> Result<Done, RunError> {
        let (events, mut receiver) = mpsc::unbounded_channel();
        let stop = self.stop.subscribe();
        let policy = Arc::default();
        let runner =
            Runner { provider: self.world.clone(), recorder: self.memory.clone(), policy, time_scale: TimeScale::REAL, events, stop };
        let began = tokio::time::Instant::now();
        let result = runner.run(plan, &self.document(), &self.lookups).await;
        let seconds = began.elapsed().as_secs_f64();
        drop(runner);
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        result.map(|outcome| Done { outcome, events, seconds })
    }

    async fn run(&self, desired: &[Desired]) -> Done {
        self.try_run(desired).await.unwrap()
    }

    /// Plans and runs; no step may fail.
    async fn apply(&self, desired: &[Desired]) -> Done {
        let done = self.run(desired).await;
        assert!(done.outcome.failed.is_empty() && done.outcome.skipped.is_empty(), "{:?}\n{}", done.outcome, self.log.text());
        done
    }

    /// The world has each desired address once and nothing else, and a further plan is empty.
    async fn assert_is(&self, desired: &[Desired]) {
        let mut wanted: Vec<String> = desired.iter().map(|desired| desired.address.to_string()).collect();
        wanted.sort();
        assert_eq!(self.world.live(), wanted, "{}", self.log.text());
        let plan = self.plan(desired).await;
        let open: Vec<_> = plan.actions.iter().filter(|action| action.verb != Verb::NoChange).collect();
        assert!(open.is_empty(), "{open:?}\n{}", self.log.text());
        assert_eq!(self.world.violations(), Vec::<String>::new(), "{}", self.log.text());
        let document = self.document();
        let open: Vec<_> = document.intents.keys().filter(|address| !document.resources.contains_key(*address)).collect();
        assert!(open.is_empty(), "{open:?}");
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn verb_of(plan: &Plan, of: &str) -> Verb {
    plan.actions.iter().find(|action| action.address.to_string() == of).unwrap_or_else(|| panic!("no {of}")).verb
}

fn reference(target: &str, attribute: &str) -> Value {
    json!({ "$ref": format!("{target}#{attribute}") })
}

fn id(target: &str) -> Value {
    reference(target, "id")
}

/// A resource with the tags that the blueprint gives.
fn wanted(of: &str, spec: Value) -> Desired {
    let tags = [("domino-eks:cluster", "demo"), ("domino-eks:address", of), ("Name", "demo")];
    Desired::new(address(of), &spec, tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

/// Resources that depend on nothing.
fn many(kind: Kind, count: usize) -> Vec<Desired> {
    (0..count).map(|number| wanted(&format!("{kind}/n{number}"), json!({"name": format!("n{number}")}))).collect()
}

fn with<'a>(desired: &'a mut [Desired], of: &str) -> &'a mut Desired {
    desired.iter_mut().find(|desired| desired.address.to_string() == of).unwrap()
}

/// A small cluster with all idempotency classes, layers and kinds of waiting.
fn cluster() -> Vec<Desired> {
    vec![
        wanted("vpc/main", json!({"cidr": "10.0.0.0/16"})),
        wanted("internet-gateway/main", json!({"vpc": id("vpc/main")})),
        wanted("subnet/public/a", json!({"vpc": id("vpc/main"), "cidr": "10.0.96.0/24", "zone": "a"})),
        wanted("subnet/private/a", json!({"vpc": id("vpc/main"), "cidr": "10.0.0.0/19", "zone": "a"})),
        wanted("elastic-ip/nat/a", json!({})),
        wanted("nat-gateway/a", json!({"subnet": id("subnet/public/a"), "allocation": id("elastic-ip/nat/a")}))
            .after([address("internet-gateway/main")]),
        wanted(
            "route-table/private/a",
            json!({"vpc": id("vpc/main"), "routes": [{"destination": "0.0.0.0/0", "target": id("nat-gateway/a")}], "subnets": [id("subnet/private/a")]}),
        ),
        wanted("security-group/nodes", json!({"vpc": id("vpc/main"), "name": "nodes"})),
        wanted("kms-key/main", json!({"alias": "alias/demo", "rotation": true})),
        wanted("iam-role/node", json!({"name": "node", "policies": []})),
        wanted("s3-bucket/logs", json!({"name": "demo-logs", "kms_key": reference("kms-key/main", "arn"), "noncurrent_days": 30})),
        wanted("efs-file-system/datasets", json!({"kms_key": reference("kms-key/main", "arn"), "backup": true})),
        wanted(
            "eks-cluster/main",
            json!({"name": "demo", "version": "1.35", "role": reference("iam-role/node", "arn"), "subnets": [id("subnet/private/a")]}),
        ),
        wanted(
            "eks-access-entry/node",
            json!({"cluster": reference("eks-cluster/main", "name"), "principal": reference("iam-role/node", "arn")}),
        ),
        wanted("eks-add-on/vpc-cni", json!({"cluster": reference("eks-cluster/main", "name"), "name": "vpc-cni"})),
        wanted(
            "launch-template/default",
            json!({"name": "default", "image": reference("image/x", "id"), "disk_gib": 400,
                "user_data": {"$join": ["join ", reference("eks-cluster/main", "endpoint")]}, "security_groups": [id("security-group/nodes")]}),
        ),
        wanted(
            "autoscaling-group/default/a",
            json!({"name": "default-a", "launch_template": id("launch-template/default"), "version": reference("launch-template/default", "version"),
                "subnet": id("subnet/private/a"), "min": 1, "max": 3}),
        )
        .after([address("route-table/private/a"), address("eks-access-entry/node")])
        .after_created([address("eks-add-on/vpc-cni")]),
    ]
}
