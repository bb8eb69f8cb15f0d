//! Node pools (POOL-1…POOL-9).

use super::super::checker::Checker;
use super::super::file;
use super::super::instance_types::{self, Specs};
use super::super::layout::spread;
use super::super::model::{AmiFamily, Arch, Pool, PoolRole, ZoneSize};
use super::super::names;
use super::{kubernetes, labels};

/// Pools that Domino cannot run without.
const MANDATORY: [&str; 2] = ["platform", "default"];
/// Last Kubernetes minor version with Amazon Linux 2 images.
const LAST_AL2_MINOR: u32 = 32;
/// EC2 takes 16 KiB of user data, of which the node's own part needs up to 4 KiB.
const MAX_USER_DATA: usize = 12 * 1024;
/// Largest gp3 volume, in GiB.
const MAX_DISK_GIB: u32 = 65_536;
/// Help for a GPU pool whose type has no devices.
const GPU_EXAMPLE: &str = "use a type with NVIDIA devices, such as `g5.2xlarge`";

/// Nodes that Kubernetes supports in one cluster.
const MAX_NODES: u16 = 5_000;

/// Minimum specs of a pool (POOL-8): role, vCPUs, memory GiB, disk GiB.
const LEAST: [(PoolRole, u32, u32, u32); 3] =
    [(PoolRole::Platform, 8, 32, 128), (PoolRole::Compute, 8, 32, 400), (PoolRole::Gpu, 8, 16, 400)];

/// Builds all enabled pools, `platform` first.
pub(super) fn pools(checker: &mut Checker<'_>) -> Vec<Pool> {
    let mut pools = Vec::new();
    for (name, given) in &checker.file.pools {
        if given.enabled == Some(false) {
            if MANDATORY.contains(&name.as_str()) {
                let message = format!("the pool `{name}` cannot be left out: Domino needs it");
                checker.refuse(&["pools", name, "enabled"], "POOL-1", message, "remove `enabled: false`");
            }
            continue;
        }
        pools.extend(pool(checker, name, given));
    }
    pools.sort_by_key(|p: &Pool| p.name != "platform");
    pools
}

fn pool(checker: &mut Checker<'_>, name: &str, given: &file::Pool) -> Option<Pool> {
    if !names::is_dns_label(name) {
        let message = format!("`{name}` cannot be the name of a pool");
        checker.refuse_key(&["pools", name], "POOL-4", message, "use lower-case letters, digits and inner hyphens, 63 at most");
    }
    complete(checker, name, given);
    let role = role(checker, name, given);
    if let Some(instance_type) = &given.instance_type {
        machine(checker, name, role, instance_type);
    }
    image(checker, name, role, given);
    user_data(checker, name, given);
    disk(checker, name, role, given);
    let taints = labels::taints(checker, name, given);
    let shares = shares(checker, name, given)?;
    let instance_type = given.instance_type.clone()?;
    let gpu = instance_types::specs(&instance_type).and_then(|s| s.gpu);
    let labels = labels::labels(checker, name, given, role, gpu.as_ref());
    // Sizes beyond the number type of AWS were refused above.
    let disk_gib = given.disk_gib.filter(|gib| *gib <= MAX_DISK_GIB).and_then(|gib| i32::try_from(gib).ok())?;
    let zones: Vec<ZoneSize> = shares.iter().map(ZoneShare::size).collect::<Option<_>>()?;
    Some(Pool {
        name: name.to_owned(),
        role,
        arch: instance_types::arch(&instance_type),
        instance_type,
        min: zones.iter().map(|z| z.min).sum(),
        max: zones.iter().map(|z| z.max).sum(),
        zones,
        disk_gib,
        labels,
        taints,
        tags: given.tags.clone(),
        ami_family: family(given),
        ami_id: given.ami_id.clone(),
        spot: given.spot,
        docker_bridge: given.docker_bridge.unwrap_or(checker.file.docker_bridge),
        extra_user_data: given.user_data.clone(),
        gpu,
    })
}

/// A pool that is not in the profile must give all values.
fn complete(checker: &mut Checker<'_>, name: &str, given: &file::Pool) {
    let needed = [
        ("instanceType", given.instance_type.is_some()),
        ("min", given.min.is_some()),
        ("max", given.max.is_some()),
        ("diskGiB", given.disk_gib.is_some()),
    ];
    let missing: Vec<String> = needed
        .iter()
        .filter(|(key, is_given)| !is_given && !checker.has_wrong_type(&["pools", name, key]))
        .map(|(key, _)| format!("`{key}`"))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let message = format!("the pool `{name}` has no {missing}, and the profile has no pool of that name");
        checker.refuse_key(&["pools", name], "missing-key", message, format!("add {missing}"));
    }
}

fn family(given: &file::Pool) -> AmiFamily {
    given.ami_family.unwrap_or(AmiFamily::Al2023)
}

