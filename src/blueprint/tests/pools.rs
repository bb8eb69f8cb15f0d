//! Launch templates and Auto Scaling Groups (POOL-1…POOL-6, POOL-9).

use super::*;
use crate::blueprint::Question;
use crate::config::model::{AmiFamily, Arch};
use crate::resource::spec;
use serde_json::json;

const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

/// Least and most nodes of a pool in its zones.
fn sizes(blueprint: &Blueprint, pool: &str) -> Vec<(i64, i64)> {
    let groups = blueprint.of_kind(Kind::AutoScalingGroup).into_iter().filter(|group| {
        let (name, _) = group.address.name().split_once('/').unwrap();
        name == pool
    });
    groups.map(|group| (group.spec["min"].as_i64().unwrap(), group.spec["max"].as_i64().unwrap())).collect()
}

/// Instance type and disk of a pool.
fn machine(blueprint: &Blueprint, pool: &str) -> (String, i32) {
    let template: spec::LaunchTemplate = blueprint.spec(&format!("launch-template/{pool}"));
    (template.instance_type, template.disk_gib)
}

/// Labels of a pool as its nodes register them.
fn labels(blueprint: &Blueprint, pool: &str) -> String {
    let text = resolved(blueprint, &format!("launch-template/{pool}"))["user_data"].as_str().unwrap().to_owned();
    let (_, rest) = text.split_once("--node-labels=").unwrap();
    rest[..rest.find(['"', '\'', ' ']).unwrap()].to_owned()
}

// POOL-1
#[test]
fn platform_has_4_to_6_large_nodes() {
    let blueprint = of(THREE_ZONES);
    assert_eq!(sizes(&blueprint, "platform"), [(2, 2), (1, 2), (1, 2)]);
    assert_eq!(machine(&blueprint, "platform"), ("m5.4xlarge".to_owned(), 128));
    assert_eq!(labels(&blueprint, "platform"), "dominodatalab.com/node-pool=platform");
    assert_eq!(sizes(&of(ONE_ZONE), "platform"), [(4, 6)]);
}

// POOL-1
#[test]
fn the_older_profile_has_3_smaller_platform_nodes() {
    let blueprint = of(LEGACY);
    assert_eq!(sizes(&blueprint, "platform"), [(1, 1), (1, 1), (1, 1)]);
    assert_eq!(machine(&blueprint, "platform"), ("m5.2xlarge".to_owned(), 128));
    assert_eq!(labels(&blueprint, "platform"), "dominodatalab.com/node-pool=platform");
}

// POOL-2
#[test]
fn default_has_1_to_20_nodes_that_build_images() {
    for text in [THREE_ZONES, LEGACY] {
        let blueprint = of(text);
        assert_eq!(sizes(&blueprint, "default"), [(1, 7), (0, 7), (0, 6)]);
        assert_eq!(machine(&blueprint, "default"), ("m5.2xlarge".to_owned(), 400));
        assert_eq!(labels(&blueprint, "default"), "domino/build-node=true,dominodatalab.com/node-pool=default");
    }
}

// POOL-3
#[test]
fn default_gpu_has_0_to_5_nodes_with_an_nvidia_image() {
    for text in [THREE_ZONES, LEGACY] {
        let blueprint = of(text);
        assert_eq!(sizes(&blueprint, "default-gpu"), [(0, 2), (0, 2), (0, 1)]);
        assert_eq!(machine(&blueprint, "default-gpu"), ("g5.2xlarge".to_owned(), 400));
        let expected = "dominodatalab.com/node-pool=default-gpu,k8s.amazonaws.com/accelerator=nvidia-a10g,nvidia.com/gpu=true";
        assert_eq!(labels(&blueprint, "default-gpu"), expected);
        let image = blueprint.field("launch-template/default-gpu", "image");
        let lookup = blueprint.lookups.iter().find(|lookup| image == attribute_of(&lookup.key, "id")).unwrap();
        let question = Question::NewestImage { family: AmiFamily::Al2023, arch: Arch::X86_64, gpu: true, kubernetes: "1.35".to_owned() };
        assert_eq!(lookup.question, question);
    }
}

// POOL-3
#[test]
fn the_gpu_pool_can_be_left_out() {
    let blueprint = blueprint(&three("pools: {default-gpu: {enabled: false}}"));
    assert!(sizes(&blueprint, "default-gpu").is_empty());
    assert_eq!(blueprint.names_of(Kind::LaunchTemplate), ["default", "platform"]);
    assert!(blueprint.lookups.iter().all(|lookup| !matches!(lookup.question, Question::NewestImage { gpu: true, .. })));
}

