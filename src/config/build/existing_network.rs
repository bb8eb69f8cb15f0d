//! An existing VPC that belongs to others (NET-5).

use super::super::checker::Checker;
use super::super::file;
use super::super::model::ExistingNetwork;
use super::super::names;
use super::identity::zone_key;

/// Keys of `network` that describe a VPC that is created with the cluster.
const EXCLUDED: &[&str] = &["cidr", "nat", "privatePrefix", "publicPrefix", "subnets", "interfaceEndpoints"];

/// Builds an existing network: ids and zones of the VPC and its subnets.
pub(super) fn existing_network(checker: &mut Checker<'_>, given: &file::ExistingNetwork) -> ExistingNetwork {
    for key in EXCLUDED {
        if checker.given(&["network", key]) {
            let message = format!("`{key}` and `existing` exclude each other: an existing VPC is never changed");
            checker.refuse_key(&["network", key], "NET-5", message, format!("remove `{key}` or `existing`"));
        }
    }
    let vpc = ["network", "existing", "vpcId"];
    if checker.given(&vpc) && !names::is_ec2_id(&given.vpc_id, "vpc") {
        let message = format!("`{}` is not the id of a VPC", given.vpc_id);
        checker.refuse(&vpc, "NET-5", message, "write it as AWS shows it, such as `vpc-0123456789abcdef0`");
    }
    subnet_ids(checker, given);
    zones(checker, given);
    ExistingNetwork {
        vpc_id: given.vpc_id.clone(),
        private_subnets: given.private_subnets.clone(),
        public_subnets: given.public_subnets.clone(),
        control_plane_subnets: given.control_plane_subnets.clone(),
    }
}

fn subnet_ids(checker: &mut Checker<'_>, given: &file::ExistingNetwork) {
    let mut seen: Vec<&str> = Vec::new();
    let tiers = [
        ("privateSubnets", &given.private_subnets),
        ("publicSubnets", &given.public_subnets),
        ("controlPlaneSubnets", &given.control_plane_subnets),
    ];
    for (key, subnets) in tiers {
        for (zone, id) in subnets {
            let path = ["network", "existing", key, zone];
            zone_key(checker, &path, zone);
            if !names::is_ec2_id(id, "subnet") {
                let message = format!("`{id}` is not the id of a subnet");
                checker.refuse(&path, "NET-5", message, "write it as AWS shows it, such as `subnet-0123456789abcdef0`");
            } else if seen.contains(&id.as_str()) {
                checker.refuse(&path, "NET-5", format!("the subnet `{id}` is named twice"), "a subnet is in one zone and has one purpose");
            }
            seen.push(id);
        }
    }
}

fn zones(checker: &mut Checker<'_>, given: &file::ExistingNetwork) {
    let file = checker.file;
    let path = ["network", "existing", "privateSubnets"];
    if !checker.given(&path) || file.zones.is_empty() {
        return;
    }
    for zone in file.zones.iter().filter(|zone| !given.private_subnets.contains_key(*zone)) {
        let message = format!("node zone `{zone}` has no private subnet");
        checker.refuse_key(&path, "NET-5", message, format!("add `{zone}: subnet-…`"));
    }
    for zone in given.private_subnets.keys().filter(|zone| !file.zones.contains(*zone)) {
        let message = format!("`{zone}` is not a node zone");
        let help = "remove it, or move it to `controlPlaneSubnets`";
        checker.refuse_key(&["network", "existing", "privateSubnets", zone], "NET-5", message, help);
    }
    let mut all: Vec<&String> = given.private_subnets.keys().chain(given.control_plane_subnets.keys()).collect();
    all.sort();
    all.dedup();
    if all.len() < 2 {
        let message = "the control plane needs subnets in two zones";
        let help = "add a subnet in another zone under `controlPlaneSubnets`";
        checker.refuse_key(&["network", "existing"], "EKS-1", message, help);
    }
}
