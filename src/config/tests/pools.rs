//! Node pools, labels, instance types.

use super::{accepted, one, refused, refused_saying, rules, three};
use crate::config::instance_types::{arch, has_nvidia, specs};
use crate::config::model::{AmiFamily, Arch, Pool, PoolRole};

fn pool(text: &str, name: &str) -> Pool {
    accepted(text).pools.into_iter().find(|p| p.name == name).expect("no such pool")
}

/// Sizes as `min-max` for each zone.
fn sizes(pool: &Pool) -> Vec<String> {
    pool.zones.iter().map(|z| format!("{}-{}", z.min, z.max)).collect()
}

/// A file whose default pool has these keys.
fn default(keys: &str) -> String {
    one(&format!("pools: {{default: {{{keys}}}}}"))
}

#[test]
fn totals_are_spread_exactly() {
    assert_eq!(sizes(&pool(&three(""), "platform")), ["2-2", "1-2", "1-2"]);
    assert_eq!(sizes(&pool(&three(""), "default")), ["1-7", "0-7", "0-6"]);
    assert_eq!(sizes(&pool(&three(""), "default-gpu")), ["0-2", "0-2", "0-1"]);
    assert_eq!(sizes(&pool(&one(""), "platform")), ["4-6"]);
}

#[test]
fn zones_can_have_sizes_of_their_own() {
    let zones = "pools: {default: {zones: {us-west-2b: {min: 2, max: 3}, us-west-2c: {max: 9}}}}";
    let own = pool(&three(zones), "default");
    assert_eq!((sizes(&own), own.min, own.max), (vec!["1-7".to_owned(), "2-3".into(), "0-9".into()], 3, 19));
    refused_saying(&default("zones: {§us-west-2b: {max: 3}}"), "POOL-5", "not a node zone");
    refused(&default("zones: {us-west-2a: {min: §4, max: 3}}"), "POOL-5");
    refused(&default("min: 0, §zones: {us-west-2a: {max: 0}}"), "POOL-5");
}

#[test]
fn sizes_make_sense() {
    refused_saying(&default("min: §30"), "POOL-5", "the minimum number of nodes, 30, is above the maximum, 20");
    refused_saying(&one("pools: {platform: {max: §2}}"), "POOL-5", "give `max: 4` or more");
    refused_saying(&default("min: 0, max: §0"), "POOL-5", "enabled: false");
    refused(&one("pools: {platform: {min: §0}}"), "POOL-1");
    refused(&default("max: §5001"), "POOL-5");
    accepted(&default("min: 0, max: 1"));
}

#[test]
fn domino_needs_its_pools() {
    refused(&default("enabled: §false"), "POOL-1");
    refused(&one("pools: {platform: {enabled: §false}}"), "POOL-1");
    let names = |text: &str| accepted(text).pools.into_iter().map(|p| p.name).collect::<Vec<_>>();
    assert_eq!(names(&one("pools: {default-gpu: {enabled: false}}")), ["platform", "default"]);
    assert_eq!(names(&one("pools: {platform: {min: 4}}")), ["platform", "default", "default-gpu"]);
}

#[test]
fn disabled_pools_are_not_checked() {
    accepted(&one("pools: {default-gpu: {enabled: false, instanceType: p3.2xlarge}, idea: {enabled: false}}"));
}

#[test]
fn own_pools_are_complete() {
    let own = pool(&one("pools: {big: {instanceType: r6i.4xlarge, min: 0, max: 5, diskGiB: 400}}"), "big");
    assert_eq!((own.role, own.labels["dominodatalab.com/node-pool"].as_str()), (PoolRole::Compute, "big"));
    refused_saying(&one("pools: {§big: {min: 1, max: 2}}"), "missing-key", "has no `instanceType`, `diskGiB`");
    refused(&one("pools: {§big: }"), "missing-key");
}

#[test]
fn pool_names_are_label_values() {
    let keys = "instanceType: m5.2xlarge, min: 0, max: 1, diskGiB: 400";
    let long = format!("§{}", "p".repeat(64));
    for bad in ["§Big", "§my_pool", "§\"-a\"", "§a.b", &long] {
        refused(&one(&format!("pools: {{{bad}: {{{keys}}}}}")), "POOL-4");
    }
    accepted(&one(&format!("pools: {{{}: {{{keys}}}}}", "p".repeat(63))));
}

#[test]
fn roles_follow_name_and_type() {
    let role = |keys: &str| pool(&one(&format!("pools: {{own: {{min: 0, max: 1, diskGiB: 400, {keys}}}}}")), "own").role;
    assert_eq!(role("instanceType: g6.2xlarge"), PoolRole::Gpu);
    assert_eq!(role("instanceType: m7i.2xlarge"), PoolRole::Compute);
    assert_eq!(role("instanceType: g7z.2xlarge"), PoolRole::Gpu, "a new family is judged by its letter");
    assert_eq!(role("instanceType: trn9.2xlarge, role: gpu"), PoolRole::Gpu);
    refused(&default("role: §platform"), "POOL-1");
    refused(&one("pools: {platform: {role: §compute}}"), "POOL-1");
    refused(&default("instanceType: g5.2xlarge, role: §compute"), "POOL-3");
}

