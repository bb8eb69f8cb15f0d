//! Calls to the API server of a cluster: TLS that trusts only the cluster's own certificate authority, no redirects, short time-outs.

use super::api::Api;
use super::objects::{self, Object, ObjectKind, Page};
use super::token::Tokens;
use crate::aws::Aws;
use crate::aws::errors::or_absent;
use crate::engine::{Failure, FailureKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body, Error, Proxy, Timeout};

/// Operation that failures before the first call name.
const OPERATION: &str = "Kubernetes Connect";
/// Time-out of name resolution, and of a connection with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time-out of a call, its answer included.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Most bytes of an answer: 500 objects need far less.
const MAX_ANSWER: u64 = 64 << 20;
/// Most characters that are shown of a message of the cluster.
const MAX_MESSAGE: usize = 400;
/// The advice in every message about a cluster that cannot be reached.
const WITHOUT_DRAIN: &str = "omit --drain-kubernetes; the teardown is complete without it";

/// The API server of one cluster.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    /// Scheme, host and port.
    base: String,
    tokens: Tokens,
}

impl Client {
    /// Prepares calls; nothing is sent yet. `certificate_authority` is base64 of PEM, as EKS gives it.
    ///
    /// # Errors
    /// When the endpoint is not a plain https URL, or there is no certificate.
    pub(super) fn new(aws: &Aws, endpoint: &str, certificate_authority: &str) -> Result<Self, Failure> {
        Self::with(Tokens::new(aws), endpoint, certificate_authority)
    }

    fn with(tokens: Tokens, endpoint: &str, certificate_authority: &str) -> Result<Self, Failure> {
        let (base, is_local) = address(endpoint)?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(authority(certificate_authority)?)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(true)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(CALL_TIMEOUT))
            .user_agent(concat!("domino-eks/", env!("CARGO_PKG_VERSION")))
            .proxy(if is_local { None } else { Proxy::try_from_env() });
        Ok(Self { agent: config.build().new_agent(), base, tokens })
    }

    /// Makes one call; returns the body of an answer of the 200s.
    async fn call(&self, operation: &'static str, path: &str, deletion: Option<String>) -> Result<Vec<u8>, Failure> {
        let bearer = self.tokens.get().await?.bearer();
        let (agent, url) = (self.agent.clone(), format!("{}{path}", self.base));
        let answer = tokio::task::spawn_blocking(move || without_logging(|| send(&agent, &url, &bearer, deletion))).await;
        let (status, body) = answer
            .map_err(|_| Failure::new(FailureKind::LostAnswer, operation, "the call was interrupted"))?
            .map_err(|error| unanswered(operation, &error))?;
        if (200..300).contains(&status) { Ok(body) } else { Err(refusal(operation, status, &body)) }
    }
}

impl Api for Client {
    async fn page(&self, kind: ObjectKind, after: Option<&str>) -> Result<Page, Failure> {
        let operation = kind.list_operation();
        let answer = self.call(operation, &kind.page_path(after), None).await;
        // Ingresses belong to an API group that a server may lack.
        let answer = if kind == ObjectKind::Ingress { or_absent(answer)? } else { Some(answer?) };
        let read = |body: Vec<u8>| objects::page(kind, &body).map_err(|error| Failure::new(FailureKind::Other, operation, strange(&error)));
        answer.map_or_else(|| Ok(Page::default()), read)
    }

    async fn delete(&self, object: &Object) -> Result<(), Failure> {
        or_absent(self.call(object.kind.delete_operation(), &object.path(), Some(object.delete_options())).await).map(drop)
    }
}

/// Sends a request and blocks; returns status and body of the answer.
fn send(agent: &Agent, url: &str, bearer: &str, deletion: Option<String>) -> Result<(u16, Vec<u8>), Error> {
    let read = |mut answer: Response<Body>| {
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        Ok((answer.status().as_u16(), body))
    };
    match deletion {
        None => read(agent.get(url).header("Authorization", bearer).call()?),
        Some(options) => {
            let call = agent.delete(url).header("Authorization", bearer).force_send_body();
            read(call.content_type("application/json").send(options)?)
        }
    }
}