// POOL-4
#[test]
fn further_pools_have_their_own_label_and_groups() {
    let blueprint = blueprint(&three(
        "pools: {big: {instanceType: r5.8xlarge, min: 0, max: 7, diskGiB: 500, labels: {team: ml}}, arm: {instanceType: m7g.2xlarge, min: 0, max: 3, diskGiB: 400}}",
    ));
    assert_eq!(blueprint.of_kind(Kind::AutoScalingGroup).len(), 5 * 3);
    assert_eq!(sizes(&blueprint, "big"), [(0, 3), (0, 2), (0, 2)]);
    assert_eq!(machine(&blueprint, "big"), ("r5.8xlarge".to_owned(), 500));
    assert_eq!(labels(&blueprint, "big"), "dominodatalab.com/node-pool=big,team=ml");
    assert_eq!(labels(&blueprint, "arm"), "dominodatalab.com/node-pool=arm");
    assert_eq!(blueprint.field("launch-template/arm", "image"), attribute_of("image/al2023/arm64/standard/1.35", "id"));
    assert_eq!(blueprint.field("launch-template/big", "instance_profile"), attribute_of("instance-profile/compute-node", "arn"));
}

// POOL-5
#[test]
fn there_is_one_group_per_pool_and_zone_and_one_template_per_pool() {
    let blueprint = of(THREE_ZONES);
    let mut expected = Vec::new();
    for pool in ["default-gpu", "default", "platform"] {
        expected.extend(ZONES.map(|zone| format!("{pool}/{zone}")));
    }
    assert_eq!(blueprint.names_of(Kind::AutoScalingGroup), expected);
    assert_eq!(blueprint.names_of(Kind::LaunchTemplate), ["default", "default-gpu", "platform"]);
    assert_eq!(of(ONE_ZONE).names_of(Kind::AutoScalingGroup), ["default-gpu/us-west-2a", "default/us-west-2a", "platform/us-west-2a"]);
}

// POOL-5
#[test]
fn zones_of_a_pool_differ_in_nothing_but_the_zone_and_its_share() {
    let blueprint = of(THREE_ZONES);
    for pool in ["platform", "default", "default-gpu"] {
        let same = |zone: &str| {
            let group = blueprint.get(&format!("autoscaling-group/{pool}/{zone}"));
            let text = json!([group.spec, group.tags]).to_string().replace(zone, "ZONE");
            let mut value: Value = serde_json::from_str(&text).unwrap();
            value[0]["min"] = Value::Null;
            value[0]["max"] = Value::Null;
            value
        };
        assert_eq!(same(ZONES[0]), same(ZONES[1]));
        assert_eq!(same(ZONES[0]), same(ZONES[2]));
        let group = blueprint.get(&format!("autoscaling-group/{pool}/us-west-2b"));
        assert_eq!(group.spec["launch_template"], id_of(&format!("launch-template/{pool}")));
        assert_eq!(group.spec["version"], attribute_of(&format!("launch-template/{pool}"), "version"));
        assert_eq!(group.spec["zone"], "us-west-2b");
    }
}

// POOL-5
#[test]
fn totals_are_spread_exactly() {
    for (min, max) in [(4, 6), (1, 1), (5, 17), (3, 3), (2, 100)] {
        let blueprint = blueprint(&three(&format!("pools: {{platform: {{min: {min}, max: {max}}}}}")));
        let sizes = sizes(&blueprint, "platform");
        assert_eq!((sizes.iter().map(|zone| zone.0).sum::<i64>(), sizes.iter().map(|zone| zone.1).sum::<i64>()), (min, max));
        assert!(sizes.iter().all(|(min, max)| min <= max));
    }
}

// POOL-6
#[test]
fn groups_carry_exactly_the_tags_that_kubernetes_and_the_autoscaler_read() {
    let blueprint = blueprint(&three(
        "tags: {team: ml}\npools: {default-gpu: {tags: {cost: gpu}, taints: [{key: nvidia.com/gpu, value: 'true', effect: NoSchedule}]}}",
    ));
    insta::assert_json_snapshot!(blueprint.get("autoscaling-group/default-gpu/us-west-2b").tags);
}

