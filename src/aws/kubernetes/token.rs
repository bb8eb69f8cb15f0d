//! The bearer token that EKS expects: a presigned GetCallerIdentity request of STS, bound to one cluster by a signed header. Whoever has
//! it can act as us in that cluster for a quarter of an hour, so it is in no error, no log and no Debug output.

use crate::aws::Aws;
use crate::aws::errors::on_the_way;
use crate::engine::{Failure, FailureKind};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;

/// Operation that failures of this file name.
const OPERATION: &str = "Kubernetes Token";
/// The expiry that the presigned URL states.
const EXPIRES: Duration = Duration::from_secs(60);
/// How long a token is used again: the cluster asks STS about every new one.
const REUSED: Duration = Duration::from_secs(30);
/// The header that names the cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// Characters that a query leaves unencoded (SigV4).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The token as an Authorization header carries it.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// The value of the Authorization header.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The cluster that a token is for.
#[derive(Debug, Clone)]
struct Audience {
    cluster: String,
    region: String,
    partition: String,
}

/// Makes tokens and uses each for a while.
#[derive(Debug)]
pub(super) struct Tokens {
    audience: Audience,
    credentials: Option<SharedCredentialsProvider>,
    last: Mutex<Option<(Instant, Token)>>,
}

impl Tokens {
    /// For the cluster of a connection.
    pub(super) fn new(aws: &Aws) -> Self {
        let audience =
            Audience { cluster: aws.cluster.clone(), region: aws.connection.region.clone(), partition: aws.connection.partition.clone() };
        Self { audience, credentials: aws.credentials.clone(), last: Mutex::default() }
    }

    /// A token that is still valid for a while.
    ///
    /// # Errors
    /// When there are no credentials.
    pub(super) async fn get(&self) -> Result<Token, Failure> {
        let mut last = self.last.lock().await;
        if let Some((made, token)) = last.as_ref()
            && made.elapsed() < REUSED
        {
            return Ok(token.clone());
        }
        let none = |why: &str| Failure::new(FailureKind::Credentials, OPERATION, why);
        let provider = self.credentials.as_ref().ok_or_else(|| none("no source of credentials"))?;
        let credentials = provider.provide_credentials().await.map_err(|error| none(&on_the_way(&error)))?;
        let token = token(&self.audience, credentials, SystemTime::now())?;
        *last = Some((Instant::now(), token.clone()));
        Ok(token)
    }
}

fn token(audience: &Audience, credentials: Credentials, time: SystemTime) -> Result<Token, Failure> {
    Ok(Token(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(presigned(audience, credentials, time)?))))
}

/// The URL with which the cluster asks STS for our identity.
fn presigned(audience: &Audience, credentials: Credentials, time: SystemTime) -> Result<String, Failure> {
    // The error of the signer is not shown, because it may contain credentials.
    let unsigned = || Failure::new(FailureKind::Other, OPERATION, "the token cannot be signed");
    let suffix = if audience.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let base = format!("https://sts.{}.{suffix}/", audience.region);
    let question = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.into();
    let params = SigningParams::builder().identity(&identity).region(&audience.region).name("sts").time(time).settings(settings);
    let params = params.build().map_err(|_| unsigned())?.into();
    let headers = [(CLUSTER_HEADER, audience.cluster.as_str())].into_iter();
    let unsigned_url = format!("{base}?{}", query(&question));
    let request = SignableRequest::new("GET", unsigned_url, headers, SignableBody::empty()).map_err(|_| unsigned())?;
    let (instructions, _) = sign(request, &params).map_err(|_| unsigned())?.into_parts();
    let mut all = question.to_vec();
    all.extend(instructions.params().iter().map(|(name, value)| (*name, value.as_ref())));
    all.sort_unstable();
    Ok(format!("{base}?{}", query(&all)))
}

fn query(params: &[(&str, &str)]) -> String {
    let pairs = params.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn audience(region: &str, partition: &str) -> Audience {
        let [cluster, region, partition] = ["demo", region, partition].map(str::to_owned);
        Audience { cluster, region, partition }
    }

    fn credentials(session: Option<&str>) -> Credentials {
        Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET, session.map(str::to_owned), None, "test")
    }

    /// 2026-01-02T03:04:05Z.
    fn time() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045)
    }

    /// The signatures are those of botocore (`aws eks get-token`) for the same cluster, credentials and time.
    #[test]
    fn the_url_is_the_one_of_the_aws_cli() {
        let start = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260102%2Fus-west-2%2Fsts%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60";
        let end = "&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id";
        let session = "&X-Amz-Security-Token=token%2Fwith%2Bspecial%3Dcharacters";
        for (token, middle, signature) in [
            (None, "", "5843fbe0aa0dc12e4c412a7875fc32226958d788bfb0ec0d57416d6e43f9d2cd"),
            (Some("token/with+special=characters"), session, "fc890bf79ea652d24065d9abe183ff5301deec6953c4520d967cfd9036616a91"),
        ] {
            let url = presigned(&audience("us-west-2", "aws"), credentials(token), time()).unwrap();
            assert_eq!(url, format!("{start}{middle}&X-Amz-Signature={signature}{end}"));
        }
    }

    #[test]
    fn china_has_a_suffix_of_its_own() {
        let url = presigned(&audience("cn-north-1", "aws-cn"), credentials(None), time()).unwrap();
        assert!(url.starts_with("https://sts.cn-north-1.amazonaws.com.cn/?Action="), "{url}");
        let url = presigned(&audience("us-gov-west-1", "aws-us-gov"), credentials(None), time()).unwrap();
        assert!(url.starts_with("https://sts.us-gov-west-1.amazonaws.com/?Action="), "{url}");
    }

    #[test]
    fn a_token_is_the_url_in_base64_and_debug_hides_it() {
        let token = token(&audience("us-west-2", "aws"), credentials(None), time()).unwrap();
        let encoded = token.bearer();
        let encoded = encoded.strip_prefix("Bearer k8s-aws-v1.").unwrap();
        assert!(!encoded.contains(['=', '+', '/']));
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        assert_eq!(url, presigned(&audience("us-west-2", "aws"), credentials(None), time()).unwrap());
        assert_eq!(format!("{token:?}"), "Token");
    }

    #[tokio::test]
    async fn a_token_is_used_again_and_neither_it_nor_the_secret_is_shown() {
        let provider = SharedCredentialsProvider::new(credentials(None));
        let tokens = Tokens { audience: audience("us-west-2", "aws"), credentials: Some(provider), last: Mutex::default() };
        let first = tokens.get().await.unwrap();
        assert_eq!(tokens.get().await.unwrap().bearer(), first.bearer());
        let shown = format!("{tokens:?}");
        assert!(!shown.contains(&first.0) && !shown.contains(SECRET), "{shown}");
        let nobody = Tokens { credentials: None, ..tokens };
        *nobody.last.lock().await = None;
        assert_eq!(nobody.get().await.unwrap_err().kind, FailureKind::Credentials);
    }
}