#[test]
fn gpu_pools_have_devices_and_their_labels() {
    let gpu = pool(&one(""), "default-gpu");
    assert_eq!(gpu.role, PoolRole::Gpu);
    assert_eq!(gpu.gpu.as_ref().map(|g| (g.count, g.accelerator.as_str())), Some((1, "nvidia-a10g")));
    let labels: Vec<String> = gpu.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let expected = ["dominodatalab.com/node-pool=default-gpu", "k8s.amazonaws.com/accelerator=nvidia-a10g", "nvidia.com/gpu=true"];
    assert_eq!(labels, expected);
    refused_saying(&one("pools: {default-gpu: {instanceType: §m5.2xlarge}}"), "POOL-8", "g5.2xlarge");
    refused(&one("pools: {default-gpu: {instanceType: §g4ad.2xlarge}}"), "POOL-8");
    let own = pool(&one("pools: {own: {instanceType: g4dn.12xlarge, min: 0, max: 1, diskGiB: 400}}"), "own");
    assert_eq!(own.labels["nvidia.com/gpu"], "true");
    assert_eq!(own.gpu.map(|g| g.count), Some(4));
}

#[test]
fn labels_and_taints_reach_the_model() {
    let text = default("labels: {team: a}, taints: [{key: k, value: v, effect: NoExecute}, {key: l, effect: NoSchedule}], tags: {t: u}");
    let pool = pool(&text, "default");
    let labels: Vec<&str> = pool.labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["domino/build-node", "dominodatalab.com/node-pool", "team"]);
    let taints: Vec<String> = pool.taints.iter().map(|t| format!("{}={}:{}", t.key, t.value, t.effect)).collect();
    assert_eq!(taints, ["k=v:NoExecute", "l=:NoSchedule"]);
    assert_eq!(pool.tags["t"], "u");
}

#[test]
fn retired_types_name_their_successor() {
    for (old, new) in
        [("p2.8xlarge", "g5.2xlarge"), ("p3.2xlarge", "g5.2xlarge"), ("g3s.xlarge", "g5.2xlarge"), ("p3dn.24xlarge", "p4d.24xlarge")]
    {
        refused_saying(&one(&format!("pools: {{default-gpu: {{instanceType: §{old}}}}}")), "POOL-3", new);
    }
}

#[test]
fn least_specs_of_the_documents_are_kept() {
    refused_saying(&default("instanceType: §m5.xlarge"), "POOL-8", "4 vCPU and 16 GiB");
    refused(&default("instanceType: §c5.2xlarge"), "POOL-8");
    refused(&default("instanceType: §t3.xlarge"), "POOL-8");
    refused(&one("pools: {platform: {instanceType: §r5.xlarge}}"), "POOL-8");
    refused_saying(&one("pools: {default-gpu: {instanceType: §g4dn.xlarge}}"), "POOL-8", "8 vCPU and 16 GiB");
    for good in ["c5.4xlarge", "t3.2xlarge", "m7i-flex.2xlarge", "m7g.2xlarge", "z9.large"] {
        accepted(&default(&format!("instanceType: {good}")));
    }
}

#[test]
fn boot_disks_keep_the_documents_sizes() {
    refused_saying(&default("diskGiB: §399"), "POOL-8", "Domino needs 400");
    refused(&one("pools: {platform: {diskGiB: §127}}"), "POOL-8");
    refused(&one("pools: {default-gpu: {diskGiB: §128}}"), "POOL-8");
    refused(&default("diskGiB: §70000"), "POOL-8");
    assert_eq!(pool(&default("diskGiB: 1000"), "default").disk_gib, 1000);
}

#[test]
fn instance_types_have_a_form() {
    for bad in ["§m5", "§large", "§M5.large", "§m5.2xlarge.x", "§\"m5 .large\"", "§\"\"", "§m5."] {
        refused(&default(&format!("instanceType: {bad}")), "instance-type");
    }
}

#[test]
fn images_have_a_form_and_a_version() {
    refused(&default("amiId: §ami-123"), "POOL-9");
    refused(&default("amiId: §my-image"), "POOL-9");
    let own = pool(&default("amiId: ami-0123456789abcdef0, spot: true, dockerBridge: false"), "default");
    assert_eq!((own.ami_id.as_deref(), own.spot, own.docker_bridge), (Some("ami-0123456789abcdef0"), true, false));
    refused_saying(&default("amiFamily: §AL2"), "POOL-7", "1.32");
    let al2 = format!("{}\nkubernetes: {{version: \"1.32\"}}", default("amiFamily: AL2"));
    assert_eq!(pool(&al2, "default").ami_family, AmiFamily::Al2);
    let at_33 = format!("{}\nkubernetes: {{version: \"1.33\"}}", default("amiFamily: §AL2"));
    refused(&at_33, "POOL-7");
    let arm = "kubernetes: {version: \"1.32\"}\npools: {default-gpu: {instanceType: g5g.4xlarge, amiFamily: §AL2}}";
    refused_saying(&one(arm), "POOL-7", "Graviton");
}