// POOL-6
#[test]
fn every_label_has_its_tag_on_every_group() {
    let blueprint = of(THREE_ZONES);
    for group in blueprint.of_kind(Kind::AutoScalingGroup) {
        let (pool, zone) = group.address.name().split_once('/').unwrap();
        for label in labels(&blueprint, pool).split(',') {
            let (key, value) = label.split_once('=').unwrap();
            assert_eq!(group.tags[&format!("k8s.io/cluster-autoscaler/node-template/label/{key}")], value);
        }
        assert_eq!(group.tags["kubernetes.io/cluster/domino-test-cluster"], "owned");
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/enabled"], "true");
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/domino-test-cluster"], "owned");
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/node-template/label/topology.ebs.csi.aws.com/zone"], zone);
        let (_, disk) = machine(&blueprint, pool);
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"], format!("{disk}G"));
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/node-template/resources/smarter-devices/fuse"], "20");
    }
}

// POOL-6
#[test]
fn taint_tags_name_value_and_effect() {
    let blueprint =
        blueprint(&three("pools: {default: {taints: [{key: a, value: b, effect: NoSchedule}, {key: c, effect: PreferNoSchedule}]}}"));
    let tag =
        |key: &str| blueprint.tag("autoscaling-group/default/us-west-2a", &format!("k8s.io/cluster-autoscaler/node-template/taint/{key}"));
    assert_eq!([tag("a"), tag("c")], [Some("b:NoSchedule"), Some(":PreferNoSchedule")]);
}

// POOL-6
#[test]
fn instances_inherit_the_cluster_tag_the_name_and_the_users_tags_but_nothing_of_the_autoscalers() {
    let blueprint = blueprint(&three("tags: {team: ml}\npools: {default: {tags: {cost: x}}}"));
    let group: spec::AutoScalingGroup = blueprint.spec("autoscaling-group/default/us-west-2a");
    assert_eq!(group.propagated_tags, ["Name", "cost", "domino-eks:cluster", "kubernetes.io/cluster/demo", "team"]);
    let tags = &blueprint.get("autoscaling-group/default/us-west-2a").tags;
    assert!(group.propagated_tags.iter().all(|key| tags.contains_key(key)), "only tags of the group can be propagated");
}

// POOL-6
#[test]
fn the_autoscalers_desired_capacity_is_never_ours() {
    for group in of(THREE_ZONES).of_kind(Kind::AutoScalingGroup) {
        let fields: Vec<&String> = group.spec.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["name", "zone", "launch_template", "version", "subnet", "min", "max", "propagated_tags"]);
    }
}

// POOL-9
#[test]
fn spot_own_images_and_tags_reach_the_launch_template() {
    let blueprint = blueprint(&three("tags: {team: ml}\npools: {default: {spot: true, amiId: ami-0123456789abcdef0, tags: {cost: x}}}"));
    let template: spec::LaunchTemplate = blueprint.spec("launch-template/default");
    assert!(template.spot);
    assert_eq!(blueprint.field("launch-template/default", "image"), attribute_of("image/ami-0123456789abcdef0", "id"));
    assert_eq!(blueprint.field("launch-template/default", "root_device"), attribute_of("image/ami-0123456789abcdef0", "root_device"));
    let tags: Vec<(&str, &str)> = template.launch_tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("Name", "demo-default"), ("cost", "x"), ("domino-eks:cluster", "demo"), ("team", "ml")]);
    let asked = blueprint.lookups.iter().find(|lookup| lookup.key == "image/ami-0123456789abcdef0").unwrap();
    assert_eq!(asked.question, Question::Image { id: "ami-0123456789abcdef0".to_owned() });
    assert!(!asked.question.is_pinned(), "an image that the file names needs no pin");
    let platform: spec::LaunchTemplate = blueprint.spec("launch-template/platform");
    assert!(!platform.spot && !platform.launch_tags.contains_key("cost"));
}

// POOL-9
#[test]
fn images_are_asked_for_once_per_family_and_pinned() {
    let blueprint = of(THREE_ZONES);
    let images: Vec<&str> = blueprint
        .lookups
        .iter()
        .filter(|lookup| matches!(lookup.question, Question::NewestImage { .. }))
        .map(|lookup| {
            assert!(lookup.question.is_pinned());
            lookup.key.as_str()
        })
        .collect();
    assert_eq!(images, ["image/al2023/x86_64/nvidia/1.35", "image/al2023/x86_64/standard/1.35"]);
}
