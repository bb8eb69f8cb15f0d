//! Which component of this cluster made a security group: EKS, a controller, or GuardDuty.

use super::guardduty_endpoint::{GUARDDUTY, is_managed, is_own_vpc};
use super::leftover::{is_owned, maker};
use crate::aws::Aws;
use crate::aws::tags::Tags;
use crate::engine::{CLOUD_CONTROLLER, Scope};
use aws_sdk_ec2::types::SecurityGroup;

/// `eks-cluster-sg-NAME-NNN` (docs/aws.md, "Security groups").
pub(super) fn is_of_eks(aws: &Aws, group: &SecurityGroup) -> bool {
    let named = group.group_name().and_then(|name| name.strip_prefix(&format!("eks-cluster-sg-{}-", aws.cluster)));
    named.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The group of GuardDuty's endpoint, which remains when the endpoint is gone. Only in our own VPC: the group's name contains the VPC's
/// id.
fn is_of_guardduty(scope: &Scope, group: &SecurityGroup, tags: &Tags) -> bool {
    let named = group.group_name().and_then(|name| name.strip_prefix("GuardDutyManagedSecurityGroup-"));
    is_managed(tags) && named.is_some_and(|vpc| group.vpc_id() == Some(vpc) && is_own_vpc(scope, vpc))
}

/// Which component of this cluster made the group.
pub(super) fn group_maker(aws: &Aws, scope: &Scope, group: &SecurityGroup, tags: &Tags) -> Option<&'static str> {
    let of_service = group.group_name().is_some_and(|name| name.starts_with("k8s-elb-"));
    match is_owned(aws, scope, tags) {
        true if is_of_eks(aws, group) => Some("EKS"),
        true if of_service => Some(CLOUD_CONTROLLER),
        _ if is_of_guardduty(scope, group, tags) => Some(GUARDDUTY),
        _ => maker(aws, scope, tags),
    }
}