#[test]
fn the_docker_bridge_is_on_unless_said_otherwise() {
    let bridges = |text: &str| accepted(text).pools.iter().map(|p| p.docker_bridge).collect::<Vec<_>>();
    assert_eq!(bridges(&one("")), [true, true, true]);
    assert_eq!(bridges(&one("dockerBridge: false\npools: {default: {dockerBridge: true}}")), [false, true, false]);
}

#[test]
fn user_data_is_a_script_that_fits() {
    let script = |body: &str| one(&format!("pools:\n  default:\n    §userData: |\n      #!/bin/bash\n      {body}\n"));
    // "#!/bin/bash\n" and the last line's end are 13 bytes.
    let fits = "x".repeat(12 * 1024 - 13);
    let own = pool(&script(&fits).replace('§', ""), "default");
    assert_eq!(own.extra_user_data.map(|s| s.len()), Some(12 * 1024));
    refused_saying(&script(&format!("{fits}x")), "POOL-9", "16384");
    refused_saying(&one("pools: {default: {§userData: echo hello}}"), "POOL-9", "#!/bin/bash");
}

#[test]
fn labels_that_kubelet_refuses_are_refused() {
    for bad in ["node-role.kubernetes.io/worker", "kubernetes.io/role", "k8s.io/x", "a.k8s.io/x"] {
        refused(&default(&format!("labels: {{§{bad}: x}}")), "kubelet-label");
    }
    for good in ["node.kubernetes.io/x", "a.kubelet.kubernetes.io/x", "kubernetes.io/arch", "k8s.amazonaws.com/x", "mykubernetes.io/x"] {
        accepted(&default(&format!("labels: {{{good}: x}}")));
    }
}

#[test]
fn labels_have_a_form() {
    for bad in ["a/b/c", "/a", "-a", "a b", "A.example.com/x", "\"\""] {
        refused(&default(&format!("labels: {{§{bad}: x}}")), "kubelet-label");
    }
    refused(&default(&format!("labels: {{§{}: x}}", "a".repeat(64))), "kubelet-label");
    // The autoscaler's tag key is 128 characters with a prefix of 46.
    let domain = format!("{}.{}", "d".repeat(40), "e".repeat(30));
    accepted(&default(&format!("labels: {{{domain}/{}: x}}", "a".repeat(10))));
    refused_saying(&default(&format!("labels: {{§{domain}/{}: x}}", "a".repeat(11))), "kubelet-label", "room for 82");
    let long = format!("§{}", "v".repeat(64));
    for bad in ["§-v", "§\"a b\"", "§a/b", &long] {
        refused(&default(&format!("labels: {{team: {bad}}}")), "kubelet-label");
    }
    accepted(&default("labels: {team: \"\", other: A_b-1.x}"));
    refused(&default("labels: {dominodatalab.com/node-pool: §other}"), "POOL-4");
}

#[test]
fn taints_have_a_form() {
    refused(&default("taints: [{key: §a b, effect: NoSchedule}]"), "kubelet-taint");
    refused(&default("taints: [{key: a, value: §b/c, effect: NoSchedule}]"), "kubelet-taint");
    refused(&default("taints: [{key: a, effect: NoSchedule}, {key: §a, value: x, effect: NoExecute}]"), "kubelet-taint");
    assert_eq!(rules(&default("taints: [{value: x}]")), ["missing-key", "missing-key"]);
}

#[test]
fn specs_of_types() {
    let known = |t: &str| specs(t).map(|s| (s.vcpus, s.memory_gib));
    assert_eq!(known("m5.4xlarge"), Some((16, 64)));
    assert_eq!(known("c5.9xlarge"), Some((36, 72)));
    assert_eq!(known("r7g.large"), Some((2, 16)));
    assert_eq!(known("t3.micro"), Some((2, 1)));
    assert_eq!(known("g6e.48xlarge"), Some((192, 1536)));
    assert_eq!(known("m5.metal"), None);
    assert_eq!(known("x99.large"), None);
    assert!(has_nvidia("p5.48xlarge") && has_nvidia("g9.xlarge") && has_nvidia("gr6.4xlarge"));
    assert!(!has_nvidia("g4ad.xlarge") && !has_nvidia("m5.large") && !has_nvidia("inf2.xlarge"));
}

#[test]
fn architectures_of_types() {
    for graviton in ["m7g.large", "c6gn.xlarge", "r8gd.large", "t4g.small", "g5g.xlarge", "a1.large", "im4gn.large", "x2gd.large"] {
        assert_eq!(arch(graviton), Arch::Arm64, "{graviton}");
    }
    for other in ["m5.large", "g5.xlarge", "g4dn.xlarge", "gr6.4xlarge", "m7i-flex.large", "p4de.24xlarge", "c5a.large"] {
        assert_eq!(arch(other), Arch::X86_64, "{other}");
    }
}
