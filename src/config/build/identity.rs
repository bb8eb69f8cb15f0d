//! Name, region, zones, state: everything from which the names in AWS derive.

use super::super::checker::Checker;
use super::super::file::File;
use super::super::names;

/// Names that AWS limits and that derive from the cluster's name: what it is, most characters, the pattern.
///
/// IAM is global, so its names carry the region; buckets are global over all accounts and carry the account too.
const DERIVED: &[(&str, usize, &str)] = &[
    ("EKS cluster name", 100, "{name}"),
    ("IAM role and instance profile name", 64, "{name}-{region}-ebs-csi-driver"),
    ("IAM policy name", 128, "{name}-{region}-autoscaler"),
    ("launch template name", 128, "{name}-{pool}"),
    ("Auto Scaling Group name", 255, "{name}-{pool}-{region}x"),
    ("security group name", 255, "{name}-nodes"),
    ("KMS alias", 256, "alias/{name}"),
    ("EFS creation token", 64, "{name}"),
    ("EFS access point name", 256, "{name}-domino"),
    ("log group name", 512, "/aws/eks/{name}/cluster"),
    ("tag key", 127, "k8s.io/cluster-autoscaler/{name}"),
];
const BUCKET_LIMIT: usize = 63;
const BUCKET_PATTERN: &str = "{name}-{account}-{region}-{kind}";

/// Checks name, region, zones and state.
pub(super) fn identity(checker: &mut Checker<'_>) {
    name(checker);
    region(checker);
    zones(checker);
    state(checker);
}

fn name(checker: &mut Checker<'_>) {
    let file = checker.file;
    if !checker.given(&["name"]) {
        return;
    }
    if names::check_cluster_name(&file.name).is_err() {
        checker.refuse(
            &["name"],
            "aws-name",
            format!("`{}` cannot be the name: bucket names derive from it", file.name),
            "use lower-case letters, digits and inner hyphens",
        );
    }
    for prefix in ["sg-", "xn--", "sthree-", "amzn-s3-demo-"] {
        if file.name.starts_with(prefix) {
            checker.refuse(
                &["name"],
                "aws-name",
                format!("the name cannot begin with `{prefix}`: AWS reserves it"),
                "choose another beginning",
            );
        }
    }
    if let Some((what, derived, excess)) = longest_excess(file) {
        let length = derived.len();
        checker.refuse(
            &["name"],
            "aws-name-limit",
            format!("the name is too long: the {what} `{derived}` would have {length} characters, AWS allows {}", length - excess),
            format!("shorten `name` by {excess} or more"),
        );
    }
}

/// The derived name that exceeds its limit most: what it is, the name, by how many characters.
pub(in super::super) fn longest_excess(file: &File) -> Option<(&'static str, String, usize)> {
    let region = if names::is_region(&file.region) { &file.region } else { "us-east-1" };
    let longest_pool = file.pools.keys().max_by_key(|p| p.len()).map_or("platform", String::as_str);
    let fill = |pattern: &str, kind: &str| {
        pattern
            .replace("{name}", &file.name)
            .replace("{region}", region)
            .replace("{pool}", longest_pool)
            .replace("{account}", "123456789012")
            .replace("{kind}", kind)
    };
    let buckets = &file.storage.buckets;
    let unnamed = [("blobs", &buckets.blobs), ("registry", &buckets.registry), ("logs", &buckets.logs), ("backups", &buckets.backups)]
        .into_iter()
        .filter(|(_, bucket)| bucket.name.is_none())
        .map(|(kind, _)| ("bucket name", BUCKET_LIMIT, fill(BUCKET_PATTERN, kind)));
    DERIVED
        .iter()
        .map(|&(what, limit, pattern)| (what, limit, fill(pattern, "")))
        .chain(unnamed)
        .filter_map(|(what, limit, name)| Some((what, name.len().checked_sub(limit).filter(|e| *e > 0)?, name)))
        .max_by_key(|(_, excess, _)| *excess)
        .map(|(what, excess, name)| (what, name, excess))
}

fn region(checker: &mut Checker<'_>) {
    let region = &checker.file.region;
    if !checker.given(&["region"]) || names::is_region(region) {
        return;
    }
    let help = match names::region_of_zone(region) {
        Some(inner) => format!("`{region}` is a zone: write `{inner}`"),
        None => "write a region such as `us-west-2`".to_owned(),
    };
    checker.refuse(&["region"], "aws-region", format!("`{region}` is not a region name"), help);
}

fn zones(checker: &mut Checker<'_>) {
    let file = checker.file;
    if !checker.given(&["zones"]) {
        return;
    }
    for (i, zone) in file.zones.iter().enumerate() {
        zone_name(checker, &["zones", &i.to_string()], zone);
    }
    for i in super::lists::repeated(&file.zones) {
        let message = format!("zone `{}` is listed twice", file.zones[i]);
        checker.refuse(&["zones", &i.to_string()], "POOL-5", message, "list every zone once");
    }
    let (message, help) = match file.zones.len() {
        1 | 3 => return,
        0 => ("`zones` is empty".to_owned(), "list the one or three zones that nodes run in"),
        2 => (
            "nodes cannot run in two zones: one of them would hold half of every quorum".to_owned(),
            "list one zone, or three for high availability",
        ),
        n => (format!("nodes cannot run in {n} zones"), "list one zone or three"),
    };
    checker.refuse(&["zones"], "POOL-5", message, help);
}

/// Checks that text is a zone of the file's region.
pub(super) fn zone_name(checker: &mut Checker<'_>, path: &[&str], zone: &str) {
    zone_at(checker, path, zone, false);
}

/// As `zone_name`, for zones that are keys.
pub(super) fn zone_key(checker: &mut Checker<'_>, path: &[&str], zone: &str) {
    zone_at(checker, path, zone, true);
}

fn zone_at(checker: &mut Checker<'_>, path: &[&str], zone: &str, is_key: bool) {
    let region = &checker.file.region;
    let (message, help) = match names::region_of_zone(zone) {
        Some(inner) if inner == region || !names::is_region(region) => return,
        Some(inner) => (format!("zone `{zone}` is not in region `{region}`"), format!("use zones of `{region}`, or set `region: {inner}`")),
        None => {
            let help = if names::is_region(zone) {
                format!("`{zone}` is a region: add the zone's letter, as in `{zone}a`")
            } else {
                "write the region and a letter, as in `us-west-2a` (Local Zones cannot run Domino's nodes)".to_owned()
            };
            (format!("`{zone}` is not a zone name"), help)
        }
    };
    if is_key {
        checker.refuse_key(path, "aws-zone", message, help);
    } else {
        checker.refuse(path, "aws-zone", message, help);
    }
}

fn state(checker: &mut Checker<'_>) {
    let Some(state) = &checker.file.state else { return };
    if let Err(problem) = names::check_state_location(state) {
        let message = format!("`{state}` is not a location for a state: {problem}");
        checker.refuse(&["state"], "RUN-2", message, "write a local directory or `s3://bucket/prefix`");
    }
}
