//! Log groups of agents in the cluster: Container Insights names them after the cluster.

use super::leftover::{found, number};
use super::log_group;
use crate::aws::Aws;
use crate::aws::contract::{Contents, Deletion, Emptiness, Leftover};
use crate::aws::tags::Tags;
use crate::aws::words;
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query};
use crate::resource::{Kind, spec};
use serde_json::json;

pub(in crate::aws) struct ContainerLogGroup;

impl Leftover for ContainerLogGroup {
    type Spec = spec::ContainerLogGroup;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: Some(|aws, targets| Box::pin(log_group::protections(aws, targets))),
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        // A name proves nothing unless something else of ours exists, or did.
        if matches!(query, Query::Leftovers(scope) if scope.ours.is_empty() || scope.another_lives) {
            return Ok(Vec::new());
        }
        // The last slash excludes clusters whose names only begin with ours.
        let prefix = format!("/aws/containerinsights/{}/", aws.cluster);
        let groups = log_group::describe(aws, &prefix).await?;
        let wanted = |name: &str| matches!(query, Query::Leftovers(_)) || query.items().iter().any(|item| item.id == name);
        let left = groups.iter().filter_map(|group| {
            let name = group.log_group_name().filter(|name| wanted(name))?;
            let spec = json!({ "name": name, "bytes": group.stored_bytes() });
            Some(found(Kind::ContainerLogGroup, name.trim_start_matches("/aws/"), name, "Container Insights", Tags::new(), spec))
        });
        Ok(left.collect())
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        log_group::delete(aws, &item.id, policy).await
    }
}

async fn contents(_aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    Ok(Some(Contents { words: words::bytes(number(item, "bytes")), emptiness: Emptiness::Full }))
}