/// The given role, or the one that follows from name and instance type.
fn role(checker: &mut Checker<'_>, name: &str, given: &file::Pool) -> PoolRole {
    let is_platform = name == "platform";
    if let Some(role) = given.role
        && (role == PoolRole::Platform) != is_platform
    {
        let message = format!("the pool `{name}` cannot have this role: `platform` is for the pool of that name alone");
        let paths: [&[&str]; 2] = [&["pools", name, "role"], &["pools", name]];
        checker.refuse_first(&paths, "POOL-1", message, "remove `role`");
    }
    let has_nvidia = given.instance_type.as_deref().is_some_and(instance_types::has_nvidia);
    match given.role {
        _ if is_platform => PoolRole::Platform,
        Some(role @ (PoolRole::Gpu | PoolRole::Compute)) => role,
        _ if has_nvidia => PoolRole::Gpu,
        _ => PoolRole::Compute,
    }
}

fn machine(checker: &mut Checker<'_>, name: &str, role: PoolRole, instance_type: &str) {
    let path = ["pools", name, "instanceType"];
    if !instance_types::is_instance_type(instance_type) {
        let message = format!("`{instance_type}` is not an instance type");
        checker.refuse(&path, "instance-type", message, "write family and size, such as `m5.2xlarge`");
        return;
    }
    if let Some(new) = instance_types::replacement(instance_type) {
        let message = format!("EC2 no longer offers `{instance_type}`");
        checker.refuse(&path, "POOL-3", message, format!("use `{new}` instead"));
        return;
    }
    let has_nvidia = instance_types::has_nvidia(instance_type);
    let specs = instance_types::specs(instance_type);
    if role == PoolRole::Compute && has_nvidia {
        let message = format!("`{instance_type}` has NVIDIA devices, but the pool's role `compute` has no driver for them");
        let paths: [&[&str]; 2] = [&["pools", name, "role"], &path];
        checker.refuse_first(&paths, "POOL-3", message, "remove `role`, or write `role: gpu`");
        return;
    }
    let Some(specs) = specs else { return };
    if role == PoolRole::Gpu && !has_nvidia {
        let message = format!("the GPU pool `{name}` has the type `{instance_type}` without NVIDIA devices");
        let paths: [&[&str]; 2] = [&path, &["pools", name, "role"]];
        checker.refuse_first(&paths, "POOL-8", message, GPU_EXAMPLE);
        return;
    }
    least_specs(checker, &path, role, instance_type, &specs);
}

fn least_specs(checker: &mut Checker<'_>, path: &[&str], role: PoolRole, instance_type: &str, specs: &Specs) {
    let (vcpus, memory, _) = least(role);
    if specs.vcpus >= vcpus && specs.memory_gib >= memory {
        return;
    }
    let message = format!(
        "`{instance_type}` has {} vCPU and {} GiB, and Domino needs {vcpus} vCPU and {memory} GiB there",
        specs.vcpus, specs.memory_gib
    );
    let example = if role == PoolRole::Gpu { "g5.2xlarge" } else { "m5.2xlarge" };
    checker.refuse(path, "POOL-8", message, format!("use a larger type, such as `{example}`"));
}

fn least(role: PoolRole) -> (u32, u32, u32) {
    let found = LEAST.iter().find(|(r, ..)| *r == role);
    found.map_or((0, 0, 0), |&(_, vcpus, memory, disk)| (vcpus, memory, disk))
}

fn disk(checker: &mut Checker<'_>, name: &str, role: PoolRole, given: &file::Pool) {
    let Some(disk) = given.disk_gib else { return };
    let (.., least) = least(role);
    let path = ["pools", name, "diskGiB"];
    if disk < least {
        let message = format!("{disk} GiB of disk are too few for the pool `{name}`: Domino needs {least}");
        checker.refuse(&path, "POOL-8", message, format!("write `diskGiB: {least}` or more"));
    } else if disk > MAX_DISK_GIB {
        let message = format!("no gp3 volume has {disk} GiB");
        checker.refuse(&path, "POOL-8", message, format!("write {MAX_DISK_GIB} or less"));
    }
}

fn image(checker: &mut Checker<'_>, name: &str, role: PoolRole, given: &file::Pool) {
    if let Some(ami_id) = given.ami_id.as_ref().filter(|id| !names::is_ec2_id(id, "ami")) {
        let message = format!("`{ami_id}` is not the id of an image");
        checker.refuse(&["pools", name, "amiId"], "POOL-9", message, "write it as AWS shows it, such as `ami-0123456789abcdef0`");
    }
    if family(given) != AmiFamily::Al2 {
        return;
    }
    let path = ["pools", name, "amiFamily"];
    let version = &checker.file.kubernetes.version;
    if kubernetes::minor(version).is_some_and(|minor| minor > LAST_AL2_MINOR) {
        let message = format!("there is no Amazon Linux 2 image for Kubernetes {version}: the last is for 1.{LAST_AL2_MINOR}");
        checker.refuse(&path, "POOL-7", message, "use `AL2023` (leave `amiFamily` out)");
    }
    let arch = given.instance_type.as_deref().map(instance_types::arch);
    if role == PoolRole::Gpu && arch == Some(Arch::Arm64) {
        let message = "there is no Amazon Linux 2 image for NVIDIA devices on Graviton";
        checker.refuse(&path, "POOL-7", message, "use `AL2023` (leave `amiFamily` out)");
    }
}

