//! Elastic IP address of a NAT gateway. Tag only.

use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::spec;
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::{DomainType, ResourceType};
use std::collections::BTreeMap;

pub(in crate::aws) struct ElasticIp;

impl Resource for ElasticIp {
    type Spec = spec::ElasticIp;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        // DescribeAddresses is not paginated.
        let call = aws.ec2.describe_addresses().set_filters(Some(tags::filters(aws, query, "allocation-id")));
        let answer = classify("DescribeAddresses", call.send().await)?;
        let observed = answer.addresses().iter().filter_map(|address| {
            let public_ip = [("public_ip", address.public_ip().unwrap_or_default())];
            let id = address.allocation_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(address.tags()), json(&spec::ElasticIp {}), &public_ip, Readiness::Ready)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::ElasticIp>, _token: &str) -> Result<Created, Failure> {
        let call =
            aws.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(tags::specification(ResourceType::ElasticIp, &new.tags));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = classify("AllocateAddress", call.customize().config_override(once).send().await)?;
        let id = answer.allocation_id().ok_or_else(|| unexpected("AllocateAddress", "the answer names no allocation"))?;
        let attributes = tags::attributes(id, &[("public_ip", answer.public_ip().unwrap_or_default())]);
        Ok(Created { id: id.to_owned(), attributes })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::ElasticIp>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(_aws: &Aws, _it: &Typed<'_, spec::ElasticIp>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::ElasticIp>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("ReleaseAddress", aws.ec2.release_address().allocation_id(&item.id).send().await).map(drop)
    }
}
