//! Control plane and add-ons (EKS-1…EKS-3).

use super::super::checker::Checker;
use super::super::file::{LogType, RETENTION_DAYS};
use super::super::model::Kubernetes;
use super::super::names;
use super::super::suggestion::suggestion;
use super::identity::zone_name;
use ipnet::Ipv4Net;

/// Oldest minor version of Kubernetes 1 that EKS still creates.
const OLDEST_MINOR: u32 = 32;
/// Most ranges that EKS takes for the public endpoint.
const MAX_PUBLIC_CIDRS: usize = 40;
/// Add-ons that are installed.
const ADD_ONS: &[&str] = &["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"];
const PRIVATE_RANGES: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Builds the control plane.
pub(super) fn kubernetes(checker: &mut Checker<'_>) -> Option<Kubernetes> {
    let given = &checker.file.kubernetes;
    version(checker);
    let retention = retention(checker);
    log_types(checker);
    administrators(checker);
    control_plane_zones(checker);
    add_on_versions(checker);
    let public_cidrs = public_cidrs(checker);
    let service_cidr = service_cidr(checker);
    Some(Kubernetes {
        version: given.version.clone(),
        service_cidr: service_cidr?,
        public_endpoint: given.public_endpoint,
        public_cidrs,
        log_types: given.log_types.iter().map(|t| log_type(*t).to_owned()).collect(),
        log_retention_days: retention?,
        network_policy: given.network_policy,
        support: given.support,
        administrators: given.administrators.clone(),
        add_on_versions: given.add_on_versions.clone(),
    })
}

fn log_type(log_type: LogType) -> &'static str {
    match log_type {
        LogType::Api => "api",
        LogType::Audit => "audit",
        LogType::Authenticator => "authenticator",
        LogType::ControllerManager => "controllerManager",
        LogType::Scheduler => "scheduler",
    }
}

