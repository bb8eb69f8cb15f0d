//! Log groups of agents in the cluster: Container Insights names them after the cluster.

use super::Resource;
use super::leftover::found;
use crate::aws::Aws;
use crate::aws::errors::sent;
use crate::aws::tags::Tags;
use crate::engine::{Failure, Item, Observed, Query};
use crate::resource::Kind;
use serde_json::{Value, json};

pub(super) struct ContainerLogGroup;

impl Resource for ContainerLogGroup {
    type Spec = Value;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        // A name proves nothing unless something else of ours is there, or was.
        if matches!(query, Query::Left(scope) if scope.ours.is_empty() || scope.another_lives) {
            return Ok(Vec::new());
        }
        // The last slash keeps clusters out whose names only begin like ours.
        let prefix = format!("/aws/containerinsights/{}/", aws.cluster);
        let pages = aws.logs.describe_log_groups().log_group_name_prefix(&prefix).into_paginator().items().send();
        let groups = sent("DescribeLogGroups", pages.collect::<Result<Vec<_>, _>>().await)?;
        let wanted = |name: &str| matches!(query, Query::Left(_)) || query.items().iter().any(|item| item.id == name);
        let left = groups.iter().filter_map(|group| {
            let name = group.log_group_name().filter(|name| wanted(name))?;
            let spec = json!({ "name": name, "bytes": group.stored_bytes() });
            Some(found(Kind::ContainerLogGroup, name.trim_start_matches("/aws/"), name, "Container Insights", Tags::new(), spec))
        });
        Ok(left.collect())
    }

    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        sent("DeleteLogGroup", aws.logs.delete_log_group().log_group_name(&item.id).send().await).map(drop)
    }
}
