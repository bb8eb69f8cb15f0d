//! Buckets and the shared file system (S3-1, EFS-1), and the key that encrypts everything.

use super::*;
use crate::resource::spec;
use serde_json::json;

const BUCKETS: [&str; 4] = ["backups", "blobs", "logs", "registry"];
const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/0a1b2c3d-0000-1111-2222-333344445555";

// EFS-1
#[test]
fn the_file_system_is_backed_up_and_elastic() {
    let system: spec::EfsFileSystem = of(THREE_ZONES).spec("efs-file-system/datasets");
    assert!(system.backup);
    assert_eq!(system.throughput_mode, "elastic");
    let system: spec::EfsFileSystem =
        blueprint(&three("storage: {efs: {backup: false, throughputMode: bursting}}")).spec("efs-file-system/datasets");
    assert!(!system.backup);
    assert_eq!(system.throughput_mode, "bursting");
}

// EFS-1
#[test]
fn every_node_zone_has_a_mount_target_in_its_private_subnet() {
    for (text, zones) in [(THREE_ZONES, &["us-west-2a", "us-west-2b", "us-west-2c"][..]), (ONE_ZONE, &["us-west-2a"][..])] {
        let blueprint = of(text);
        let targets = blueprint.of_kind(Kind::EfsMountTarget);
        assert_eq!(targets.iter().filter_map(|target| target.address.zone()).collect::<Vec<_>>(), zones);
        for target in targets {
            assert_eq!(target.spec["subnet"], id_of(&format!("subnet/private/{}", target.address.zone().unwrap())));
            assert_eq!(target.spec["file_system"], id_of("efs-file-system/datasets"));
        }
    }
}

// EFS-1
#[test]
fn the_access_point_is_domino_for_root_and_open_to_all() {
    let point: spec::EfsAccessPoint = of(THREE_ZONES).spec("efs-access-point/domino");
    assert_eq!((point.path.as_str(), point.permissions.as_str()), ("/domino", "0777"));
    assert_eq!((point.uid, point.gid, point.owner_uid, point.owner_gid), (0, 0, 0, 0));
}

// S3-1
#[test]
fn four_buckets_have_account_and_region_in_their_names() {
    let blueprint = of(THREE_ZONES);
    assert_eq!(blueprint.names_of(Kind::S3Bucket), BUCKETS);
    for kind in BUCKETS {
        let spec = resolved(&blueprint, &format!("s3-bucket/{kind}"));
        assert_eq!(spec["name"], format!("domino-test-cluster-{ACCOUNT}-us-west-2-{kind}"));
    }
}

// S3-1
#[test]
fn a_bucket_keeps_the_name_that_the_file_gives_everywhere() {
    let blueprint = blueprint(&three("storage: {buckets: {logs: {name: my-own-logs}}}"));
    assert_eq!(blueprint.field("s3-bucket/logs", "name"), "my-own-logs");
    assert!(blueprint.field("s3-bucket/logs", "policy").to_string().contains("arn:aws:s3:::my-own-logs/*"));
    let policy = resolved(&blueprint, "iam-policy/s3")["document"].to_string();
    assert!(policy.contains("\"arn:aws:s3:::my-own-logs\"") && !policy.contains("us-west-2-logs"), "{policy}");
}

// S3-1
#[test]
fn buckets_are_private_encrypted_and_versioned() {
    for bucket in of(THREE_ZONES).of_kind(Kind::S3Bucket) {
        assert_eq!(bucket.spec["public_access_blocked"], true, "{}", bucket.address);
        assert_eq!(bucket.spec["versioned"], true);
        assert_eq!(bucket.spec["kms_key"], attribute_of("kms-key/main", "arn"));
        assert_eq!(bucket.spec["abort_multipart_days"], 7);
    }
}

// S3-1
#[test]
fn what_can_be_had_again_expires_and_user_data_never_does() {
    let days = |blueprint: &Blueprint| BUCKETS.map(|kind| blueprint.field(&format!("s3-bucket/{kind}"), "noncurrent_days"));
    assert_eq!(days(&of(THREE_ZONES)), [json!(null), json!(null), json!(30), json!(30)]);
    assert_eq!(days(&blueprint(&one("profile: test"))), [json!(1), json!(1), json!(1), json!(1)]);
}

// S3-1
#[test]
fn buckets_refuse_requests_without_tls() {
    for (region, partition) in [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")] {
        let blueprint = blueprint(&in_region(region, ""));
        for kind in BUCKETS {
            let policy = resolved(&blueprint, &format!("s3-bucket/{kind}"))["policy"].clone();
            let arn = format!("arn:{partition}:s3:::demo-{ACCOUNT}-{region}-{kind}");
            let statement = &policy["Statement"][0];
            assert_eq!(
                (&statement["Effect"], &statement["Principal"], &statement["Action"]),
                (&json!("Deny"), &json!("*"), &json!("s3:*"))
            );
            assert_eq!(statement["Resource"], json!([arn, format!("{arn}/*")]));
            assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
        }
    }
}

/// Addresses whose spec names a key, and that key.
fn encrypted(blueprint: &Blueprint) -> Vec<(String, Value)> {
    let with_key = blueprint.resources.iter().filter(|desired| desired.spec.get("kms_key").is_some_and(|key| !key.is_null()));
    with_key.map(|desired| (desired.address.to_string(), desired.spec["kms_key"].clone())).collect()
}

const ENCRYPTED: [&str; 9] = [
    "s3-bucket/backups",
    "s3-bucket/blobs",
    "s3-bucket/logs",
    "s3-bucket/registry",
    "efs-file-system/datasets",
    "eks-cluster/main",
    "launch-template/default",
    "launch-template/default-gpu",
    "launch-template/platform",
];

// EKS-1, EFS-1, S3-1, POOL-9
#[test]
fn a_key_of_our_own_encrypts_everything() {
    let blueprint = of(THREE_ZONES);
    let key: spec::KmsKey = blueprint.spec("kms-key/main");
    assert_eq!(key.alias, "alias/domino-test-cluster");
    assert!(key.rotation);
    let arn = attribute_of("kms-key/main", "arn");
    assert_eq!(encrypted(&blueprint), ENCRYPTED.map(|address| (address.to_owned(), arn.clone())));
}

// EKS-1, EFS-1, S3-1, POOL-9
#[test]
fn a_key_brought_along_encrypts_everything_and_is_not_made() {
    let blueprint = blueprint(&three(&format!("encryption: {{key: '{KEY}'}}")));
    assert!(blueprint.of_kind(Kind::KmsKey).is_empty());
    assert_eq!(encrypted(&blueprint), ENCRYPTED.map(|address| (address.to_owned(), json!(KEY))));
    assert_eq!(resolved(&blueprint, "iam-policy/bucket-key")["document"]["Statement"][0]["Resource"], KEY);
    assert_eq!(resolved(&blueprint, "iam-policy/volume-key")["document"]["Statement"][0]["Resource"], KEY);
}

// EKS-1, EFS-1, S3-1, POOL-9
#[test]
fn with_keys_of_aws_no_spec_names_one() {
    let blueprint = blueprint(&three("encryption: {key: aws-managed}"));
    assert!(encrypted(&blueprint).is_empty() && blueprint.of_kind(Kind::KmsKey).is_empty());
    assert_eq!(blueprint.names_of(Kind::IamPolicy), ["autoscaler", "s3"]);
    assert!(blueprint.resources.iter().all(|desired| !desired.spec.to_string().contains("kms-key/")));
}
