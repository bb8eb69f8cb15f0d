//! One connection to AWS: clients of all services, the identity of the caller, and the endpoint that is used.

use super::errors::{self, classify};
use super::fence::Fence;
use super::progress::Progress;
use crate::engine::{Connection, Failure, RunHooks};
use crate::resource::Address;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::SharedCredentialsProvider;
use std::time::Duration;

/// Attempts of one request, the first included; the SDK backs off between them.
const ATTEMPTS: u32 = 8;
/// Attempts of GetCallerIdentity, the first call of every command.
const IDENTITY_ATTEMPTS: u32 = 3;
/// Longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// Attempts and time-out of a request on the state. Both are low, because the writer and the lock repeat requests by themselves.
const STATE_ATTEMPTS: u32 = 2;
const STATE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time-out of a single attempt; the SDK sets none by itself (docs/aws.md, "Throttling and retries").
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The caller's identity could not be read.
    #[error("Cannot determine the AWS identity (sts:GetCallerIdentity): {0}")]
    Identity(Failure),
}

/// Clients for one cluster in one region.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Identity of the caller, region and endpoint.
    pub(super) connection: Connection,
    /// Cluster name, the value of the ownership tag.
    pub(super) cluster: String,
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
    /// For the state. It has no fence, because each write of the state carries a condition of its own.
    pub(super) state: aws_sdk_s3::Client,
    /// For requests that are signed without an SDK client.
    pub(super) credentials: Option<SharedCredentialsProvider>,
    sdk: SdkConfig,
    progress: Progress,
}

impl Aws {
    /// Connects with the SDK's usual sources of credentials and reads the identity of the caller.
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
        Ok(Self::with(sdk, connection, cluster.to_owned(), Fence::default(), Progress::default()))
    }

    /// Clients for one run. The lock is checked before every attempt of a call, except for calls on the state; the progress sink is told
    /// how far long calls on a resource got.
    #[must_use]
    pub(super) fn with_hooks(&self, hooks: RunHooks) -> Self {
        let (fence, progress) = (Fence(Some(hooks.check_lock)), Progress(Some(hooks.progress)));
        Self::with(self.sdk.clone(), self.connection.clone(), self.cluster.clone(), fence, progress)
    }

    fn with(sdk: SdkConfig, connection: Connection, cluster: String, fence: Fence, progress: Progress) -> Self {
        // An endpoint on a loopback port (an emulator) has no host names for buckets.
        let s3 = || aws_sdk_s3::config::Builder::from(&sdk).force_path_style(sdk.endpoint_url().is_some());
        macro_rules! fenced {
            ($service:ident) => {
                $service::Client::from_conf($service::config::Builder::from(&sdk).interceptor(fence.clone()).build())
            };
        }
        Self {
            connection,
            cluster,
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
            progress,
            sdk,
        }
    }

    /// Reports how far a long call on this resource got.
    pub(super) fn tell(&self, address: &Address, text: String) {
        if let Progress(Some(listener)) = &self.progress {
            listener(address, text);
        }
    }
}

async fn identity(sdk: &SdkConfig, region: &str) -> Result<Connection, Failure> {
    // The user waits for this first call: with few attempts it fails within seconds when there is no network.
    let quick = aws_sdk_sts::config::Builder::from(sdk).retry_config(RetryConfig::standard().with_max_attempts(IDENTITY_ATTEMPTS));
    let answer = classify("GetCallerIdentity", aws_sdk_sts::Client::from_conf(quick.build()).get_caller_identity().send().await)?;
    let caller = answer.arn().unwrap_or_default().to_owned();
    let partition = caller.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws").to_owned();
    let account = answer.account().unwrap_or_default().to_owned();
    if account.is_empty() {
        return Err(errors::unexpected("GetCallerIdentity", "the answer names no account"));
    }
    Ok(Connection { account, caller, partition, region: region.to_owned(), endpoint: sdk.endpoint_url().map(str::to_owned) })
}
