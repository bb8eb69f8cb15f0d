//! Runs programs against the world and checks the invariants after every step.

use super::super::process::Copy;
use super::super::world::{Strikes, World};
use super::super::{Done, Lab, address, plan};
use super::graph::{Graph, has_own_name};
use super::ops::{Call, How, Op, Program};
use crate::engine::recover::recover;
use crate::engine::{FailureKind, Inputs, Plan, RunError, Runner, TimeScale, Verb};
use crate::resource::Desired;
use crate::state::Document;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Longer than any lag of the world.
const EVERYTHING_IS_SEEN: Duration = Duration::from_secs(30);

/// Real seconds in which a run must end after a stop: the budget for calls in flight, and one call.
const STOP_SECONDS: f64 = 5.5;

/// The violated invariant, as a message.
pub(super) type Broken = String;

/// A lab, the desired graph, and what the checks need to know of earlier steps.
pub(super) struct Machine {
    pub(super) lab: Lab,
    pub(super) graph: Graph,
    pub(super) copies: Vec<Copy>,
    /// Resources that the state need not know, because an older state was restored.
    pub(super) forgotten: BTreeSet<String>,
    /// Whether client tokens may return deleted resources for some time.
    pub(super) long: bool,
    pub(super) foreign: String,
    /// Number of resources that Kubernetes has left.
    pub(super) brought: usize,
    /// Whether a destroy of the program kept data.
    pub(super) keeps: bool,
}

/// How a run ended.
enum Ran {
    Died,
    Ended(Result<Done, RunError>),
}

impl Machine {
    pub(super) fn new(program: &Program) -> Self {
        // Pauses are jittered; with a fixed seed, each run of a program is the same.
        fastrand::seed(7);
        let lab = Lab::new();
        let foreign = lab.world.print(true);
        Self {
            lab,
            graph: Graph::of(&program.graph),
            copies: Vec::new(),
            forgotten: BTreeSet::new(),
            long: false,
            foreign,
            brought: 0,
            keeps: false,
        }
    }

    /// Runs one step of the program, and checks the invariants.
    pub(super) async fn step(&mut self, op: Op) -> Result<(), Broken> {
        match op {
            Op::Apply(how) => self.run(&self.graph.desired(), how).await.map(drop)?,
            Op::Destroy(how) => self.destroy_once(false, how).await.map(drop)?,
            Op::DestroyKeeping(how) => self.destroy_once(true, how).await.map(drop)?,
            Op::Leave(which) => self.leave(which),
            Op::MoveIn => self.move_in(),
            Op::MoveOut => self.move_out(),
            Op::Plan => self.only_plan().await?,
            Op::LoseState => self.lose_state().await?,
            Op::Refused(slot) => self.refused(slot).await?,
            Op::Restore(which) => self.restore(which).await,
            Op::Fault { call, slot, took_effect, kind, times } => self.fault(call, slot, took_effect, kind, times),
            Op::Add(slot) => self.graph.add(slot),
            Op::Remove(slot) => self.graph.remove(slot),
            Op::Edit(slot) => self.graph.edit(slot),
            Op::Replace(slot) => {
                // With a new name, a resource of the old name that is not visible yet could not be found.
                sleep(EVERYTHING_IS_SEEN).await;
                self.graph.replace(slot);
            }
            Op::Rename(slot) => {
                sleep(EVERYTHING_IS_SEEN).await;
                self.graph.rename(slot);
            }
            Op::Drift(slot) => self.drift(slot),
            Op::Untag(slot) => {
                let of = self.graph.address(slot).unwrap_or_default();
                self.lab.world.untag(&of, "Name");
            }
            Op::Vanish(slot) => {
                let of = self.graph.address(slot).unwrap_or_default();
                self.long |= self.lab.world.delete_outside(&of);
            }
            Op::Foreign(slot) => self.foreign(slot),
            Op::Lag(seconds) => self.lab.world.lag.store(seconds as usize * 1000, Ordering::SeqCst),
            Op::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
        }
        self.check()
    }

