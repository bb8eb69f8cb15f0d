//! Design rule 2: a create request whose answer was lost can leave a second object with the same address, where the API has neither a
//! client token nor unique names.

use crate::harness::{Emulator, Workspace, example};
use std::collections::BTreeMap;

/// Objects that carry the very tags of ours, as a repeated request would make them.
const TWINS: &str = "
vpc = ec2.describe_vpcs(Filters=[{'Name': 'tag-key', 'Values': ['domino-eks:address']}])['Vpcs'][0]
gateway = ec2.describe_internet_gateways(Filters=[{'Name': 'tag-key', 'Values': ['domino-eks:address']}])['InternetGateways'][0]
address = ec2.describe_addresses(Filters=[{'Name': 'tag-key', 'Values': ['domino-eks:address']}])['Addresses'][0]
def tags(kind, of):
    return [{'ResourceType': kind, 'Tags': of['Tags']}]
second = ec2.create_vpc(CidrBlock='10.0.0.0/16', TagSpecifications=tags('vpc', vpc))['Vpc']['VpcId']
";

fn made() -> (Emulator, Workspace) {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
    workspace.run(&["apply", "--yes", "--quiet"]).expect(0);
    (emulator, workspace)
}

#[test]
fn empty_twins_are_deleted_and_ours_stay() {
    let (emulator, workspace) = made();
    let ours = emulator.living().len();
    emulator.aws(&format!(
        "{TWINS}
ec2.create_internet_gateway(TagSpecifications=tags('internet-gateway', gateway))
ec2.allocate_address(Domain='vpc', TagSpecifications=tags('elastic-ip', address))"
    ));
    let plan = workspace.run(&["plan", "--detailed-exitcode"]).expect(2);
    assert_eq!(plan.stderr.matches("is left from a request whose answer was lost").count(), 3, "{}", plan.stderr);
    let apply = workspace.run(&["apply", "--yes"]).expect(0);
    assert_eq!(apply.stderr.matches("which nothing used").count(), 3, "{}", apply.stderr);
    assert_eq!(emulator.living().len(), ours);
    assert_eq!(workspace.planned(), BTreeMap::new());
    assert_eq!(workspace.run(&["plan"]).expect(0).stderr.matches("warning").count(), 0);
}

#[test]
fn a_twin_that_is_in_use_is_left_alone() {
    let (emulator, workspace) = made();
    let second = emulator.aws(&format!("{TWINS}\nec2.create_subnet(VpcId=second, CidrBlock='10.0.0.0/24')\nresult = second"));
    let apply = workspace.run(&["apply", "--yes"]).expect(0);
    assert!(apply.stderr.contains("is left alone: a resource of others uses it (DeleteVpc: DependencyViolation"), "{}", apply.stderr);
    assert!(emulator.of_type("vpc").iter().any(|vpc| vpc["id"] == second));
    assert_eq!(workspace.planned(), BTreeMap::new());
}

#[test]
fn twins_go_with_the_cluster() {
    let (emulator, workspace) = made();
    emulator.aws(TWINS);
    workspace.run(&["destroy", "--confirm", "domino-test-single-az", "--delete-data"]).expect(0);
    assert_eq!(emulator.living(), Vec::<serde_json::Value>::new());
}
