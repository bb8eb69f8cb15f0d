//! The end of every program: undisturbed runs bring the world to what is wanted, and then to nothing.

use super::super::Verb;
use super::machine::{Broken, Machine, ensure};
use super::ops::How;
use crate::resource::{Address, Attributes, Desired, resolve_known};
use crate::state::RecordStatus;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

impl Machine {
    /// Without further faults, two applies reach the desired state, and two destroys leave nothing of ours and no leftovers of
    /// Kubernetes.
    pub(super) async fn end(&mut self) -> Result<(), Broken> {
        self.lab.world.clear_faults();
        self.wait().await;
        if self.has_foreign_interface() {
            self.destroy_once(false, How::Whole).await?;
            self.check()?;
            self.move_out();
            self.wait().await;
        }
        let desired = self.graph.desired();
        let plan = self.plan(&desired).await?.ok_or("no plan")?;
        if plan.summary().blocked > 0 {
            // The plan is blocked, and its message says to destroy and apply again.
            self.destroy().await?;
        }
        self.run(&desired, How::Whole).await?;
        self.wait().await;
        self.run(&desired, How::Whole).await?;
        self.wait().await;
        self.is_reached(&desired).await?;
        if self.keeps {
            self.destroy_keeping().await?;
        }
        self.forgotten.clear();
        if self.brought > 0 {
            self.leave(0);
            self.leave(5);
            // Nothing of others blocks it: one run is enough, and blockers that appear meanwhile are deleted by it.
            let done = self.destroy_once(false, How::Whole).await?;
            ensure(done || self.long, || "an undisturbed destroy failed".to_owned())?;
        }
        self.destroy().await
    }

    async fn destroy(&mut self) -> Result<(), Broken> {
        self.destroy_once(false, How::Whole).await?;
        self.wait().await;
        let all = |machine: &Self| machine.lab.world.ours().into_iter().chain(machine.lab.world.leftovers()).collect::<Vec<_>>();
        if !all(self).is_empty() || !self.lab.document().resources.is_empty() {
            self.destroy_once(false, How::Whole).await?;
        }
        let left: Vec<String> = all(self).iter().map(|seen| seen.address.to_string()).collect();
        ensure(left.is_empty(), || format!("left after destroy: {left:?}"))?;
        let recorded = self.lab.document().resources;
        ensure(recorded.is_empty(), || format!("recorded after destroy: {:?}", recorded.keys()))
    }

    /// Waits until everything new is visible; after some events also until client tokens have expired.
    async fn wait(&mut self) {
        sleep(Duration::from_secs(if self.long { 700 } else { 30 })).await;
    }

    /// Resources that cannot be created because a resource of others has their name, and those that depend on them.
    fn unreachable(&self, desired: &[Desired]) -> BTreeSet<String> {
        let ours: BTreeSet<String> = self.lab.world.ours().iter().map(|seen| seen.address.to_string()).collect();
        let live: BTreeSet<String> = self.lab.world.live().into_iter().filter(|of| !ours.contains(of)).collect();
        let mut out = BTreeSet::new();
        loop {
            let before = out.len();
            for it in desired {
                let own = it.address.to_string();
                if live.contains(&own) || it.dependencies().iter().any(|needed| out.contains(&needed.to_string())) {
                    out.insert(own);
                }
            }
            if out.len() == before {
                return out;
            }
        }
    }

    async fn is_reached(&self, desired: &[Desired]) -> Result<(), Broken> {
        let out = self.unreachable(desired);
        let ours = self.lab.world.ours();
        // What a destroy kept also stays when the file no longer names it.
        let recorded = self.lab.document().resources;
        let is_kept = |of: &Address| recorded.get(of).is_some_and(|record| record.status == RecordStatus::Retained);
        let is_wanted = |of: &Address| desired.iter().any(|it| it.address == *of);
        let counts = ours.iter().map(|seen| &seen.address).filter(|of| is_wanted(of) || !is_kept(of));
        let live: BTreeSet<String> = counts.map(ToString::to_string).filter(|of| !out.contains(of)).collect();
        let wanted: BTreeSet<String> = desired.iter().map(|it| it.address.to_string()).filter(|of| !out.contains(of)).collect();
        ensure(live == wanted, || format!("wanted {wanted:?}, got {live:?}"))?;
        let plan = self.plan(desired).await?.ok_or("no plan")?;
        let open = plan.actions.iter().find(|action| action.verb != Verb::NoChange && !out.contains(&action.address.to_string()));
        ensure(open.is_none(), || format!("still to do: {open:?}"))?;
        let mut known: Attributes = ours.iter().map(|seen| (seen.address.to_string(), seen.attributes.clone())).collect();
        known.extend(self.lab.lookups.clone());
        for it in desired.iter().filter(|it| !out.contains(&it.address.to_string())) {
            let spec = resolve_known(&it.spec, &known);
            let now = ours.iter().find(|seen| seen.address == it.address).map(|seen| &seen.spec);
            let differs = |(field, value): &(&String, &Value)| now.and_then(|now| now.get(*field)).unwrap_or(&Value::Null) != *value;
            let found = spec.as_object().and_then(|spec| spec.iter().find(differs));
            ensure(found.is_none(), || format!("{}: {found:?} is wanted, there is {now:?}", it.address))?;
        }
        Ok(())
    }
}
