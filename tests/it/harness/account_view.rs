//! What exists in the account of a local AWS, read by boto3: a client that shares no code with ours.

use super::emulator::Emulator;
use serde_json::Value;

/// Everything of the services that we use, as AWS describes it.
const LOOK: &str = r#"
def described(client, listing, key, describe, found, **more):
    return {name: describe(name)[found] for name in full(client, listing, **more)[key]}

vpc_id = ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["domino-eks:cluster"]}])["Vpcs"][0]["VpcId"]
inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
attribute = lambda name: ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)[name[0].upper() + name[1:]]["Value"]
cluster = eks.list_clusters()["clusters"][0]
entries = full(eks, "list_access_entries", clusterName=cluster)["accessEntries"]
addons = full(eks, "list_addons", clusterName=cluster)["addons"]
identities = full(eks, "list_pod_identity_associations", clusterName=cluster)["associations"]
system = efs.describe_file_systems()["FileSystems"][0]["FileSystemId"]
templates = full(ec2, "describe_launch_templates")["LaunchTemplates"]

def policies(principal):
    return full(eks, "list_associated_access_policies", clusterName=cluster, principalArn=principal)["associatedAccessPolicies"]

def bucket(name):
    return {
        "location": s3.get_bucket_location(Bucket=name)["LocationConstraint"],
        "public": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
        "encryption": s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0],
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "policy": json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]),
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"],
        "ownership": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
    }

def role(name):
    found = iam.get_role(RoleName=name)["Role"]
    attached = full(iam, "list_attached_role_policies", RoleName=name)["AttachedPolicies"]
    return {"arn": found["Arn"], "trust": found["AssumeRolePolicyDocument"], "attached": sorted(p["PolicyArn"] for p in attached)}

def policy(found):
    return iam.get_policy_version(PolicyArn=found["Arn"], VersionId=found["DefaultVersionId"])["PolicyVersion"]["Document"]

def key():
    for alias in full(kms, "list_aliases")["Aliases"]:
        if alias["AliasName"] == f"alias/{cluster}":
            identity = alias["TargetKeyId"]
            return {"arn": kms.describe_key(KeyId=identity)["KeyMetadata"]["Arn"],
                    "rotation": kms.get_key_rotation_status(KeyId=identity)["KeyRotationEnabled"],
                    "policy": json.loads(kms.get_key_policy(KeyId=identity, PolicyName="default")["Policy"])}

def backup(system):
    try:
        return efs.describe_backup_policy(FileSystemId=system)["BackupPolicy"]["Status"]
    except efs.exceptions.PolicyNotFound:
        return "DISABLED"

result = {
    "vpc": ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0] | {"support": attribute("enableDnsSupport"), "hostnames": attribute("enableDnsHostnames")},
    "subnets": full(ec2, "describe_subnets", Filters=inside)["Subnets"],
    "tables": full(ec2, "describe_route_tables", Filters=inside)["RouteTables"],
    "nats": full(ec2, "describe_nat_gateways", Filter=inside)["NatGateways"],
    "gateways": full(ec2, "describe_internet_gateways")["InternetGateways"],
    "endpoints": full(ec2, "describe_vpc_endpoints", Filters=inside)["VpcEndpoints"],
    "security_groups": full(ec2, "describe_security_groups", Filters=inside)["SecurityGroups"],
    "instances": [i for r in full(ec2, "describe_instances", Filters=inside)["Reservations"] for i in r["Instances"]],
    "volumes": full(ec2, "describe_volumes")["Volumes"],
    "templates": {t["LaunchTemplateName"]: full(ec2, "describe_launch_template_versions", LaunchTemplateId=t["LaunchTemplateId"])
                  ["LaunchTemplateVersions"] for t in templates},
    "groups": full(autoscaling, "describe_auto_scaling_groups")["AutoScalingGroups"],
    "cluster": eks.describe_cluster(name=cluster)["cluster"],
    "entries": [eks.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"] | {"policies": policies(arn)} for arn in entries],
    "addons": {name: eks.describe_addon(clusterName=cluster, addonName=name)["addon"] for name in addons},
    "identities": [eks.describe_pod_identity_association(clusterName=cluster, associationId=i["associationId"])["association"] for i in identities],
    "log_groups": full(logs, "describe_log_groups")["logGroups"],
    "system": efs.describe_file_systems()["FileSystems"][0] | {"backup": backup(system)},
    "mounts": [m | {"groups": efs.describe_mount_target_security_groups(MountTargetId=m["MountTargetId"])["SecurityGroups"]}
               for m in full(efs, "describe_mount_targets", FileSystemId=system)["MountTargets"]],
    "points": full(efs, "describe_access_points", FileSystemId=system)["AccessPoints"],
    "buckets": {b["Name"]: bucket(b["Name"]) for b in s3.list_buckets()["Buckets"]},
    "roles": {r["RoleName"]: role(r["RoleName"]) for r in full(iam, "list_roles", PathPrefix="/domino-eks/")["Roles"]},
    "policies": {p["PolicyName"]: policy(p) for p in full(iam, "list_policies", Scope="Local")["Policies"]},
    "profiles": {p["InstanceProfileName"]: [r["RoleName"] for r in p["Roles"]] for p in full(iam, "list_instance_profiles")["InstanceProfiles"]},
    "key": key(),
}
"#;

/// Looks at everything.
pub(crate) fn look(emulator: &Emulator) -> Value {
    emulator.aws(LOOK)
}

/// A list of `{Key, Value}` as a map; other spellings of the members too.
pub(crate) fn tags(list: &Value) -> serde_json::Map<String, Value> {
    let member = |tag: &Value, name: &str| tag[name].as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|tag| (member(tag, "Key"), tag["Value"].clone())).collect()
}