fn user_data(checker: &mut Checker<'_>, name: &str, given: &file::Pool) {
    let Some(script) = &given.user_data else {
        return;
    };
    let path = ["pools", name, "userData"];
    if script.len() > MAX_USER_DATA {
        let message = format!(
            "the user data has {} bytes: EC2 takes 16384 in all, of which the node's own part needs up to 4096, so {MAX_USER_DATA} are left",
            script.len()
        );
        checker.refuse_key(&path, "POOL-9", message, "keep the script in S3 and fetch it from a short one");
    }
    if !script.starts_with("#!") {
        let message = format!("the user data of `{name}` is not a script");
        checker.refuse_key(&path, "POOL-9", message, "begin its first line with `#!`, as in `#!/bin/bash`");
    }
}

/// A pool's share of one zone as the file gives it, before its size is known to be possible.
struct ZoneShare {
    zone: String,
    min: u32,
    max: u32,
}

impl ZoneShare {
    /// The size for the model; `None` when it is more than a cluster can have.
    fn size(&self) -> Option<ZoneSize> {
        let nodes = |count: u32| u16::try_from(count).ok().filter(|count| *count <= MAX_NODES).map(i32::from);
        Some(ZoneSize { zone: self.zone.clone(), min: nodes(self.min)?, max: nodes(self.max)? })
    }
}

/// The pool's totals spread over the node zones, with the user's own sizes for single zones (POOL-5).
fn shares(checker: &mut Checker<'_>, name: &str, given: &file::Pool) -> Option<Vec<ZoneShare>> {
    let file = checker.file;
    if file.zones.is_empty() {
        return None;
    }
    for zone in given.zones.keys().filter(|zone| !file.zones.contains(*zone)) {
        let message = format!("`{zone}` is not a node zone");
        let help = format!("the node zones are {}", file.zones.join(", "));
        checker.refuse_key(&["pools", name, "zones", zone], "POOL-5", message, help);
    }
    let (min, max) = (given.min?, given.max?);
    in_order(checker, &["pools", name], min, max);
    let count = u32::try_from(file.zones.len()).ok()?;
    let shares: Vec<ZoneShare> = file
        .zones
        .iter()
        .zip(spread(min, count).into_iter().zip(spread(max, count)))
        .map(|(zone, (min, max))| {
            let own = given.zones.get(zone);
            ZoneShare { zone: zone.clone(), min: own.and_then(|z| z.min).unwrap_or(min), max: own.and_then(|z| z.max).unwrap_or(max) }
        })
        .collect();
    for share in shares.iter().filter(|share| given.zones.contains_key(&share.zone)) {
        in_order(checker, &["pools", name, "zones", &share.zone], share.min, share.max);
    }
    totals(checker, name, given, &shares);
    Some(shares)
}

fn in_order(checker: &mut Checker<'_>, path: &[&str], min: u32, max: u32) {
    if min <= max {
        return;
    }
    let (min_path, max_path) = ([path, &["min"]].concat(), [path, &["max"]].concat());
    let message = format!("the minimum number of nodes, {min}, is above the maximum, {max}");
    checker.refuse_first(&[&min_path, &max_path, path], "POOL-5", message, format!("give `max: {min}` or more, or a smaller `min`"));
}

fn totals(checker: &mut Checker<'_>, name: &str, given: &file::Pool, shares: &[ZoneShare]) {
    let min: u64 = shares.iter().map(|z| u64::from(z.min)).sum();
    let max: u64 = shares.iter().map(|z| u64::from(z.max)).sum();
    let overridden = !given.zones.is_empty();
    let path = |key| {
        if overridden { ["pools", name, "zones"] } else { ["pools", name, key] }
    };
    if max == 0 {
        let help = "give `max: 1` or more, or leave the pool out with `enabled: false`";
        checker.refuse(&path("max"), "POOL-5", format!("the pool `{name}` can never have a node"), help);
    } else if min == 0 && name == "platform" {
        let message = "the pool `platform` can shrink to no nodes, and Domino's own services run there";
        checker.refuse(&path("min"), "POOL-1", message, "give `min: 1` or more; Domino's documentation asks for 4");
    }
    if max > u64::from(MAX_NODES) {
        let message = format!("the pool `{name}` can have {max} nodes, more than Kubernetes takes in a cluster");
        checker.refuse(&path("max"), "POOL-5", message, format!("write {MAX_NODES} or less"));
    }
}
