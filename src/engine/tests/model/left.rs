//! Clusters in use: Kubernetes leaves resources, others create theirs in our network, and destroy works as the command does.

use super::machine::{Broken, Machine, ensure};
use super::ops::How;
use crate::engine::CLOUD_CONTROLLER;
use crate::resource::Kind;
use crate::state::RecordStatus;
use serde_json::{Value, json};

const FOREIGN: &str = "network-interface/stranger";

impl Machine {
    /// One teardown as the command runs it: with leftovers, and with or without data.
    pub(super) async fn destroy_once(&mut self, keep_data: bool, how: How) -> Result<bool, Broken> {
        self.keeps |= keep_data;
        self.copies.push(self.lab.memory.copy());
        self.lab.memory.begin();
        let Some(plan) = self.lab.try_teardown(keep_data).await else { return Ok(false) };
        let before = self.data();
        let done = self.run_plan(&plan, &[], how).await?;
        if keep_data {
            let lost: Vec<&String> = before.iter().filter(|id| !self.data().contains(id)).collect();
            ensure(lost.is_empty(), || format!("data was to be kept: {lost:?}"))?;
        }
        if done && keep_data {
            for (address, record) in &self.lab.document().resources {
                let is_data = address.kind().facts().holds_data || address.kind() == Kind::EfsAccessPoint;
                ensure(is_data && record.status == RecordStatus::Retained, || format!("{address} is recorded as {:?}", record.status))?;
            }
        }
        Ok(done)
    }

    /// Ids of all resources that hold data.
    fn data(&self) -> Vec<String> {
        let all = self.lab.world.ours().into_iter().chain(self.lab.world.leftovers());
        all.filter(|seen| seen.address.kind().facts().holds_data).map(|seen| seen.id).collect()
    }

    /// An undisturbed destroy that keeps data leaves nothing else, and records all of it.
    pub(super) async fn destroy_keeping(&mut self) -> Result<(), Broken> {
        let data = self.data();
        self.destroy_once(true, How::Whole).await?;
        self.lab.memory.begin();
        let again = self.lab.try_teardown(true).await.ok_or("no plan")?;
        ensure(!again.has_changes(), || format!("something is left to do: {:?}", again.summary()))?;
        ensure(self.data() == data, || format!("{data:?} was there, and now {:?}", self.data()))?;
        let recorded = self.lab.document().resources;
        let all: Vec<_> = self.lab.world.ours().into_iter().chain(self.lab.world.leftovers()).collect();
        for seen in all {
            let record = recorded.get(&seen.address).filter(|record| record.id == seen.id);
            ensure(record.is_some_and(|record| record.status == RecordStatus::Retained), || format!("{} is not recorded", seen.address))?;
        }
        ensure(recorded.len() == data.len(), || format!("recorded are {:?}", recorded.keys()))
    }

    fn id_of(&self, kind: Kind) -> Option<String> {
        self.lab.world.ours().into_iter().find(|seen| seen.address.kind() == kind).map(|seen| seen.id)
    }

    /// The spec of a resource in our network, which blocks the deletion of what it names.
    fn inside(&self) -> Option<Value> {
        let (vpc, subnet) = (self.id_of(Kind::Vpc)?, self.id_of(Kind::Subnet));
        Some(json!({"vpc": vpc, "subnet": subnet, "groups": [self.id_of(Kind::SecurityGroup)]}))
    }

    pub(super) fn leave(&mut self, which: usize) {
        self.brought += 1;
        let world = &self.lab.world;
        let named = |kind: Kind| format!("{kind}/left-{}", self.brought);
        let Some(mut spec) = self.inside() else {
            world.leave(&named(Kind::EbsVolume), json!({}));
            return;
        };
        match which {
            0 => drop(world.leave(&named(Kind::NetworkInterface), spec)),
            1 => drop(world.leave(&named(Kind::KubernetesSecurityGroup), json!({"vpc": spec["vpc"]}))),
            2 => {
                spec["made_by"] = json!(CLOUD_CONTROLLER);
                world.leave(&named(Kind::LoadBalancer), spec);
            }
            3 => drop(world.leave(&named(Kind::EbsVolume), json!({}))),
            4 => world.leave_for(&named(Kind::NetworkInterface), spec, 100),
            _ => {
                let group = self.lab.world.ours().into_iter().find(|seen| seen.address.kind() == Kind::AutoScalingGroup);
                if let Some(group) = group {
                    world.leave_after(&group.address.to_string(), 0, &named(Kind::NetworkInterface), spec);
                }
            }
        }
    }

    pub(super) fn move_in(&mut self) {
        if let Some(spec) = self.inside().filter(|_| !self.has_foreign_interface()) {
            self.lab.world.foreign_with(FOREIGN, spec, &[("owner", "somebody")]);
            self.foreign = self.lab.world.print(true);
        }
    }

    pub(super) fn move_out(&mut self) {
        self.lab.world.move_out(FOREIGN);
        self.foreign = self.lab.world.print(true);
    }

    pub(super) fn has_foreign_interface(&self) -> bool {
        self.lab.world.live().contains(&FOREIGN.to_owned())
    }
}