/// Does work with logging switched off on this thread: the HTTP client logs what it sends byte for byte, including the token.
fn without_logging<T>(work: impl FnOnce() -> T) -> T {
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), work)
}

/// The base URL of every path, and whether it is on this machine.
fn address(endpoint: &str) -> Result<(String, bool), Failure> {
    let refused = |why: &str| Failure::new(FailureKind::Other, OPERATION, format!("{why}; {WITHOUT_DRAIN}"));
    if endpoint.is_empty() {
        return Err(refused("the cluster has no API server yet"));
    }
    let uri: Uri = endpoint.parse().map_err(|_| refused(&format!("`{endpoint}` is not an address")))?;
    let (Some("https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refused(&format!("`{endpoint}` is not an https address, and the token is sent to no other")));
    };
    if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
        return Err(refused(&format!("`{endpoint}` has more than scheme, host and port")));
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    Ok((format!("https://{authority}"), is_local))
}

/// Trusts the cluster's certificate authority alone.
fn authority(base64: &str) -> Result<RootCerts, Failure> {
    let pem = STANDARD.decode(base64.trim()).unwrap_or_default();
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let message = format!("EKS gives no certificate of the cluster's authority; {WITHOUT_DRAIN}");
        return Err(Failure::new(FailureKind::Other, OPERATION, &message));
    }
    Ok(certificates.into())
}

/// The failure for a call without an answer, or with an incomplete one.
fn unanswered(operation: &str, error: &Error) -> Failure {
    let (kind, why) = if is_distrusted(error) {
        (FailureKind::Other, "the server that answers has no certificate of the cluster's authority, and the token was not sent to it")
    } else if is_unreachable(error) {
        (FailureKind::LostAnswer, "the API server cannot be reached. When the endpoint is private: run it from inside the VPC, or")
    } else {
        (FailureKind::LostAnswer, "the API server did not answer as it should. Try again, or")
    };
    let separator = if kind == FailureKind::Other { ";" } else { "" };
    Failure::new(kind, operation, format!("{}: {why}{separator} {WITHOUT_DRAIN}", tame(&error.to_string())))
}

fn is_distrusted(error: &Error) -> bool {
    let bad = |error: &rustls::Error| matches!(error, rustls::Error::InvalidCertificate(_));
    match error {
        Error::Rustls(error) => bad(error),
        Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()).is_some_and(bad),
        _ => false,
    }
}

fn is_unreachable(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
    match error {
        Error::Timeout(which) => matches!(which, Timeout::Resolve | Timeout::Connect),
        // The server was reached; a name that cannot be resolved has no error kind of its own.
        Error::Io(error) => !matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | InvalidData | UnexpectedEof),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => true,
        _ => false,
    }
}

/// The error object of the API server.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    reason: String,
    message: String,
}

/// The failure for an answer with a status other than the 200s.
fn refusal(operation: &str, status: u16, body: &[u8]) -> Failure {
    let said: Status = serde_json::from_slice(body).unwrap_or_default();
    let kind = match status {
        401 | 403 => FailureKind::Permission,
        404 => FailureKind::NotFound,
        // For a deletion, a conflict: another object has the name now. For a page, 410: the list has expired.
        409 | 410 | 429 => FailureKind::Busy,
        500.. => FailureKind::LostAnswer,
        _ => FailureKind::Other,
    };
    let message = match (status, said.message.is_empty()) {
        (401, _) => format!("the cluster does not recognise this identity: create an access entry for it, or {WITHOUT_DRAIN}"),
        (300..=399, _) => format!("the answer redirects to another place, and the token is sent to no other; {WITHOUT_DRAIN}"),
        (_, true) => "no reason given".to_owned(),
        (_, false) => tame(&said.message),
    };
    let code = if said.reason.is_empty() { format!("HTTP {status}") } else { tame(&said.reason) };
    Failure::new(kind, operation, message).with_code(code)
}