    fn drift(&self, slot: usize) {
        let of = self.graph.address(slot).unwrap_or_default();
        if self.lab.world.ours().iter().any(|seen| seen.address.to_string() == of) {
            self.lab.world.change(&of, "setting", json!(99));
        }
    }

    fn fault(&self, call: Call, slot: usize, took_effect: bool, kind: FailureKind, times: usize) {
        let Some(of) = self.graph.address(slot) else { return };
        let call = match call {
            Call::Create => format!("create {of}"),
            Call::Configure => format!("configure {of}"),
            Call::Update => format!("update {of}"),
            Call::Delete => format!("delete {of}"),
            Call::Observe => format!("observe {}", address(&of).kind()),
        };
        self.lab.world.fault(&call, times, if took_effect { Strikes::After } else { Strikes::Before }, kind);
    }

    /// Only under names that are free and under which no run of ours has begun a creation.
    fn foreign(&mut self, slot: usize) {
        let Some(of) = self.graph.address(slot).map(|of| address(&of)) else { return };
        let document = self.lab.document();
        let begun = document.resources.contains_key(&of) || document.intents.contains_key(&of);
        let taken = self.lab.world.live().contains(&of.to_string());
        let desired = self.graph.desired();
        let name = desired.iter().find(|desired| desired.address == of).map(|desired| desired.spec["name"].clone());
        if begun || taken || !has_own_name(of.kind()) {
            return;
        }
        self.lab.world.foreign_with(&of.to_string(), json!({ "name": name }), &[("owner", "somebody")]);
        self.foreign = self.lab.world.print(true);
    }

    /// Only when everything is visible, as for a recovery: what an old state does not name is found by its tags.
    async fn restore(&mut self, which: usize) {
        sleep(EVERYTHING_IS_SEEN).await;
        let Some(copy) = self.copies.get(which % self.copies.len().max(1)) else { return };
        self.lab.memory.put_back(copy);
        self.forgotten.extend(self.lab.world.ours().into_iter().map(|seen| seen.id));
        self.long = true;
    }

    /// The plan with which every command begins.
    pub(super) async fn plan(&self, desired: &[Desired]) -> Result<Option<Plan>, Broken> {
        self.lab.memory.begin();
        let state = self.lab.document();
        let Ok(observed) = self.lab.world.observe_all(&state, desired, &self.lab.lookups).await else { return Ok(None) };
        let inputs = Inputs { desired, state: &state, observed: Some(&observed), lookups: &self.lab.lookups };
        plan(&inputs).map(Some).map_err(|error| error.to_string())
    }

    async fn only_plan(&self) -> Result<(), Broken> {
        self.lab.memory.begin();
        let (before, document) = (self.lab.world.print(false), self.lab.document());
        self.plan(&self.graph.desired()).await?;
        let same = |now: &Document| now.resources == document.resources && now.intents.len() == document.intents.len();
        ensure(self.lab.world.print(false) == before && same(&self.lab.document()), || "a plan changed something".to_owned())
    }

    /// A change that must be refused is refused, whatever else the plan contains.
    async fn refused(&self, slot: usize) -> Result<(), Broken> {
        let Some((desired, of)) = self.graph.refused(slot) else { return Ok(()) };
        let Some(plan) = self.plan(&desired).await? else { return Ok(()) };
        let action = plan.actions.iter().find(|action| action.address.to_string() == of);
        let Some(action) = action.filter(|action| action.existing.is_some()) else { return Ok(()) };
        let is_refused = action.verb == Verb::Blocked || action.verb == Verb::Replace && !action.kind.facts().holds_data;
        ensure(is_refused, || format!("{of} holds data, but the plan says {:?}: {}", action.verb, action.reason))
    }

