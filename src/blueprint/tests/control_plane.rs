//! Cluster, access entries, logs and add-ons (EKS-1…EKS-3).

use super::*;
use crate::blueprint::Question;
use crate::resource::spec;
use serde_json::json;
use std::collections::BTreeSet;

/// Zones of the subnets that the cluster uses.
fn cluster_zones(blueprint: &Blueprint) -> BTreeSet<String> {
    let subnets = blueprint.field("eks-cluster/main", "subnets");
    let zone = |subnet: &Value| subnet["$ref"].as_str().unwrap().trim_end_matches("#id").rsplit('/').next().unwrap().to_owned();
    subnets.as_array().unwrap().iter().map(zone).collect()
}

// EKS-1
#[test]
fn the_cluster_has_the_version_that_the_file_says() {
    assert_eq!(of(THREE_ZONES).field("eks-cluster/main", "version"), "1.35");
    assert_eq!(blueprint(&three("kubernetes: {version: '1.34'}")).field("eks-cluster/main", "version"), "1.34");
}

// EKS-1
#[test]
fn the_control_plane_has_two_zones_at_least() {
    assert_eq!(cluster_zones(&of(THREE_ZONES)).len(), 3);
    assert_eq!(cluster_zones(&of(ONE_ZONE)), ["us-west-2a", "us-west-2b"].map(ToOwned::to_owned).into());
    let chosen = blueprint(&one("kubernetes: {controlPlaneZones: [us-west-2d]}"));
    assert_eq!(cluster_zones(&chosen), ["us-west-2a", "us-west-2d"].map(ToOwned::to_owned).into());
}

// EKS-1
#[test]
fn the_control_plane_stands_in_no_public_subnet() {
    for text in [THREE_ZONES, ONE_ZONE] {
        let subnets = of(text).field("eks-cluster/main", "subnets").to_string();
        assert!(!subnets.contains("subnet/public/"), "{subnets}");
    }
}

// EKS-1
#[test]
fn the_public_endpoint_is_off_and_opens_to_the_listed_ranges_only() {
    let cluster: spec::EksCluster = of(THREE_ZONES).spec("eks-cluster/main");
    assert!(!cluster.public_endpoint && cluster.public_cidrs.is_empty());
    let cluster: spec::EksCluster =
        blueprint(&three("kubernetes: {publicEndpoint: true, publicCidrs: [203.0.113.0/24]}")).spec("eks-cluster/main");
    assert!(cluster.public_endpoint);
    assert_eq!(cluster.public_cidrs, ["203.0.113.0/24"]);
}

// EKS-1
#[test]
fn control_plane_logs_are_on_and_their_group_is_made_first_with_its_retention() {
    let blueprint = of(THREE_ZONES);
    let cluster: spec::EksCluster = blueprint.spec("eks-cluster/main");
    assert_eq!(cluster.log_types, ["api", "audit", "authenticator", "controllerManager", "scheduler"]);
    let logs: spec::LogGroup = blueprint.spec("log-group/control-plane");
    assert_eq!(logs, spec::LogGroup { name: "/aws/eks/domino-test-cluster/cluster".to_owned(), retention_days: 90 });
    assert!(blueprint.get("eks-cluster/main").after.iter().any(|address| address.to_string() == "log-group/control-plane"));
    let short = super::blueprint(&three("kubernetes: {logRetentionDays: 7, logTypes: [audit]}"));
    assert_eq!(short.field("log-group/control-plane", "retention_days"), 7);
    assert_eq!(short.field("eks-cluster/main", "log_types"), json!(["audit"]));
}

// EKS-1
#[test]
fn secrets_are_encrypted_with_the_clusters_key() {
    assert_eq!(of(THREE_ZONES).field("eks-cluster/main", "kms_key"), attribute_of("kms-key/main", "arn"));
}

// EKS-1
#[test]
fn both_node_roles_may_join() {
    let blueprint = of(THREE_ZONES);
    assert_eq!(blueprint.names_of(Kind::EksAccessEntry), ["compute-node", "platform-node"]);
    for role in ["platform-node", "compute-node"] {
        let address = format!("eks-access-entry/{role}");
        let entry: spec::EksAccessEntry = blueprint.spec(&address);
        assert_eq!(entry.entry_type, "EC2_LINUX");
        assert!(entry.policies.is_empty(), "the type allows no policies");
        assert_eq!(blueprint.field(&address, "principal"), attribute_of(&format!("iam-role/{role}"), "arn"));
        assert_eq!(blueprint.field(&address, "cluster"), attribute_of("eks-cluster/main", "name"));
    }
}

