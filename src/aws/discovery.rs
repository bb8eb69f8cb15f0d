//! Answers the questions about a whole cluster with the AWS clients.

use super::clients::Aws;
use super::resource::eks_cluster;
use super::{candidates, data, disowned, dispatch, foreign, kubernetes, lookups, protections};
use crate::blueprint::Lookup;
use crate::engine::{
    ApiServer, Connection, DataLine, Discovery, Drained, Failure, Foreign, Item, LookupError, Namesake, Observed, Plan, Protection,
    RunHooks, Scope, TimeScale,
};
use crate::resource::Attributes;
use std::collections::BTreeMap;

impl Discovery for Aws {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn cluster(&self) -> &str {
        &self.cluster
    }

    async fn lookups(&self, questions: &[Lookup], pins: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Attributes, LookupError> {
        lookups::lookups(self, questions, pins).await
    }

    async fn observe_all(&self, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        dispatch::observe_all(self, items).await
    }

    async fn observe_everything(&self, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        candidates::observe_everything(self, items).await
    }

    async fn leftovers(&self, scope: &Scope, recorded: Vec<Item>) -> Result<Vec<Observed>, Failure> {
        dispatch::leftovers(self, scope, recorded).await
    }

    async fn volumes_and_snapshots(&self, scope: &Scope) -> Result<Vec<Observed>, Failure> {
        dispatch::volumes_and_snapshots(self, scope).await
    }

    async fn foreign(&self, scope: &Scope) -> Result<Vec<Foreign>, Failure> {
        foreign::foreign(self, scope).await
    }

    async fn another_cluster(&self, lineage: &str, endpoint: Option<&str>) -> Result<Option<Namesake>, Failure> {
        eks_cluster::another_cluster(self, lineage, endpoint).await
    }

    async fn data(&self, plan: &Plan, may_be_late: bool) -> Result<Vec<DataLine>, Failure> {
        data::data(self, plan, may_be_late).await
    }

    async fn protections(&self, plan: &Plan) -> Result<Vec<Protection>, Failure> {
        protections::protections(self, plan).await
    }

    async fn disowned(&self, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
        disowned::disowned(self, items).await
    }

    async fn drain(
        &self,
        server: ApiServer<'_>,
        time_scale: TimeScale,
        check_lock: &(dyn Fn() -> Result<(), String> + Sync),
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<Drained, Failure> {
        kubernetes::drain(self, server, time_scale, check_lock, tell).await
    }

    fn for_run(&self, hooks: RunHooks) -> Self {
        self.with_hooks(hooks)
    }
}