    /// Waits until everything is visible, and rebuilds the state from it.
    async fn lose_state(&mut self) -> Result<(), Broken> {
        sleep(EVERYTHING_IS_SEEN).await;
        let desired = self.graph.desired();
        let Some(before) = self.plan(&desired).await? else { return Ok(()) };
        let old = self.lab.document();
        let blank = Document { lineage: old.lineage.clone(), ..Document::new("111122223333", "aws", "us-west-2", "demo") };
        let Ok(observed) = self.lab.world.observe_all(&blank, &desired, &self.lab.lookups).await else { return Ok(()) };
        let inputs = Inputs { desired: &desired, state: &blank, observed: Some(&observed), lookups: &self.lab.lookups };
        let new = recover(&inputs, &BTreeSet::from(["image/x".to_owned()])).map_err(|error| error.to_string())?;
        for seen in self.lab.world.ours() {
            let found = new.resources.get(&seen.address).map(|record| record.id.as_str());
            ensure(found == Some(&seen.id), || format!("{} is {}, and was recovered as {found:?}", seen.address, seen.id))?;
        }
        for (address, record) in old.resources.iter().filter(|(address, _)| new.resources.contains_key(*address)) {
            let (was, is) = (&record.id, &new.resources[address].id);
            let lives = self.lab.world.ours().iter().any(|seen| seen.id == *was);
            ensure(!lives || was == is, || format!("{address} was {was}, and is recovered as {is}"))?;
        }
        self.lab.memory.edit(|state| *state = new);
        self.long = true;
        if before.has_changes() {
            return Ok(());
        }
        let after = self.plan(&desired).await?;
        ensure(after.is_none_or(|after| !after.has_changes()), || "after the recovery something is to be changed".to_owned())
    }

    /// Plans and runs one command. Returns whether everything in the plan was done.
    pub(super) async fn run(&mut self, desired: &[Desired], how: How) -> Result<bool, Broken> {
        self.copies.push(self.lab.memory.copy());
        let Some(plan) = self.plan(desired).await? else { return Ok(false) };
        self.run_plan(&plan, desired, how).await
    }

    pub(super) async fn run_plan(&mut self, plan: &Plan, desired: &[Desired], how: How) -> Result<bool, Broken> {
        if plan.summary().blocked > 0 {
            return Ok(false);
        }
        self.lab.log.clear();
        let data = |world: &World| -> Vec<_> {
            let all = world.ours().into_iter().chain(world.leftovers());
            all.filter(|seen| seen.address.kind().facts().holds_data).collect()
        };
        let kept = data(&self.lab.world);
        let deleted: BTreeSet<_> =
            plan.actions.iter().filter(|action| action.verb == Verb::Delete).map(|action| action.address.clone()).collect();
        let ran = self.execute(plan, how).await?;
        self.check_run(plan, desired)?;
        let ours = data(&self.lab.world);
        let lost = kept.iter().find(|seen| !deleted.contains(&seen.address) && ours.iter().all(|now| now.id != seen.id));
        ensure(lost.is_none(), || format!("what holds data is gone: {lost:?}"))?;
        Ok(matches!(ran, Ran::Ended(Ok(done)) if done.outcome.failed.is_empty() && done.outcome.skipped.is_empty()))
    }

    async fn execute(&mut self, plan: &Plan, how: How) -> Result<Ran, Broken> {
        let lab = &self.lab;
        match how {
            How::Dies(at) => lab.die_at(at),
            How::DiskFull(entries) => lab.memory.room.store(entries, Ordering::SeqCst),
            How::Whole | How::Stopped(_) => {}
        }
        let (events, mut receiver) = mpsc::unbounded_channel();
        let stop = lab.stop.subscribe();
        let policy = Arc::default();
        let runner =
            Runner { provider: lab.world.clone(), recorder: lab.memory.clone(), policy, time_scale: TimeScale::REAL, events, stop };
        let began = Instant::now();
        let state = lab.document();
        let run = runner.run(plan.clone(), &state, &lab.lookups);
        let stop = async {
            if let How::Stopped(after) = how {
                sleep(Duration::from_secs_f64(after)).await;
                lab.stop.send_replace(true);
            }
            std::future::pending::<()>().await;
        };
        let ran = tokio::select! {
            biased;
            () = lab.died() => Ran::Died,
            result = run => Ran::Ended(result.map(|outcome| Done { outcome, events: Vec::new(), seconds: began.elapsed().as_secs_f64() })),
            () = stop => Ran::Died,
        };
        lab.stop.send_replace(false);
        lab.restart();
        lab.memory.room.store(usize::MAX, Ordering::SeqCst);
        drop(runner);
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        if let (Ran::Ended(Ok(done)), How::Stopped(after)) = (&ran, how) {
            ensure(done.seconds <= after + STOP_SECONDS, || format!("stopped after {after} s, ended after {} s", done.seconds))?;
        }
        match &ran {
            Ran::Ended(Err(error)) if !matches!(how, How::DiskFull(_)) => Err(error.to_string()),
            _ => Ok(ran),
        }
    }

