//! An S3 in memory that speaks the SDK's own protocol and is as strict as S3 may be.

use super::super::pages::Bucket;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What S3 says instead of deleting this key: code and message.
pub(super) type Fault = Box<dyn FnMut(&str) -> Option<(&'static str, &'static str)> + Send>;

pub(super) struct Inside {
    /// Key and id → whether it is a delete marker. Each version has ten bytes.
    pub(super) versions: BTreeMap<(String, String), bool>,
    pub(super) uploads: BTreeMap<(String, String), ()>,
    pub(super) page: usize,
    pub(super) fault: Fault,
    /// Whether another writer adds an object each time the list is read from its start.
    pub(super) writer: bool,
    pub(super) retention: &'static str,
    /// Operations with their bodies.
    pub(super) calls: Vec<(&'static str, String)>,
    flying: usize,
    pub(super) most_flying: usize,
}

#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<Inside>>);

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let fake = self.clone();
        HttpConnectorFuture::new(async move {
            let is_batch = request.method() == "POST";
            if is_batch {
                let mut inside = fake.inside();
                inside.flying += 1;
                inside.most_flying = inside.most_flying.max(inside.flying);
            }
            // Deleting a thousand takes longer than listing them.
            tokio::time::sleep(std::time::Duration::from_millis(if is_batch { 1000 } else { 200 })).await;
            let mut inside = fake.inside();
            inside.flying -= usize::from(is_batch);
            let (status, body) = inside.answer(&request);
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
        })
    }
}

impl Fake {
    pub(super) fn new(page: usize) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            versions: BTreeMap::new(),
            uploads: BTreeMap::new(),
            page,
            fault: Box::new(|_| None),
            writer: false,
            retention: "",
            calls: Vec::new(),
            flying: 0,
            most_flying: 0,
        })))
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    pub(super) fn fill(&self, keys: impl IntoIterator<Item = impl Into<String>>) {
        let mut inside = self.inside();
        for (at, key) in keys.into_iter().enumerate() {
            inside.versions.insert((key.into(), format!("v{at}")), at % 10 == 9);
        }
    }

    pub(super) fn bucket(&self) -> Bucket {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .endpoint_url("http://s3.invalid")
            .force_path_style(true)
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Bucket { s3: aws_sdk_s3::Client::from_conf(config), name: "b".to_owned(), owner: "123456789012".to_owned() }
    }
}

