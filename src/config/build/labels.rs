//! Node labels and taints (POOL-2…POOL-4): what kubelet and the cluster autoscaler's tags can carry.

use super::super::checker::Checker;
use super::super::file::{self, TaintEffect};
use super::super::model::{Gpu, PoolRole, Taint};
use super::super::names;
use std::collections::BTreeMap;

/// Label that Domino selects pools by.
pub(super) const POOL_LABEL: &str = "dominodatalab.com/node-pool";
const GPU_LABEL: &str = "nvidia.com/gpu";
const ACCELERATOR_LABEL: &str = "k8s.amazonaws.com/accelerator";
/// The cluster autoscaler reads labels from tags whose key is this prefix and the label, 128 characters at most.
const LABEL_TAG_PREFIX: &str = "k8s.io/cluster-autoscaler/node-template/label/";
const MAX_KEY: usize = 128 - LABEL_TAG_PREFIX.len();

/// All labels of a pool: the user's, the pool's own, and those of GPU nodes.
pub(super) fn labels(
    checker: &mut Checker<'_>,
    pool: &str,
    given: &file::Pool,
    role: PoolRole,
    gpu: Option<&Gpu>,
) -> BTreeMap<String, String> {
    for (key, value) in &given.labels {
        label(checker, pool, key, value);
    }
    let mut labels = BTreeMap::new();
    if role == PoolRole::Gpu {
        labels.insert(GPU_LABEL.to_owned(), "true".to_owned());
        labels.extend(gpu.map(|g| (ACCELERATOR_LABEL.to_owned(), g.accelerator.clone())));
    }
    labels.extend(given.labels.clone());
    labels.insert(POOL_LABEL.to_owned(), pool.to_owned());
    labels
}

fn label(checker: &mut Checker<'_>, pool: &str, key: &str, value: &str) {
    let path = ["pools", pool, "labels", key];
    if key == POOL_LABEL && value != pool {
        let message = format!("the label `{POOL_LABEL}` is always the pool's name, `{pool}`");
        checker.refuse(&path, "POOL-4", message, "remove the label, or give the pool that name");
    }
    if !names::is_qualified_name(key) {
        let help = "use letters, digits, `-`, `_` and `.`, with at most one `/` behind a domain, such as `example.com/team`";
        checker.refuse_key(&path, "kubelet-label", format!("`{key}` cannot be the name of a label"), help);
    } else if !names::kubelet_takes_label(key) {
        let message = format!("kubelet refuses the label `{key}`, and the node would not start");
        checker.refuse_key(&path, "kubelet-label", message, "use a domain of your own instead of `kubernetes.io` and `k8s.io`");
    } else if key.len() > MAX_KEY {
        let message = format!("the label name has {} characters, and the cluster autoscaler's tag has room for {MAX_KEY}", key.len());
        checker.refuse_key(&path, "kubelet-label", message, "shorten it");
    }
    if !names::is_label_value(value) {
        let message = format!("`{value}` cannot be the value of a label");
        checker.refuse(
            &path,
            "kubelet-label",
            message,
            "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
        );
    }
}

/// The pool's taints.
pub(super) fn taints(checker: &mut Checker<'_>, pool: &str, given: &file::Pool) -> Vec<Taint> {
    let mut taints: Vec<Taint> = Vec::new();
    for (i, taint) in given.taints.iter().enumerate() {
        let index = i.to_string();
        let path = ["pools", pool, "taints", &index];
        taint_form(checker, &path, taint);
        let effect = effect(taint.effect);
        // The autoscaler's tag for a taint is named after the taint's key, so there can be only one of each key.
        if taints.iter().any(|t| t.key == taint.key) {
            let message = format!("the taint `{}` is given twice", taint.key);
            let key = [&path[..], &["key"]].concat();
            let help = "keep one of them: the cluster autoscaler's tags can describe one taint of a name";
            checker.refuse(&key, "kubelet-taint", message, help);
        }
        taints.push(Taint { key: taint.key.clone(), value: taint.value.clone(), effect: effect.to_owned() });
    }
    taints
}

fn taint_form(checker: &mut Checker<'_>, path: &[&str], taint: &file::Taint) {
    let key = [path, &["key"]].concat();
    let has_form = names::is_qualified_name(&taint.key) && taint.key.len() <= MAX_KEY;
    if !has_form && checker.given(&key) {
        let message = format!("`{}` cannot be the name of a taint", taint.key);
        let help = "write it as a label's name, such as `example.com/dedicated`";
        checker.refuse(&key, "kubelet-taint", message, help);
    }
    if !names::is_label_value(&taint.value) {
        let message = format!("`{}` cannot be the value of a taint", taint.value);
        let help = "use at most 63 letters, digits, `-`, `_` and `.`";
        checker.refuse(&[path, &["value"]].concat(), "kubelet-taint", message, help);
    }
}

fn effect(effect: TaintEffect) -> &'static str {
    match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::NoExecute => "NoExecute",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
    }
}
