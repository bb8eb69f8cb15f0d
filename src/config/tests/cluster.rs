//! Name, region, zones, tags, control plane, encryption, storage, Domino.

use super::{accepted, one, refused, refused_saying, rules, three};
use crate::config::model::{Encryption, NetworkPolicy, Support};

fn named(name: &str) -> String {
    one("").replacen("name: demo", &format!("name: {name}"), 1)
}

#[test]
fn names_are_what_buckets_take() {
    for name in ["§Demo", "§de_mo", "§de.mo", "§\"-demo\"", "§demo-", "§\"\"", "§\"démo\""] {
        refused(&named(name), "aws-name");
    }
    for prefix in ["§sg-demo", "§xn--demo", "§sthree-demo", "§amzn-s3-demo-x"] {
        refused_saying(&named(prefix), "aws-name", "AWS reserves it");
    }
    for name in ["d", "demo-2", "\"2demo\"", "sgdemo"] {
        accepted(&named(name));
    }
}

#[test]
fn names_are_bound_by_the_bucket_names() {
    // <name>-<12 digits>-us-west-2-registry: 32 characters are not the name's.
    let longest = "n".repeat(63 - 32);
    assert_eq!(accepted(&named(&longest)).name, longest);
    refused_saying(&named(&format!("§{longest}n")), "aws-name-limit", "shorten `name` by 1 or more");
    refused_saying(&named(&format!("§{longest}n")), "aws-name-limit", "would have 64 characters, AWS allows 63");
    let gov = format!("name: {longest}\nregion: us-gov-west-1\nzones: [us-gov-west-1a]\n");
    assert_eq!(rules(&gov), ["aws-name-limit"], "longer regions leave less");
}

#[test]
fn with_buckets_named_names_are_bound_by_the_role_names() {
    let buckets = "storage: {buckets: {blobs: {name: b-1}, registry: {name: b-2}, logs: {name: b-3}, backups: {name: b-4}}}\n";
    let longest = "n".repeat(64 - "-us-west-2-ebs-csi-driver".len());
    accepted(&(named(&longest) + buckets));
    refused_saying(&(named(&format!("§{longest}n")) + buckets), "aws-name-limit", "IAM role");
}

#[test]
fn zones_are_one_or_three() {
    let zones = |list: &str| format!("name: demo\nregion: us-west-2\n{list}\n");
    refused_saying(&zones("§zones: [us-west-2a, us-west-2b]"), "POOL-5", "two zones");
    refused(&zones("§zones: []"), "POOL-5");
    refused(&zones("§zones: [us-west-2a, us-west-2b, us-west-2c, us-west-2d]"), "POOL-5");
    refused_saying(&zones("zones: [us-west-2a, us-west-2b, §us-west-2a]"), "POOL-5", "twice");
    accepted(&three(""));
    accepted(&one(""));
}

#[test]
fn zones_are_zones_of_the_region() {
    let zones = |list: &str| format!("name: demo\nregion: us-west-2\nzones: [{list}]\n");
    refused_saying(&zones("us-west-2a, §us-east-1b, us-west-2c"), "aws-zone", "not in region `us-west-2`");
    refused_saying(&zones("§us-west-2"), "aws-zone", "add the zone's letter");
    refused(&zones("§a"), "aws-zone");
    refused_saying(&zones("§us-west-2-lax-1a"), "aws-zone", "Local Zones");
}

