//! Makes resources with the names, tags and values that follow from the configuration.

use super::addresses;
use super::documents::document;
use super::lookup;
use crate::config::Config;
use crate::config::model::{Encryption, Network, Subnet, Tier};
use crate::resource::{Address, Desired, Input, ownership};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) type Tags = BTreeMap<String, String>;

/// Builds the resources of one configuration.
pub(super) struct ResourceBuilder<'a> {
    pub(super) config: &'a Config,
}

impl<'a> ResourceBuilder<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self { config }
    }

    /// `<cluster>-<suffix>`.
    pub(super) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.config.name)
    }

    /// `<cluster>-<region>-<suffix>`: IAM is global, so names carry the region.
    pub(super) fn iam_name(&self, suffix: &str) -> String {
        format!("{}-{}-{suffix}", self.config.name, self.config.region)
    }

    /// Path of everything in IAM: one prefix lists it all, and a policy can be limited to it.
    pub(super) fn iam_path(&self) -> String {
        format!("/domino-eks/{}/", self.config.name)
    }

    /// Account id; it is known once AWS has returned the identity of the caller.
    pub(super) fn account() -> Input {
        Input::reference("aws", "account")
    }

    /// A resource with its ownership tags, its `Name` and the user's tags.
    pub(super) fn resource(&self, address: Address, spec: &impl Serialize) -> Desired {
        self.resource_with(address, spec, Tags::new())
    }

    /// The same with further tags.
    pub(super) fn resource_with(&self, address: Address, spec: &impl Serialize, more: Tags) -> Desired {
        let mut tags = self.user_tags();
        tags.insert("Name".to_owned(), self.name(&address.name().replace('/', "-")));
        tags.extend(more);
        tags.insert(ownership::ADDRESS.to_owned(), address.to_string());
        Desired::new(address, spec, tags)
    }

    /// Tags of the user and the cluster's name.
    pub(super) fn user_tags(&self) -> Tags {
        let mut tags = self.config.tags.clone();
        tags.insert(ownership::CLUSTER.to_owned(), self.config.name.clone());
        tags
    }

    /// ARN of the key that encrypts; `None` when AWS-managed keys do.
    pub(super) fn key_arn(&self) -> Option<Input> {
        match &self.config.encryption {
            Encryption::OwnKey => Some(Input::arn(&addresses::key())),
            Encryption::ExistingKey(arn) => Some(Input::from(arn.as_str())),
            Encryption::AwsManaged => None,
        }
    }

    /// A bucket's name: given, or with account and region inside, because bucket names are unique over all accounts (S3-1).
    pub(super) fn bucket_name(&self, kind: &str) -> Input {
        let given = self.config.storage.buckets.iter().find(|bucket| bucket.kind == kind).and_then(|bucket| bucket.name.clone());
        given.map_or_else(
            || Input::join([format!("{}-", self.config.name).into(), Self::account(), format!("-{}-{kind}", self.config.region).into()]),
            Input::from,
        )
    }

    /// One of the documents in `policies/` with its placeholders replaced.
    pub(super) fn document(&self, text: &str, more: &[(&str, Input)]) -> Value {
        let mut values = BTreeMap::from([
            ("partition", Input::from(self.config.partition.as_str())),
            ("region", Input::from(self.config.region.as_str())),
            ("account", Self::account()),
            ("cluster", Input::from(self.config.name.as_str())),
            ("ec2.principal", Input::from(self.ec2_principal())),
        ]);
        values.extend(more.iter().cloned());
        document(text, &values)
    }

    /// EC2's service principal carries the DNS suffix in China only (docs/aws.md, "Partitions").
    fn ec2_principal(&self) -> &'static str {
        if self.config.partition == "aws-cn" { "ec2.amazonaws.com.cn" } else { "ec2.amazonaws.com" }
    }

    /// ARN of a policy that AWS manages.
    pub(super) fn managed_policy(&self, name: &str) -> Input {
        Input::from(format!("arn:{}:iam::aws:policy/{name}", self.config.partition))
    }

    /// The id of the VPC: of the one that is created, or of the existing one.
    pub(super) fn vpc(&self) -> Input {
        match &self.config.network {
            Network::Managed(_) => Input::id(&addresses::vpc()),
            Network::Existing(network) => Input::from(network.vpc_id.as_str()),
        }
    }

    /// Subnets that are created, by tier.
    pub(super) fn own_subnets(&self, tier: Tier) -> impl Iterator<Item = &Subnet> {
        let subnets = match &self.config.network {
            Network::Managed(network) => network.subnets.as_slice(),
            Network::Existing(_) => &[],
        };
        subnets.iter().filter(move |subnet| subnet.tier == tier)
    }

    /// Private subnet of a node zone.
    pub(super) fn private_subnet(&self, zone: &str) -> Input {
        match &self.config.network {
            Network::Managed(_) => Input::id(&addresses::subnet(Tier::Private, zone)),
            // The configuration was checked to name a subnet for every node zone. If it did not, the reference could not be resolved, and
            // the engine would refuse it: an empty id is never sent.
            Network::Existing(network) => network.private_subnets.get(zone).map_or_else(
                || Input::reference(lookup::EXISTING_NETWORK, &format!("private_subnet/{zone}")),
                |id| Input::from(id.as_str()),
            ),
        }
    }
}
