//! Tags: what AWS accepts, and room for our own (POOL-6).

use super::super::checker::Checker;
use super::super::model::Pool;
use super::super::names;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that one AWS resource can carry.
const MAX_TAGS: usize = 50;
/// Characters of a tag's key and value.
const MAX_KEY: usize = 127;
const MAX_VALUE: usize = 256;
/// Tags on every Auto Scaling Group, whatever the pool: `Name`, `kubernetes.io/cluster/<name>`, the autoscaler's `enabled`
/// and `<name>`, its `ephemeral-storage` and `smarter-devices/fuse`, the zone label of the EBS driver, three of `domino-eks:`.
const OWN_TAGS: usize = 10;

/// Key prefixes that only AWS, Kubernetes or this tool may set.
const RESERVED_PREFIXES: &[(&str, &str)] = &[
    ("aws:", "AWS"),
    ("domino-eks:", "this tool"),
    ("kubernetes.io/cluster/", "this tool"),
    ("k8s.io/cluster-autoscaler/", "this tool"),
    ("eks:", "EKS"),
];

/// Checks the tags of the whole cluster.
pub(super) fn tags(checker: &mut Checker<'_>) {
    let file = checker.file;
    each(checker, &["tags"], &file.tags);
    for (name, pool) in &file.pools {
        each(checker, &["pools", name, "tags"], &pool.tags);
    }
}

fn each(checker: &mut Checker<'_>, path: &[&str], tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        let path = [path, &[key]].concat();
        if let Err((rule, message, help)) = check_key(key) {
            checker.refuse_key(&path, rule, message, help);
        }
        if value.chars().count() > MAX_VALUE {
            let message = format!("the tag value has {} characters, AWS takes {MAX_VALUE}", value.chars().count());
            checker.refuse(&path, "aws-tag", message, "shorten it");
        } else if !names::is_tag_text(value) {
            let message = format!("the tag value `{value}` has characters that AWS does not take");
            checker.refuse(&path, "aws-tag", message, "use letters, digits, spaces and `_ . : / = + - @`");
        }
    }
}

/// Whether AWS accepts a tag key and nothing else uses it; otherwise the rule, the message and the help.
fn check_key(key: &str) -> Result<(), (&'static str, String, &'static str)> {
    let lower = key.to_lowercase();
    if let Some((prefix, owner)) = RESERVED_PREFIXES.iter().find(|(prefix, _)| lower.starts_with(prefix)) {
        let message = format!("the tag key `{key}` is reserved: `{prefix}` belongs to {owner}");
        return Err(("reserved-tag", message, "choose another key"));
    }
    if key == "Name" {
        return Err(("reserved-tag", "the tag `Name` is set by this tool".to_owned(), "choose another key"));
    }
    let length = key.chars().count();
    if !(1..=MAX_KEY).contains(&length) {
        return Err(("aws-tag", format!("the tag key has {length} characters instead of 1 to {MAX_KEY}"), "choose another key"));
    }
    if names::is_tag_text(key) {
        return Ok(());
    }
    let message = format!("the tag key `{key}` has characters that AWS does not take");
    Err(("aws-tag", message, "use letters, digits, spaces and `_ . : / = + - @`"))
}

/// Checks that every group has room for all its tags.
pub(super) fn tag_counts(checker: &mut Checker<'_>, pools: &[Pool]) {
    let file = checker.file;
    for pool in pools {
        let keys: BTreeSet<&String> = file.tags.keys().chain(pool.tags.keys()).collect();
        let (labels, taints) = (pool.labels.len(), pool.taints.len());
        let total = OWN_TAGS + keys.len() + labels + taints;
        if total <= MAX_TAGS {
            continue;
        }
        let message = format!(
            "the groups of pool `{}` would have {total} tags, AWS takes {MAX_TAGS}: {} of yours, {labels} for labels, {taints} for taints, {OWN_TAGS} always",
            pool.name,
            keys.len(),
        );
        let pool_tags: &[&str] = &["pools", &pool.name, "tags"];
        let cluster_tags: &[&str] = &["tags"];
        let labels_path: &[&str] = &["pools", &pool.name, "labels"];
        let paths =
            if pool.tags.len() > file.tags.len() { [pool_tags, cluster_tags, labels_path] } else { [cluster_tags, pool_tags, labels_path] };
        checker.refuse_first(&paths, "POOL-6", message, format!("remove {} tags or labels", total - MAX_TAGS));
    }
}