#[test]
fn regions_are_regions() {
    let region = |r: &str, zone: &str| format!("name: demo\nregion: {r}\nzones: [{zone}]\n");
    refused_saying(&region("§us-west-2a", "us-west-2a"), "aws-region", "write `us-west-2`");
    for bad in ["§Oregon", "§us-west", "§us_west_2", "§us-west-22", "§\"\""] {
        refused(&region(bad, "us-west-2a"), "aws-region");
    }
    let partitions = [
        ("us-west-2", "aws"),
        ("ap-southeast-4", "aws"),
        ("us-gov-east-1", "aws-us-gov"),
        ("cn-northwest-1", "aws-cn"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ];
    for (name, partition) in partitions {
        assert_eq!(accepted(&region(name, &format!("{name}b"))).partition, partition);
    }
}

#[test]
fn the_state_has_a_place() {
    for state in ["§s3://", "§s3://Bad_Bucket/x", "§https://example.com/state", "§\" \""] {
        refused(&one(&format!("state: {state}")), "RUN-2");
    }
    for state in ["s3://my-bucket/some/prefix", "s3://my-bucket", "../states/demo"] {
        assert_eq!(accepted(&one(&format!("state: {state}"))).state.as_deref(), Some(state));
    }
}

#[test]
fn kubernetes_versions_are_text_and_supported() {
    refused_saying(&one("kubernetes: {version: §1.30}"), "wrong-type", "put it in quotes: `\"1.30\"`");
    refused_saying(&one("kubernetes: {version: §\"1.31\"}"), "EKS-1", "older");
    for bad in ["§v1.35", "§\"1.35.2\"", "§latest", "§\"2.1\"", "§\"1.\"", "§\"1.035\""] {
        refused(&one(&format!("kubernetes: {{version: {bad}}}")), "EKS-1");
    }
    for good in ["1.32", "1.36", "1.40"] {
        assert_eq!(accepted(&one(&format!("kubernetes: {{version: \"{good}\"}}"))).kubernetes.version, good);
    }
}

#[test]
fn the_public_endpoint_names_its_visitors() {
    refused_saying(&one("kubernetes: {publicEndpoint: §true}"), "EKS-1", "0.0.0.0/0");
    refused(&one("kubernetes: {§publicCidrs: [203.0.113.0/24]}"), "EKS-1");
    refused(&one("kubernetes: {publicEndpoint: true, publicCidrs: [§203.0.113.5/24]}"), "cidr");
    refused(&one("kubernetes: {publicEndpoint: true, publicCidrs: [§\"::/0\"]}"), "cidr");
    let many: Vec<String> = (0..41).map(|i| format!("203.0.113.{i}/32")).collect();
    refused(&one(&format!("kubernetes: {{publicEndpoint: true, §publicCidrs: [{}]}}", many.join(", "))), "EKS-1");
    let open = accepted(&one("kubernetes: {publicEndpoint: true, publicCidrs: [0.0.0.0/0]}")).kubernetes;
    assert!(open.public_endpoint && open.public_cidrs == ["0.0.0.0/0".parse().unwrap()]);
    assert!(!accepted(&one("")).kubernetes.public_endpoint);
}

#[test]
fn log_retention_is_what_cloudwatch_takes() {
    refused_saying(&one("kubernetes: {logRetentionDays: §45}"), "log-retention", "use 60");
    refused_saying(&one("kubernetes: {logRetentionDays: §9999}"), "log-retention", "use 3653");
    refused(&one("kubernetes: {logRetentionDays: §0}"), "log-retention");
    assert_eq!(accepted(&one("kubernetes: {logRetentionDays: 365}")).kubernetes.log_retention_days, 365);
}

#[test]
fn log_types_are_listed_once() {
    refused(&one("kubernetes: {logTypes: [api, §api]}"), "EKS-1");
    assert_eq!(accepted(&one("kubernetes: {logTypes: [controllerManager]}")).kubernetes.log_types, ["controllerManager"]);
    assert!(accepted(&one("kubernetes: {logTypes: []}")).kubernetes.log_types.is_empty());
}

#[test]
fn administrators_are_roles_and_users_of_the_partition() {
    let with = |arn: &str| one(&format!("kubernetes: {{administrators: [\"{arn}\"]}}")).replace("\"§", "§\"");
    refused_saying(&with("§arn:aws:sts::123456789012:assumed-role/Admins/me"), "iam-principal", "arn:aws:iam::123456789012:role/Admins");
    refused_saying(&with("§arn:aws-cn:iam::123456789012:role/A"), "iam-principal", "partition `aws-cn`");
    for bad in [
        "§Admins",
        "§arn:aws:iam::12345:role/A",
        "§arn:aws:iam::123456789012:root",
        "§arn:aws:iam::123456789012:group/A",
        "§arn:aws:iam::123456789012:role/",
        "§arn:aws:s3:::bucket",
    ] {
        refused(&with(bad), "iam-principal");
    }
    let role = "arn:aws:iam::123456789012:role/path/Admins";
    refused(&one(&format!("kubernetes: {{administrators: [\"{role}\", §\"{role}\"]}}")), "iam-principal");
    let user = "arn:aws:iam::123456789012:user/me";
    let given = accepted(&one(&format!("kubernetes: {{administrators: [\"{role}\", \"{user}\"]}}")));
    assert_eq!(given.kubernetes.administrators, [role, user]);
}

#[test]
fn add_on_versions_are_of_known_add_ons() {
    refused_saying(&one("kubernetes: {addOnVersions: {§core-dns: v1.12.1-eksbuild.2}}"), "EKS-2", "did you mean `coredns`?");
    for bad in ["§latest", "§1.12.1-eksbuild.2", "§v1.12.1", "§v1.12-eksbuild.1"] {
        refused(&one(&format!("kubernetes: {{addOnVersions: {{coredns: {bad}}}}}")), "EKS-2");
    }
    let versions = accepted(&one("kubernetes: {addOnVersions: {coredns: v1.12.1-eksbuild.2}}")).kubernetes.add_on_versions;
    assert_eq!(versions["coredns"], "v1.12.1-eksbuild.2");
}

#[test]
fn choices_of_the_control_plane_reach_the_model() {
    let kubernetes = accepted(&one("kubernetes: {networkPolicy: calico, support: extended}")).kubernetes;
    assert_eq!((kubernetes.network_policy, kubernetes.support), (NetworkPolicy::Calico, Support::Extended));
}

#[test]
fn keys_are_own_managed_or_of_the_region() {
    let key = |k: &str| one(&format!("encryption: {{key: {k}}}"));
    assert_eq!(accepted(&key("own")).encryption, Encryption::OwnKey);
    assert_eq!(accepted(&key("aws-managed")).encryption, Encryption::AwsManaged);
    let arn = "arn:aws:kms:us-west-2:123456789012:key/mrk-0123456789abcdef0123456789abcdef";
    assert_eq!(accepted(&key(arn)).encryption, Encryption::ExistingKey(arn.to_owned()));
    refused_saying(&key("§arn:aws:kms:us-east-1:123456789012:key/a"), "kms-key", "not in region");
    refused_saying(&key("§arn:aws-us-gov:kms:us-west-2:123456789012:key/a"), "kms-key", "not in region");
    refused_saying(&key("§arn:aws:kms:us-west-2:123456789012:alias/a"), "kms-key", "not an alias");
    for bad in ["§mine", "§arn:aws:kms:us-west-2:1:key/a", "§arn:aws:iam::123456789012:role/a", "§\"\""] {
        refused(&key(bad), "kms-key");
    }
}

#[test]
fn bucket_names_are_what_s3_takes() {
    let bucket = |name: &str| one(&format!("storage: {{buckets: {{logs: {{name: {name}}}}}}}"));
    let long = format!("§{}", "b".repeat(64));
    for bad in ["§ab", &long, "§My-bucket", "§my.bucket", "§my_bucket", "§\"-my\"", "§my-"] {
        refused(&bucket(bad), "S3-1");
    }
    for barred in ["§xn--a", "§sthree-a", "§amzn-s3-demo-a", "§a-s3alias", "§a--ol-s3", "§a--x-s3", "§a--table-s3"] {
        refused_saying(&bucket(barred), "S3-1", "S3 reserves");
    }
    refused(&one("storage: {buckets: {blobs: {name: same}, logs: {name: §same}}}"), "S3-1");
    let good = accepted(&bucket(&"b".repeat(63))).storage.buckets;
    assert_eq!(good[2].name.as_ref().map(String::len), Some(63));
    assert_eq!(good.iter().map(|b| b.kind.as_str()).collect::<Vec<_>>(), ["blobs", "registry", "logs", "backups"]);
}

#[test]
fn storage_choices_reach_the_model() {
    let storage = accepted(&one(
        "storage: {buckets: {blobs: {noncurrentDays: 30}, logs: {noncurrentDays: 0}}, efs: {backup: false, throughputMode: bursting}}",
    ))
    .storage;
    let days: Vec<Option<i32>> = storage.buckets.iter().map(|b| b.noncurrent_days).collect();
    assert_eq!(days, [Some(30), Some(30), None, None]);
    assert_eq!((storage.efs.backup, storage.efs.throughput_mode.as_str()), (false, "bursting"));
}

#[test]
fn days_that_no_api_has_a_number_for_are_refused() {
    let days = |days: &str| one(&format!("storage: {{buckets: {{blobs: {{noncurrentDays: {days}}}}}}}"));
    refused_saying(&days("§2147483648"), "S3-1", "S3 takes 2147483647 at most");
    assert_eq!(accepted(&days("2147483647")).storage.buckets[0].noncurrent_days, Some(i32::MAX));
}

#[test]
fn the_fqdn_stands_beside_other_dominos() {
    let fqdn = |name: &str, others: &str| one(&format!("domino: {{fqdn: {name}, otherFqdns: [{others}]}}"));
    refused_saying(&fqdn("§a.data.example.com", "data.example.com"), "OUT-1", "below that of");
    refused_saying(&fqdn("§example.com", "data.example.com"), "OUT-1", "above that of");
    refused_saying(&fqdn("§data.example.com", "data.example.com"), "OUT-1", "the same as");
    refused_saying(&fqdn("§https://Domino.example.com/x", ""), "OUT-1", "write `domino.example.com`");
    for bad in ["§domino", "§dom_ino.example.com", "§.example.com", "§example..com"] {
        refused(&fqdn(bad, ""), "OUT-1");
    }
    refused(&fqdn("domino.example.com", "§nonsense"), "OUT-1");
    let good = accepted(&fqdn("domino.example.com", "data.example.com, mydomino.example.com"));
    assert_eq!(good.domino.fqdn.as_deref(), Some("domino.example.com"));
}

#[test]
fn every_derived_name_is_bounded() {
    use crate::config::{build::longest_excess, file::File};
    let file = |name: usize, pool: usize| -> File {
        let buckets: serde_json::Value = ["blobs", "registry", "logs", "backups"]
            .map(|kind| (kind.to_owned(), serde_json::json!({"name": "given"})))
            .into_iter()
            .collect();
        serde_json::from_value(serde_json::json!({
            "name": "n".repeat(name), "region": "us-west-2", "zones": ["us-west-2a"],
            "storage": {"buckets": buckets}, "pools": {"p".repeat(pool): {}},
        }))
        .unwrap()
    };
    assert_eq!(longest_excess(&file(39, 63)), None);
    let (what, name, excess) = longest_excess(&file(40, 8)).unwrap();
    assert_eq!((what, name.len(), excess), ("IAM role and instance profile name", 65, 1));
    let (what, name, excess) = longest_excess(&file(20, 120)).unwrap();
    assert_eq!((what, name.len(), excess), ("launch template name", 141, 13));
}
