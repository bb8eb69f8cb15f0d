//! Generated clusters: a subset of a fixed table of resources, each in one of several versions.

use super::super::{Desired, address, id, reference, wanted};
use crate::resource::{Change, Kind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rows of the table: address, and the rows that it requires.
const TABLE: &[(&str, &[usize])] = &[
    ("vpc/main", &[]),
    ("elastic-ip/nat", &[]),
    ("kms-key/main", &[]),
    ("iam-role/node", &[]),
    ("internet-gateway/main", &[0]),
    ("subnet/a", &[0]),
    ("security-group/nodes", &[0]),
    ("s3-bucket/logs", &[]),
    ("iam-policy/node", &[]),
    ("log-group/main", &[]),
    ("nat-gateway/a", &[1, 5]),
    ("route-table/a", &[5]),
    ("launch-template/pool", &[]),
    ("eks-cluster/main", &[3, 5]),
    ("efs-file-system/data", &[]),
    ("autoscaling-group/pool", &[5, 12]),
    ("eks-access-entry/node", &[3, 13]),
    ("eks-add-on/cni", &[13]),
    ("efs-mount-target/a", &[5, 14]),
];

/// Number of rows.
pub(super) const SLOTS: usize = TABLE.len();
const MOST: usize = 9;

/// How often a resource was edited, for each way of editing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Version {
    edited: u8,
    replaced: u8,
    renamed: u8,
}

/// A desired cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Graph(BTreeMap<usize, Version>);

impl Graph {
    /// The smallest cluster with these rows, up to a maximum size.
    pub(super) fn of(slots: &[usize]) -> Self {
        let mut graph = Self::default();
        slots.iter().for_each(|slot| graph.add(*slot));
        for slot in [3, 0, 1] {
            if graph.0.len() < 3 {
                graph.add(slot);
            }
        }
        graph
    }

    pub(super) fn add(&mut self, slot: usize) {
        let mut grown = self.clone();
        grown.add_all(slot % SLOTS);
        if grown.0.len() <= MOST {
            *self = grown;
        }
    }

    fn add_all(&mut self, slot: usize) {
        TABLE[slot].1.iter().for_each(|needed| self.add_all(*needed));
        self.0.entry(slot).or_default();
    }

    /// Takes out a resource, with all that require it.
    pub(super) fn remove(&mut self, slot: usize) {
        if let Some(slot) = self.pick(slot) {
            self.remove_all(slot);
        }
    }

    fn remove_all(&mut self, slot: usize) {
        self.0.remove(&slot);
        (0..SLOTS).filter(|user| TABLE[*user].1.contains(&slot)).for_each(|user| self.remove_all(user));
    }

    /// An existing row, for any number.
    fn pick(&self, slot: usize) -> Option<usize> {
        self.0.keys().copied().nth(slot % self.0.len().max(1))
    }

    pub(super) fn edit(&mut self, slot: usize) {
        self.change(slot, |version| version.edited += 1);
    }

    /// Changes a field that forces a replacement, where that is possible while other resources use it.
    pub(super) fn replace(&mut self, slot: usize) {
        self.change(slot, |version| version.replaced += 1);
    }

    /// Gives it another address and name, except where AWS does not free the old resource in time.
    pub(super) fn rename(&mut self, slot: usize) {
        let blocking = [0, 3, 5, 13, 14];
        let movable = |slot: &usize| !blocking.contains(slot);
        if self.pick(slot).filter(movable).is_some() {
            self.change(slot, |version| version.renamed += 1);
        }
    }

    fn change(&mut self, slot: usize, change: impl FnOnce(&mut Version)) {
        if let Some(version) = self.pick(slot).and_then(|slot| self.0.get_mut(&slot)) {
            change(version);
        }
    }

    /// The address of an existing row, for any number.
    pub(super) fn address(&self, slot: usize) -> Option<String> {
        self.pick(slot).map(|slot| self.named(slot))
    }

    fn named(&self, slot: usize) -> String {
        let renamed = self.0.get(&slot).map_or(0, |version| version.renamed);
        if renamed == 0 { TABLE[slot].0.to_owned() } else { format!("{}-{renamed}", TABLE[slot].0) }
    }

