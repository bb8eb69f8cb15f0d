//! The values that a Domino installation needs (OUT-1), read from the state.

use crate::resource::{Address, Kind};
use crate::state::{Document, Record};
use serde::Serialize;
use std::collections::BTreeMap;

/// Values for the installer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// Cluster name.
    pub cluster: String,
    /// Region.
    pub region: String,
    /// Account id.
    pub account: String,
    /// API endpoint.
    pub endpoint: Option<String>,
    /// EFS file system id.
    pub efs_file_system: Option<String>,
    /// EFS access point id.
    pub efs_access_point: Option<String>,
    /// `fs-…::fsap-…`, the handle of a persistent volume.
    pub efs_volume_handle: Option<String>,
    /// Mount addresses by zone.
    pub efs_mount_addresses: BTreeMap<String, String>,
    /// Bucket names by kind.
    pub buckets: BTreeMap<String, String>,
    /// Node role ARNs by name.
    pub node_roles: BTreeMap<String, String>,
    /// VPC id.
    pub vpc: Option<String>,
    /// Subnet ids by name.
    pub subnets: BTreeMap<String, String>,
    /// Security group ids by name; `cluster` is the one that EKS created.
    pub security_groups: BTreeMap<String, String>,
    /// Host name under which Domino will be reached.
    pub fqdn: Option<String>,
}

/// Reads the outputs from the state.
pub fn outputs(state: &Document, fqdn: Option<String>) -> Outputs {
    let attribute = |kind: Kind, name: &str, key: &str| {
        state.resources.get(&Address::new(kind, name)).and_then(|record| record.attributes.get(key).cloned())
    };
    let each = |kind: Kind, value: fn(&Record) -> Option<String>| {
        let of_kind = state.resources.iter().filter(move |(address, _)| address.kind() == kind);
        of_kind.filter_map(|(address, record)| Some((address.name().to_owned(), value(record)?))).collect::<BTreeMap<_, _>>()
    };
    let id = |record: &Record| Some(record.id.clone());
    let efs_file_system = attribute(Kind::EfsFileSystem, "datasets", "id");
    let efs_access_point = attribute(Kind::EfsAccessPoint, "domino", "id");
    let handle = efs_file_system.as_ref().zip(efs_access_point.as_ref()).map(|(system, point)| format!("{system}::{point}"));
    let zone = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let mounts = each(Kind::EfsMountTarget, |record| record.attributes.get("ip_address").cloned());
    let roles = each(Kind::IamRole, |record| record.attributes.get("arn").cloned());
    let mut security_groups = each(Kind::SecurityGroup, id);
    security_groups.extend(attribute(Kind::EksCluster, "main", "security_group").map(|group| ("cluster".to_owned(), group)));
    Outputs {
        cluster: state.cluster.clone(),
        region: state.region.clone(),
        account: state.account.clone(),
        endpoint: attribute(Kind::EksCluster, "main", "endpoint"),
        efs_file_system,
        efs_access_point,
        efs_volume_handle: handle,
        efs_mount_addresses: mounts.iter().map(|(name, address)| (zone(name), address.clone())).collect(),
        buckets: each(Kind::S3Bucket, id),
        node_roles: roles.into_iter().filter(|(name, _)| name.ends_with("-node")).collect(),
        vpc: attribute(Kind::Vpc, "main", "id"),
        subnets: each(Kind::Subnet, id),
        security_groups,
        fqdn,
    }
}

impl Outputs {
    /// `key = value` lines; maps as `key.name`.
    pub fn text(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut lines = Vec::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            match value {
                serde_json::Value::Object(map) => {
                    lines.extend(map.iter().map(|(name, inner)| (format!("{key}.{name}"), inner.as_str().unwrap_or_default().to_owned())));
                }
                serde_json::Value::String(text) => lines.push((key.clone(), text.clone())),
                _ => {}
            }
        }
        let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        lines.iter().map(|(key, value)| format!("{key:width$} = {value}\n")).collect()
    }
}