    /// Resources of others are unchanged, no address exists twice, and everything of ours is recorded or has an intent.
    pub(super) fn check(&self) -> Result<(), Broken> {
        let world = &self.lab.world;
        ensure(world.print(true) == self.foreign, || "something foreign was touched".to_owned())?;
        let early = world.too_early();
        ensure(early.is_empty(), || early.join("\n"))?;
        let document = self.lab.document();
        let mut seen = BTreeSet::new();
        for it in world.ours() {
            ensure(seen.insert(it.address.clone()), || format!("{} exists twice", it.address))?;
            let recorded = document.resources.get(&it.address).is_some_and(|record| record.id == it.id);
            let known = recorded || document.intents.contains_key(&it.address) || self.forgotten.contains(&it.id);
            ensure(known, || format!("{} ({}) is neither recorded nor intended", it.address, it.id))?;
        }
        for service in super::SERVICES {
            let most = world.most_in_flight(*service);
            ensure(most <= service.concurrency(), || format!("{most} calls of {service:?} at once"))?;
        }
        Ok(())
    }

    /// The run did only what is in the plan, in a correct order.
    fn check_run(&self, plan: &Plan, desired: &[Desired]) -> Result<(), Broken> {
        let lines = self.lab.log.lines("");
        let verb = |of: &str| plan.actions.iter().find(|action| action.address.to_string() == of).map(|action| action.verb);
        for line in &lines {
            let mut words = line.split(' ');
            let (Some(call), Some(of)) = (words.next(), words.next()) else { continue };
            let planned = match call {
                "create" => matches!(verb(of), Some(Verb::Create | Verb::Replace)),
                "update" => matches!(verb(of), Some(Verb::Create | Verb::Adopt | Verb::Update)),
                "configure" => matches!(verb(of), Some(Verb::Create | Verb::Adopt | Verb::Update | Verb::Replace)),
                "delete" if is_clearable(of) => true,
                "delete" => matches!(verb(of), Some(Verb::Delete | Verb::Replace)),
                _ => true,
            };
            ensure(planned, || format!("`{line}` is not in the plan, which says {:?}", verb(of)))?;
        }
        for it in desired {
            let Some(sent) = lines.iter().position(|line| *line == format!("create {}", it.address)) else { continue };
            for needed in it.dependencies() {
                let durable = [format!("id {needed}"), format!("ready {needed}")];
                let late = |line: &&String| **line == format!("create {needed}");
                let found = lines[..sent].iter().any(|line| durable.contains(line)) || !lines.iter().any(|line| late(&line));
                ensure(found, || format!("{} was created before the id of {needed} was durable", it.address))?;
            }
        }
        // A replacement deletes a resource that others still use, and then the order of all deletions follows from AWS's refusals.
        let replaces = plan.summary().replace > 0;
        let early = self.lab.world.take_early_deletes();
        let early = early.iter().find(|(used, user)| !replaces && self.order_is_known(plan, used, user));
        ensure(early.is_none(), || format!("{early:?}: deleted although it was used"))
    }

    /// Whether a recorded dependency says that `user` depends on `used`.
    fn order_is_known(&self, plan: &Plan, used: &str, user: &str) -> bool {
        let action = plan.actions.iter().find(|action| action.address.to_string() == user);
        let existing = action.and_then(|action| action.existing.as_ref());
        existing.is_some_and(|record| record.dependencies.contains(&address(used)))
    }
}

/// Leftovers of Kubernetes that are deleted when they block a deletion.
fn is_clearable(of: &str) -> bool {
    let facts = address(of).kind().facts();
    facts.leftover && !facts.holds_data
}

pub(super) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(why()) }
}
