//! Tags of the cluster and of pools.

use super::{accepted, findings, one, refused, refused_saying};

#[test]
fn tag_keys_of_others_are_refused() {
    for key in ["aws:x", "AWS:x", "domino-eks:cluster", "kubernetes.io/cluster/demo", "eks:x", "Name"] {
        refused(&one(&format!("tags: {{§\"{key}\": v}}")), "reserved-tag");
    }
    refused(&one("pools: {default: {tags: {§\"aws:x\": v}}}"), "reserved-tag");
    accepted(&one("tags: {awsome: v, name: v, \"team:aws\": v}"));
}

#[test]
fn tags_keep_the_limits_of_aws() {
    let long = |n| "k".repeat(n);
    accepted(&one(&format!("tags: {{{}: {}}}", long(127), long(256))));
    refused(&one(&format!("tags: {{§{}: v}}", long(128))), "aws-tag");
    refused(&one(&format!("tags: {{key: §{}}}", long(257))), "aws-tag");
    refused(&one("tags: {§\"\": v}"), "aws-tag");
    refused(&one("tags: {key: §\"a;b\"}"), "aws-tag");
    refused(&one("tags: {§\"a|b\": v}"), "aws-tag");
    accepted(&one("tags: {\"Größe 1_.:/=+-@\": \"é @\"}"));
}

/// `n` tags in flow style.
fn tags(n: usize) -> String {
    (0..n).map(|i| format!("k{i}: v")).collect::<Vec<_>>().join(", ")
}

#[test]
fn fifty_tags_are_the_most_on_a_group() {
    // Ten of ours; the GPU pool has three labels, so 37 are left.
    accepted(&one(&format!("tags: {{{}}}", tags(37))));
    refused_saying(&one(&format!("§tags: {{{}}}", tags(38))), "POOL-6", "51 tags");
    // With the GPU pool out of the way, the default pool's two labels leave 38.
    let without_gpu = "\npools: {default-gpu: {enabled: false}}";
    accepted(&one(&format!("tags: {{{}}}{without_gpu}", tags(38))));
    let all = findings(&one(&format!("tags: {{{}}}{without_gpu}", tags(39))));
    assert!(all.to_string().contains("pool `default`"), "{all}");
}

#[test]
fn tags_of_a_pool_count_once_with_the_clusters() {
    let pools = "pools: {default: {tags: {k0: other, k1: other}, labels: {team: a}}, default-gpu: {enabled: false}}";
    accepted(&one(&format!("tags: {{{}}}\n{pools}", tags(37))));
    let pools = "pools: {default: {labels: {a: a, b: b}, taints: [{key: a, effect: NoSchedule}]}, default-gpu: {enabled: false}}";
    refused_saying(&one(&format!("§tags: {{{}}}\n{pools}", tags(36))), "POOL-6", "4 for labels, 1 for taints");
}