impl Inside {
    fn answer(&mut self, request: &HttpRequest) -> (u16, String) {
        assert_eq!(request.headers().get("x-amz-expected-bucket-owner"), Some("123456789012"));
        let rest = request.uri().split_once("/b").unwrap().1;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let pair =
            |pair: &str| pair.split_once('=').map_or((pair.to_owned(), String::new()), |(name, value)| (name.to_owned(), decode(value)));
        let query: BTreeMap<String, String> = query.split('&').map(pair).collect();
        let key = decode(path.trim_start_matches('/'));
        let body = request.body().bytes().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).unwrap_or_default();
        let is = |name: &str| query.contains_key(name);
        let (operation, answer) = match request.method() {
            "GET" if is("versions") => ("ListObjectVersions", self.list_versions(&query)),
            "GET" if is("uploads") => ("ListMultipartUploads", self.list_uploads(&query)),
            "GET" if is("retention") => ("GetObjectRetention", self.retention()),
            "GET" if is("legal-hold") => ("GetObjectLegalHold", error("AccessDenied", 403)),
            "POST" => ("DeleteObjects", self.delete_batch(&body)),
            "DELETE" if is("uploadId") => ("AbortMultipartUpload", self.abort(&key, &query["uploadId"])),
            "DELETE" => ("DeleteObject", self.delete_one(&key, &query["versionId"])),
            method => panic!("{method} {}", request.uri()),
        };
        self.calls.push((operation, body));
        answer
    }

    fn list_versions(&mut self, query: &BTreeMap<String, String>) -> (u16, String) {
        assert_eq!(query.get("encoding-type").map(String::as_str), Some("url"));
        if self.writer && !query.contains_key("key-marker") {
            let at = self.calls.len();
            self.versions.insert((format!("log {at}"), format!("w{at}")), false);
        }
        let (keys, next) = page(&self.versions, query, "version-id-marker", self.page);
        let entries: String = keys.iter().map(|it| entry(it, self.versions[it])).collect();
        let more = next
            .map(|(key, id)| format!("<NextKeyMarker>{}</NextKeyMarker><NextVersionIdMarker>{id}</NextVersionIdMarker>", encoded(&key)));
        list("ListVersionsResult", &entries, more)
    }

    fn list_uploads(&mut self, query: &BTreeMap<String, String>) -> (u16, String) {
        let (keys, next) = page(&self.uploads, query, "upload-id-marker", self.page);
        let one = |(key, id): &(String, String)| format!("<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>", encoded(key));
        let more =
            next.map(|(key, id)| format!("<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>", encoded(&key)));
        list("ListMultipartUploadsResult", &keys.iter().map(one).collect::<String>(), more)
    }

    fn delete_batch(&mut self, body: &str) -> (u16, String) {
        let inner = |text: &str, name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
            rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
        };
        let objects: Vec<(String, String)> =
            body.split("<Object>").skip(1).map(|it| (unescaped(&inner(it, "Key")), inner(it, "VersionId"))).collect();
        assert!((1..=1000).contains(&objects.len()), "{}", objects.len());
        let mut errors = String::new();
        for (key, id) in objects {
            match (self.fault)(&key) {
                None => _ = self.versions.remove(&(key, id)),
                Some((code, message)) => {
                    errors += &format!(
                        "<Error><Key>{key}</Key><VersionId>{id}</VersionId><Code>{code}</Code><Message>{message}</Message></Error>"
                    );
                }
            }
        }
        (200, format!("<DeleteResult>{errors}</DeleteResult>"))
    }

    fn delete_one(&mut self, key: &str, id: &str) -> (u16, String) {
        if let Some((code, _)) = (self.fault)(key) {
            return error(code, 403);
        }
        self.versions.remove(&(key.to_owned(), id.to_owned())).expect("the key is not the same");
        (204, String::new())
    }

    fn abort(&mut self, key: &str, id: &str) -> (u16, String) {
        match self.uploads.remove(&(key.to_owned(), id.to_owned())) {
            Some(()) => (204, String::new()),
            None => error("NoSuchUpload", 404),
        }
    }

    fn retention(&self) -> (u16, String) {
        match self.retention {
            "" => error("InvalidRequest", 400),
            mode => (200, format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>")),
        }
    }
}

type Id = (String, String);

/// A version that does not exist any more is not a valid marker: then there is nothing more. Uploads continue by their order.
fn page<T>(all: &BTreeMap<Id, T>, query: &BTreeMap<String, String>, id_marker: &str, size: usize) -> (Vec<Id>, Option<Id>) {
    let from = query.get("key-marker").map(|key| (key.clone(), query[id_marker].clone()));
    if id_marker.starts_with("version") && from.as_ref().is_some_and(|from| !all.contains_key(from)) {
        return (Vec::new(), None);
    }
    let mut keys: Vec<Id> = all.keys().filter(|it| from.as_ref().is_none_or(|from| *it > from)).take(size + 1).cloned().collect();
    let has_more = keys.len() > size;
    keys.truncate(size);
    let next = keys.last().filter(|_| has_more).cloned();
    (keys, next)
}

fn entry((key, id): &Id, is_marker: bool) -> String {
    let (name, size) = if is_marker { ("DeleteMarker", "") } else { ("Version", "<Size>10</Size>") };
    format!("<{name}><Key>{}</Key><VersionId>{id}</VersionId><IsLatest>true</IsLatest>{size}</{name}>", encoded(key))
}

fn list(root: &str, entries: &str, more: Option<String>) -> (u16, String) {
    let (truncated, more) = (more.is_some(), more.unwrap_or_default());
    (200, format!("<{root}><EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{more}{entries}</{root}>"))
}

fn error(code: &str, status: u16) -> (u16, String) {
    (status, format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

fn unescaped(text: &str) -> String {
    let pairs = [("&#xD;", "\r"), ("&#xA;", "\n"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