    pub(super) fn desired(&self) -> Vec<Desired> {
        self.0.iter().map(|(slot, version)| self.resource(*slot, *version)).collect()
    }

    /// A reference to a resource, if it is in the graph.
    fn maybe(&self, slot: usize, attribute: &str) -> Value {
        if self.0.contains_key(&slot) { reference(&self.named(slot), attribute) } else { Value::Null }
    }

    fn list(&self, slot: usize, attribute: &str) -> Value {
        if self.0.contains_key(&slot) { json!([reference(&self.named(slot), attribute)]) } else { json!([]) }
    }

    fn resource(&self, slot: usize, version: Version) -> Desired {
        let own = self.named(slot);
        let name = own.replace('/', "-");
        let replaced = version.replaced;
        let id = |slot: usize| id(&self.named(slot));
        let mut spec = match slot {
            0 => json!({"cidr": "10.0.0.0/16"}),
            2 => json!({"alias": "alias/demo"}),
            3 => json!({"name": name, "policies": self.list(8, "arn")}),
            4 => json!({"vpc": id(0)}),
            5 => json!({"vpc": id(0), "cidr": "10.0.1.0/24", "zone": "a"}),
            6 => json!({"vpc": id(0), "name": name, "description": format!("d{replaced}")}),
            7 => json!({"name": name, "kms_key": self.maybe(2, "arn")}),
            8 => json!({"name": name}),
            9 => json!({"name": format!("{name}-{replaced}")}),
            10 if replaced % 2 == 1 => json!({"subnet": format!("other-{replaced}"), "allocation": id(1)}),
            10 => json!({"subnet": id(5), "allocation": id(1)}),
            11 => json!({"vpc": self.maybe(0, "id"), "routes": self.list(10, "id"), "subnets": [id(5)]}),
            12 => json!({"name": format!("{name}-{replaced}"), "image": reference("image/x", "id"), "security_groups": self.list(6, "id"),
                "user_data": self.maybe(13, "endpoint")}),
            13 => json!({"name": name, "role": reference(&self.named(3), "arn"), "subnets": [id(5)]}),
            14 => json!({"backup": true}),
            15 => json!({"name": name, "zone": format!("z{replaced}"), "launch_template": id(12),
                "version": reference(&self.named(12), "version"), "subnet": id(5)}),
            16 => json!({"cluster": reference(&self.named(13), "name"), "principal": reference(&self.named(3), "arn"),
                "entry_type": format!("t{replaced}")}),
            17 => json!({"cluster": reference(&self.named(13), "name"), "name": name}),
            18 => json!({"file_system": id(14), "subnet": id(5)}),
            _ => json!({}),
        };
        // Every edit of a resource changes this field.
        spec["setting"] = json!(version.edited);
        let after = |slots: &[usize]| {
            slots.iter().filter(|slot| self.0.contains_key(slot)).map(|slot| address(&self.named(*slot))).collect::<Vec<_>>()
        };
        let desired = wanted(&own, spec);
        match slot {
            10 => desired.after(after(&[4])),
            15 => desired.after(after(&[11, 16])).after_created(after(&[17])),
            _ => desired,
        }
    }

    /// The cluster with a change that must be refused, and its address.
    pub(super) fn refused(&self, slot: usize) -> Option<(Vec<Desired>, String)> {
        let own = self.address(slot)?;
        let mut desired = self.desired();
        let it = desired.iter_mut().find(|desired| desired.address.to_string() == own)?;
        let (field, _) =
            it.kind().facts().changes.iter().find(|(field, class)| *class == Change::Blocked && it.spec[*field].is_string())?;
        it.spec[*field] = json!("another");
        Some((desired, own))
    }
}

/// Whether AWS allows a name of the kind once, so that a resource of others can take it.
pub(super) fn has_own_name(kind: Kind) -> bool {
    use Kind::{AutoScalingGroup, EksCluster, IamPolicy, IamRole, LaunchTemplate, LogGroup, S3Bucket};
    matches!(kind, AutoScalingGroup | EksCluster | IamPolicy | IamRole | LaunchTemplate | LogGroup | S3Bucket)
}