/// The minor version of `1.NN`.
pub(super) fn minor(version: &str) -> Option<u32> {
    let digits = version.strip_prefix("1.")?;
    let plain = !digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

fn version(checker: &mut Checker<'_>) {
    let version = &checker.file.kubernetes.version;
    let (message, help) = match minor(version) {
        Some(minor) if minor >= OLDEST_MINOR => return,
        Some(_) => (
            format!("Kubernetes `{version}` is older than EKS supports"),
            format!("use \"1.{OLDEST_MINOR}\" or newer, or leave `version` out"),
        ),
        None => (
            format!("`{version}` is not a Kubernetes version of EKS"),
            "write major and minor version in quotes, such as `\"1.35\"`".to_owned(),
        ),
    };
    checker.refuse(&["kubernetes", "version"], "EKS-1", message, help);
}

fn retention(checker: &mut Checker<'_>) -> Option<i32> {
    let days = checker.file.kubernetes.log_retention_days;
    if RETENTION_DAYS.contains(&days) {
        return i32::try_from(days).ok();
    }
    let next = RETENTION_DAYS.iter().find(|d| **d > days).or(RETENTION_DAYS.last()).copied().unwrap_or_default();
    checker.refuse(
        &["kubernetes", "logRetentionDays"],
        "log-retention",
        format!("CloudWatch Logs does not keep logs for {days} days"),
        format!("use {next}, or another of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, …"),
    );
    None
}

fn log_types(checker: &mut Checker<'_>) {
    let types = &checker.file.kubernetes.log_types;
    for i in super::lists::repeated(types) {
        let message = format!("log type `{}` is listed twice", log_type(types[i]));
        checker.refuse(&["kubernetes", "logTypes", &i.to_string()], "EKS-1", message, "list every type once");
    }
}

fn administrators(checker: &mut Checker<'_>) {
    let file = checker.file;
    let administrators = &file.kubernetes.administrators;
    for (i, principal) in administrators.iter().enumerate() {
        if let Err((message, help)) = check_principal(&file.region, principal) {
            checker.refuse(&["kubernetes", "administrators", &i.to_string()], "iam-principal", message, help);
        }
    }
    for i in super::lists::repeated(administrators) {
        let message = format!("`{}` is listed twice", administrators[i]);
        checker.refuse(&["kubernetes", "administrators", &i.to_string()], "iam-principal", message, "list every administrator once");
    }
}

/// Whether text is the ARN of a role or user of this partition; otherwise message and help.
fn check_principal(region: &str, principal: &str) -> Result<(), (String, String)> {
    let partition = names::partition(region);
    let Some(arn) = names::arn(principal).filter(|a| names::is_account(a.account)) else {
        return Err((
            format!("`{principal}` is not the ARN of a role or user"),
            format!("write `arn:{partition}:iam::<account>:role/<name>`"),
        ));
    };
    if arn.service == "sts" {
        let role = arn.resource.split('/').nth(1).unwrap_or("<name>");
        return Err((
            format!("`{principal}` is a session of a role, not the role"),
            format!("give the role behind it: `arn:{partition}:iam::{}:role/{role}`", arn.account),
        ));
    }
    if arn.partition != partition {
        return Err((
            format!("`{principal}` belongs to partition `{}`, the cluster to `{partition}`", arn.partition),
            format!("give a role or user whose ARN begins with `arn:{partition}:`"),
        ));
    }
    let named = ["role/", "user/"].iter().any(|kind| arn.resource.strip_prefix(kind).is_some_and(|n| !n.is_empty()));
    if arn.service == "iam" && arn.region.is_empty() && named {
        return Ok(());
    }
    Err((format!("`{principal}` is neither a role nor a user"), format!("write `arn:{partition}:iam::{}:role/<name>`", arn.account)))
}

fn control_plane_zones(checker: &mut Checker<'_>) {
    let file = checker.file;
    let zones = &file.kubernetes.control_plane_zones;
    if zones.is_empty() {
        return;
    }
    if file.zones.len() > 1 || file.network.existing.is_some() {
        let (message, help) = if file.network.existing.is_some() {
            ("`controlPlaneZones` has no effect in an existing VPC", "use `network.existing.controlPlaneSubnets`")
        } else {
            ("`controlPlaneZones` is only for clusters with one node zone", "remove it: the node zones are enough")
        };
        checker.refuse_key(&["kubernetes", "controlPlaneZones"], "EKS-1", message, help);
        return;
    }
    for (i, zone) in zones.iter().enumerate() {
        let path = ["kubernetes", "controlPlaneZones", &i.to_string()];
        zone_name(checker, &path, zone);
        if file.zones.contains(zone) || zones[..i].contains(zone) {
            let message = format!("the control plane already has a subnet in zone `{zone}`");
            checker.refuse(&path, "EKS-1", message, "name a second zone, without nodes: EKS needs two");
        }
    }
}

fn add_on_versions(checker: &mut Checker<'_>) {
    let file = checker.file;
    for (name, version) in &file.kubernetes.add_on_versions {
        let path = ["kubernetes", "addOnVersions", name];
        if !ADD_ONS.contains(&name.as_str()) {
            checker.refuse_key(&path, "EKS-2", format!("`{name}` is not an add-on of this cluster"), suggestion(name, ADD_ONS));
        } else if !is_add_on_version(version) {
            let message = format!("`{version}` is not an add-on version");
            checker.refuse(&path, "EKS-2", message, "write it as EKS lists it, such as `v1.12.1-eksbuild.2`");
        }
    }
}

fn is_add_on_version(version: &str) -> bool {
    let number = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
    version
        .strip_prefix('v')
        .and_then(|v| v.split_once("-eksbuild."))
        .is_some_and(|(version, build)| number(build) && version.split('.').count() == 3 && version.split('.').all(number))
}

fn public_cidrs(checker: &mut Checker<'_>) -> Vec<Ipv4Net> {
    let given = &checker.file.kubernetes;
    let path = ["kubernetes", "publicCidrs"];
    if !given.public_endpoint && !given.public_cidrs.is_empty() {
        checker.refuse_key(
            &path,
            "EKS-1",
            "`publicCidrs` has no effect while the public endpoint is off",
            "set `publicEndpoint: true`, or remove `publicCidrs`",
        );
    }
    if given.public_endpoint && given.public_cidrs.is_empty() && !checker.has_wrong_type(&path) {
        checker.refuse(
            &["kubernetes", "publicEndpoint"],
            "EKS-1",
            "the public endpoint is on, but no range is named that may reach it",
            "list the ranges in `publicCidrs`; the whole internet is `[0.0.0.0/0]`",
        );
    }
    if given.public_cidrs.len() > MAX_PUBLIC_CIDRS {
        let message = format!("`publicCidrs` has {} ranges, EKS takes {MAX_PUBLIC_CIDRS}", given.public_cidrs.len());
        checker.refuse_key(&path, "EKS-1", message, "merge ranges");
    }
    let mut ranges = Vec::new();
    for (i, text) in given.public_cidrs.iter().enumerate() {
        match names::cidr(text) {
            Ok(range) => ranges.push(range),
            Err((message, help)) => checker.refuse(&["kubernetes", "publicCidrs", &i.to_string()], "cidr", message, help),
        }
    }
    ranges
}

fn service_cidr(checker: &mut Checker<'_>) -> Option<Ipv4Net> {
    let path = ["kubernetes", "serviceCidr"];
    let text = &checker.file.kubernetes.service_cidr;
    let range = match names::cidr(text) {
        Ok(range) => range,
        Err((message, help)) => {
            checker.refuse(&path, "cidr", message, help);
            return None;
        }
    };
    if !(12..=24).contains(&range.prefix_len()) {
        let message = format!("the service range `{range}` is a /{}, EKS takes /12 to /24", range.prefix_len());
        checker.refuse(&path, "EKS-1", message, "use a /16 such as `172.20.0.0/16`");
    }
    let is_private = PRIVATE_RANGES.iter().filter_map(|p| p.parse::<Ipv4Net>().ok()).any(|p| p.contains(&range));
    if !is_private {
        let message = format!("the service range `{range}` is not private");
        checker.refuse(&path, "EKS-1", message, format!("choose it from {}", PRIVATE_RANGES.join(", ")));
    }
    Some(range)
}
