//! One connection: clients of all services, the caller's identity, the endpoint that is really used.

use super::errors::{self, sent};
use super::fence::Fence;
use super::tell::Tell;
use crate::engine::{Failure, Scope};
use crate::resource::Address;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::SharedCredentialsProvider;
use std::sync::Arc;
use std::time::Duration;

/// Attempts of one request, the first included; the SDK backs off between them.
const ATTEMPTS: u32 = 8;
/// Attempts of the first question.
const IDENTITY_ATTEMPTS: u32 = 3;
/// Longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// Attempts and time of a request on the state: the writer and the lock have patience of their own.
const STATE_ATTEMPTS: u32 = 2;
const STATE_TIMEOUT: Duration = Duration::from_secs(10);
/// A single attempt may take so long; the SDK sets no limit by itself (aws-facts §6.3).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Twelve-digit account id.
    pub account: String,
    /// ARN of the caller.
    pub caller: String,
    /// Partition of the caller's ARN.
    pub partition: String,
    /// Region.
    pub region: String,
    /// Endpoint given by the environment; `None` is AWS itself.
    pub endpoint: Option<String>,
}

impl Connection {
    /// Whether the endpoint is on this very machine: an emulator.
    pub fn is_local(&self) -> bool {
        let host = self.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")).map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .map_or_else(|| host.split(':').next().unwrap_or_default(), |v6| v6.split(']').next().unwrap_or_default());
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// No connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The caller's identity could not be read.
    #[error("AWS does not say who we are: {0}")]
    Identity(Failure),
}

/// Clients for one cluster in one region.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Who asks, and where.
    pub connection: Connection,
    /// Cluster name, the value of the ownership tag.
    pub cluster: String,
    /// Whether the user said the word that buckets may be emptied (RUN-4).
    pub may_delete_data: bool,
    /// Whether the user said the word that AWS's own protection against deletion may be taken off.
    pub may_lift_protection: bool,
    /// Whether the user said that data stays: then nothing that holds some is ever deleted, whatever a plan says.
    pub spares_data: bool,
    /// Where destroy looks for what was left.
    pub scope: Scope,
    pub(super) autoscaling: aws_sdk_autoscaling::Client,
    pub(super) backup: aws_sdk_backup::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) efs: aws_sdk_efs::Client,
    pub(super) eks: aws_sdk_eks::Client,
    pub(super) elb: aws_sdk_elasticloadbalancing::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    /// For the state, whose writes have conditions of their own: outside the fence.
    pub(super) state: aws_sdk_s3::Client,
    /// For what is signed by hand.
    pub(super) credentials: Option<SharedCredentialsProvider>,
    fence: Fence,
    tell: Tell,
}

impl Aws {
    /// Connects with the SDK's usual sources of credentials, and asks who we are.
    ///
    /// # Errors
    /// When STS refuses or cannot be reached.
    pub async fn connect(cluster: &str, region: &str) -> Result<Self, ConnectError> {
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(MAX_BACKOFF))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            .load()
            .await;
        let connection = identity(&sdk, region).await.map_err(ConnectError::Identity)?;
        let fence = Fence::default();
        // An emulator on a loopback port has no names for buckets.
        let s3 = || aws_sdk_s3::config::Builder::from(&sdk).force_path_style(sdk.endpoint_url().is_some());
        macro_rules! fenced {
            ($service:ident) => {
                $service::Client::from_conf($service::config::Builder::from(&sdk).interceptor(fence.clone()).build())
            };
        }
        Ok(Self {
            connection,
            cluster: cluster.to_owned(),
            may_delete_data: false,
            may_lift_protection: false,
            spares_data: false,
            scope: Scope::default(),
            autoscaling: fenced!(aws_sdk_autoscaling),
            backup: fenced!(aws_sdk_backup),
            ec2: fenced!(aws_sdk_ec2),
            efs: fenced!(aws_sdk_efs),
            eks: fenced!(aws_sdk_eks),
            elb: fenced!(aws_sdk_elasticloadbalancing),
            elbv2: fenced!(aws_sdk_elasticloadbalancingv2),
            iam: fenced!(aws_sdk_iam),
            kms: fenced!(aws_sdk_kms),
            logs: fenced!(aws_sdk_cloudwatchlogs),
            tagging: fenced!(aws_sdk_resourcegroupstagging),
            s3: aws_sdk_s3::Client::from_conf(s3().interceptor(fence.clone()).build()),
            state: aws_sdk_s3::Client::from_conf(
                s3().retry_config(RetryConfig::standard().with_max_attempts(STATE_ATTEMPTS))
                    .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(STATE_TIMEOUT).build())
                    .build(),
            ),
            credentials: sdk.credentials_provider(),
            fence,
            tell: Tell::default(),
        })
    }

    /// From now on nothing is sent, save for the state, unless this says so before every attempt.
    pub fn send_only_while(&self, check_lock: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        self.fence.close_unless(Arc::new(check_lock));
    }

    /// From now on this hears how far a long call on a resource got.
    pub fn tell_through(&mut self, listener: impl Fn(&Address, String) + Send + Sync + 'static) {
        self.tell = Tell(Some(Arc::new(listener)));
    }

    /// Says how far a long call on this resource got.
    pub(super) fn tell(&self, address: &Address, text: String) {
        if let Tell(Some(listener)) = &self.tell {
            listener(address, text);
        }
    }
}

async fn identity(sdk: &SdkConfig, region: &str) -> Result<Connection, Failure> {
    // Somebody waits before the screen: without a network the answer comes within seconds.
    let quick = aws_sdk_sts::config::Builder::from(sdk).retry_config(RetryConfig::standard().with_max_attempts(IDENTITY_ATTEMPTS));
    let answer = sent("GetCallerIdentity", aws_sdk_sts::Client::from_conf(quick.build()).get_caller_identity().send().await)?;
    let caller = answer.arn().unwrap_or_default().to_owned();
    let partition = caller.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws").to_owned();
    let account = answer.account().unwrap_or_default().to_owned();
    if account.is_empty() {
        return Err(errors::unexpected("GetCallerIdentity", "the answer names no account"));
    }
    Ok(Connection { account, caller, partition, region: region.to_owned(), endpoint: sdk.endpoint_url().map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_local() {
        let local = |endpoint: Option<&str>| {
            let [account, caller, partition, region] = ["1", "arn", "aws", "us-west-2"].map(str::to_owned);
            Connection { account, caller, partition, region, endpoint: endpoint.map(str::to_owned) }.is_local()
        };
        for yes in ["http://127.0.0.1:4566", "http://localhost:1/x", "http://[::1]:8080", "http://127.1.2.3"] {
            assert!(local(Some(yes)), "{yes}");
        }
        for no in ["https://ec2.us-west-2.amazonaws.com", "http://localhost.example.com:1", "http://10.0.0.1:4566", "127.0.0.1", ""] {
            assert!(!local(Some(no)), "{no}");
        }
        assert!(!local(None));
    }
}