fn strange(error: &serde_json::Error) -> String {
    format!("the answer is not a list ({error}); {WITHOUT_DRAIN}")
}

/// Text from outside, made safe for one line on a terminal.
fn tame(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_addresses_are_taken() {
        for (endpoint, base, is_local) in [
            ("https://A1.gr7.us-west-2.eks.amazonaws.com", "https://A1.gr7.us-west-2.eks.amazonaws.com", false),
            ("https://127.0.0.1:4443/", "https://127.0.0.1:4443", true),
            ("https://[::1]:4443", "https://[::1]:4443", true),
            ("https://localhost.example.com", "https://localhost.example.com", false),
        ] {
            assert_eq!(address(endpoint), Ok((base.to_owned(), is_local)));
        }
        for endpoint in ["", "http://127.0.0.1:1", "https://", "x", "https://user@host", "https://host/path", "https://host?a=b", "ftp://h"]
        {
            assert!(address(endpoint).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn without_a_certificate_nothing_is_trusted() {
        for none in ["", "%%%", &STANDARD.encode("no PEM"), &STANDARD.encode("-----BEGIN CERTIFICATE-----")] {
            assert_eq!(authority(none).unwrap_err().operation, "Kubernetes Connect");
        }
    }

    #[test]
    fn refusals_mean_what_their_status_says() {
        use FailureKind::{Busy, LostAnswer, NotFound, Other, Permission};
        for (status, kind) in [
            (302, Other),
            (400, Other),
            (401, Permission),
            (403, Permission),
            (404, NotFound),
            (409, Busy),
            (410, Busy),
            (422, Other),
            (429, Busy),
            (500, LostAnswer),
            (504, LostAnswer),
        ] {
            assert_eq!(refusal("Kubernetes ListServices", status, b"<html>").kind, kind, "{status}");
        }
        let body = br#"{"kind": "Status", "reason": "Forbidden", "message": "services is forbidden:\u001b[31m no"}"#;
        let shown = refusal("Kubernetes ListServices", 403, body).to_string();
        assert_eq!(shown, "Kubernetes ListServices: Forbidden: services is forbidden:[31m no");
    }

    #[test]
    fn who_cannot_be_reached_is_told_apart_from_who_is_not_trusted() {
        let refused = Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        let unreachable = unanswered("Kubernetes ListServices", &refused);
        assert_eq!(unreachable.kind, FailureKind::LostAnswer);
        assert!(unreachable.message.contains("run it from inside the VPC, or omit --drain-kubernetes"), "{unreachable}");
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let distrusted = unanswered("Kubernetes ListServices", &Error::Io(std::io::Error::other(unknown)));
        assert_eq!(distrusted.kind, FailureKind::Other);
        assert!(distrusted.message.contains("the token was not sent to it; omit"), "{distrusted}");
        let unnamed = unanswered("Kubernetes ListServices", &Error::Io(std::io::Error::other("failed to lookup address information")));
        assert!(unnamed.message.contains("VPC"), "{unnamed}");
        for broken in [Error::Timeout(Timeout::Global), Error::Io(std::io::ErrorKind::UnexpectedEof.into())] {
            let broken = unanswered("Kubernetes ListServices", &broken);
            assert!(!broken.message.contains("VPC") && broken.kind == FailureKind::LostAnswer, "{broken}");
        }
    }

    #[test]
    fn what_the_client_logs_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(writer).finish();
        tracing::subscriber::with_default(log, || {
            tracing::trace!("before");
            without_logging(|| tracing::error!("the token"));
            tracing::trace!("after");
        });
        let heard = std::fs::read_to_string(file.path()).unwrap();
        assert!(heard.contains("before") && heard.contains("after") && !heard.contains("the token"), "{heard}");
    }
}