// EKS-1
#[test]
fn administrators_get_cluster_admin_by_access_entry() {
    let arn = "arn:aws:iam::111122223333:role/ops/Admin";
    let blueprint = blueprint(&three(&format!("kubernetes: {{administrators: ['{arn}']}}")));
    let entry: spec::EksAccessEntry = blueprint.spec("eks-access-entry/administrator/role-ops-Admin");
    assert_eq!((entry.entry_type.as_str(), entry.principal.as_str()), ("STANDARD", arn));
    assert_eq!(entry.policies, ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"]);
}

// EKS-1
#[test]
fn protection_and_support_follow_the_file() {
    let cluster: spec::EksCluster = of(THREE_ZONES).spec("eks-cluster/main");
    assert!(!cluster.deletion_protection);
    assert_eq!((cluster.support.as_str(), cluster.service_cidr.as_str()), ("STANDARD", "172.20.0.0/16"));
    let cluster: spec::EksCluster = blueprint(&three("protect: true\nkubernetes: {support: extended}")).spec("eks-cluster/main");
    assert!(cluster.deletion_protection);
    assert_eq!(cluster.support, "EXTENDED");
}

// EKS-1
#[test]
fn there_is_no_kind_for_fargate_or_managed_node_groups() {
    assert!(Kind::ALL.iter().all(|kind| !kind.name().contains("fargate") && !kind.name().contains("nodegroup")));
}

// EKS-2
#[test]
fn all_six_add_ons_are_installed() {
    let all = ["aws-ebs-csi-driver", "aws-efs-csi-driver", "coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"];
    for text in [THREE_ZONES, ONE_ZONE] {
        let blueprint = of(text);
        assert_eq!(blueprint.names_of(Kind::EksAddOn), all);
        for name in all {
            assert_eq!(blueprint.field(&format!("eks-add-on/{name}"), "name"), name);
        }
    }
}

// EKS-2
#[test]
fn daemon_sets_are_created_before_nodes_and_deployments_wait_for_platform_nodes() {
    let blueprint = of(THREE_ZONES);
    let before = ["eks-add-on/vpc-cni", "eks-add-on/kube-proxy", "eks-add-on/eks-pod-identity-agent"];
    for group in blueprint.of_kind(Kind::AutoScalingGroup) {
        let created: Vec<String> = group.after_created.iter().map(ToString::to_string).collect();
        assert_eq!(created, before, "{}", group.address);
    }
    for name in before {
        assert!(blueprint.get(name).dependencies().iter().all(|address| address.kind() != Kind::AutoScalingGroup), "{name}");
    }
    let platform = ["us-west-2a", "us-west-2b", "us-west-2c"].map(|zone| format!("autoscaling-group/platform/{zone}"));
    for name in ["coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"] {
        let after: Vec<String> = blueprint.get(&format!("eks-add-on/{name}")).after.iter().map(ToString::to_string).collect();
        assert_eq!(after, platform, "{name}");
    }
}

// EKS-2
#[test]
fn a_node_waits_for_the_access_entry_of_its_role() {
    let blueprint = of(THREE_ZONES);
    for (pool, role) in [("platform", "platform-node"), ("default", "compute-node"), ("default-gpu", "compute-node")] {
        let group = blueprint.get(&format!("autoscaling-group/{pool}/us-west-2a"));
        let entry = format!("eks-access-entry/{role}");
        assert!(group.after.iter().any(|address| address.to_string() == entry), "{pool}");
    }
}

// EKS-2
#[test]
fn csi_drivers_have_roles_of_their_own_by_pod_identity() {
    let blueprint = of(THREE_ZONES);
    for (name, account, role) in [
        ("aws-ebs-csi-driver", "ebs-csi-controller-sa", "iam-role/ebs-csi-driver"),
        ("aws-efs-csi-driver", "efs-csi-controller-sa", "iam-role/efs-csi-driver"),
    ] {
        let expected = json!([{"service_account": account, "role": attribute_of(role, "arn")}]);
        assert_eq!(blueprint.field(&format!("eks-add-on/{name}"), "pod_identity"), expected);
        assert!(blueprint.field(role, "trust").to_string().contains("pods.eks.amazonaws.com"));
    }
    for name in ["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns"] {
        assert_eq!(blueprint.field(&format!("eks-add-on/{name}"), "pod_identity"), json!([]));
    }
}

// EKS-2
#[test]
fn add_on_versions_are_asked_for_unless_the_file_fixes_them() {
    let blueprint = blueprint(&three("kubernetes: {addOnVersions: {coredns: v1.12.1-eksbuild.2}}"));
    assert_eq!(blueprint.field("eks-add-on/coredns", "version"), "v1.12.1-eksbuild.2");
    let asked: Vec<&str> = blueprint
        .lookups
        .iter()
        .filter_map(|lookup| match &lookup.question {
            Question::AddOnVersion { name, kubernetes } => {
                assert_eq!(kubernetes, "1.35");
                assert!(lookup.question.is_pinned());
                assert_eq!(blueprint.field(&format!("eks-add-on/{name}"), "version"), attribute_of(&lookup.key, "version"));
                Some(name.as_str())
            }
            _ => None,
        })
        .collect();
    assert_eq!(asked, ["aws-ebs-csi-driver", "aws-efs-csi-driver", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"]);
}

// EKS-2
#[test]
fn volumes_of_claims_can_be_found_by_our_tag() {
    let blueprint = blueprint(&three("tags: {team: ml}"));
    let configuration = blueprint.field("eks-add-on/aws-ebs-csi-driver", "configuration");
    let tags = json!({"domino-eks:cluster": "demo", "domino-eks:lineage": {"$ref": "aws#lineage"}, "team": "ml"});
    assert_eq!(configuration, json!({"controller": {"extraVolumeTags": tags}}));
}

// EKS-3
#[test]
fn the_vpc_cni_enforces_network_policies_by_default() {
    // A string: the add-on's schema refuses the boolean.
    assert_eq!(of(THREE_ZONES).field("eks-add-on/vpc-cni", "configuration"), json!({"enableNetworkPolicy": "true"}));
}

// EKS-3
#[test]
fn with_calico_the_cnis_engine_is_off_and_pods_are_annotated() {
    let configuration = blueprint(&three("kubernetes: {networkPolicy: calico}")).field("eks-add-on/vpc-cni", "configuration");
    assert_eq!(configuration, json!({"enableNetworkPolicy": "false", "env": {"ANNOTATE_POD_IP": "true"}}));
}
