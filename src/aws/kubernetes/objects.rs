//! Services and Ingresses as the Kubernetes API writes them, with only the fields that a drain needs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use std::fmt;

/// Objects of one page.
const LIMIT: u32 = 500;
/// Characters of a path segment that are not encoded: all that names may consist of.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.');

/// Kinds of objects for which controllers make load balancers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKind {
    /// Of the group `networking.k8s.io`.
    Ingress,
    /// Of the core group.
    Service,
}

impl ObjectKind {
    /// Both kinds.
    pub(super) const ALL: [ObjectKind; 2] = [ObjectKind::Ingress, ObjectKind::Service];

    fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            ObjectKind::Ingress => ("Ingress", "/apis/networking.k8s.io/v1", "ingresses"),
            ObjectKind::Service => ("Service", "/api/v1", "services"),
        }
    }

    /// Operation that failures of a list name.
    pub(super) fn list_operation(self) -> &'static str {
        match self {
            ObjectKind::Ingress => "Kubernetes ListIngresses",
            ObjectKind::Service => "Kubernetes ListServices",
        }
    }

    /// Operation that failures of a deletion name.
    pub(super) fn delete_operation(self) -> &'static str {
        match self {
            ObjectKind::Ingress => "Kubernetes DeleteIngress",
            ObjectKind::Service => "Kubernetes DeleteService",
        }
    }

    /// Path and query of a page: the first one, or the one after a continue token.
    pub(super) fn page_path(self, after: Option<&str>) -> String {
        let (_, root, plural) = self.facts();
        let after = after.map(|token| format!("&continue={}", utf8_percent_encode(token, ENCODED))).unwrap_or_default();
        format!("{root}/{plural}?limit={LIMIT}{after}")
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Unique for all time, even among objects of the same name.
    pub(super) uid: String,
    /// Names of the finalizers that keep it from being deleted.
    pub(super) finalizers: Vec<String>,
    /// Whether it was deleted, so that only its finalizers keep it.
    pub(super) deleting: bool,
}

impl Object {
    /// Namespace and name.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Path of the object itself.
    pub(super) fn path(&self) -> String {
        let (_, root, plural) = self.kind.facts();
        let encoded = |text| utf8_percent_encode(text, ENCODED);
        format!("{root}/namespaces/{}/{plural}/{}", encoded(&self.namespace), encoded(&self.name))
    }

    /// The body of its deletion: a precondition on the uid, so that an object that took its name since is not deleted.
    pub(super) fn delete_options(&self) -> String {
        json!({ "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": { "uid": self.uid } }).to_string()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.facts().0, self.place())
    }
}

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The objects that have load balancers.
    pub(super) objects: Vec<Object>,
    /// The continue token of the next page.
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct WireList {
    metadata: WireListMeta,
    // Go writes an empty list as null.
    items: Option<Vec<WireItem>>,
}

#[derive(Deserialize)]
struct WireListMeta {
    #[serde(rename = "continue", default)]
    next: String,
}

#[derive(Deserialize)]
struct WireItem {
    metadata: WireMeta,
    #[serde(default)]
    spec: WireSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMeta {
    namespace: String,
    name: String,
    uid: String,
    deletion_timestamp: Option<String>,
    #[serde(default)]
    finalizers: Vec<String>,
}

#[derive(Deserialize, Default)]
struct WireSpec {
    #[serde(rename = "type")]
    service_type: Option<String>,
}

/// Parses a page, and leaves out objects without a load balancer.
///
/// # Errors
/// When it is not a list of the Kubernetes API.
pub(super) fn page(kind: ObjectKind, body: &[u8]) -> Result<Page, serde_json::Error> {
    let list: WireList = serde_json::from_slice(body)?;
    let balanced = |item: &WireItem| kind == ObjectKind::Ingress || item.spec.service_type.as_deref() == Some("LoadBalancer");
    let objects = list.items.unwrap_or_default().into_iter().filter(balanced).map(|item| Object {
        kind,
        namespace: item.metadata.namespace,
        name: item.metadata.name,
        uid: item.metadata.uid,
        finalizers: item.metadata.finalizers,
        deleting: item.metadata.deletion_timestamp.is_some(),
    });
    Ok(Page { objects: objects.collect(), next: Some(list.metadata.next).filter(|next| !next.is_empty()) })
}

#[cfg(test)]
pub(super) fn object(kind: ObjectKind, name: &str) -> Object {
    let [namespace, uid, name] = ["shop", &format!("uid-{name}"), name].map(str::to_owned);
    Object { kind, namespace, name, uid, finalizers: Vec::new(), deleting: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(page: &Page) -> Vec<String> {
        page.objects.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_services_with_load_balancers_are_chosen() {
        let item =
            |name: &str, spec: serde_json::Value| json!({ "metadata": { "namespace": "a", "name": name, "uid": name }, "spec": spec });
        let items = [
            item("balanced", json!({ "type": "LoadBalancer", "ports": [] })),
            item("inside", json!({ "type": "ClusterIP" })),
            item("port", json!({ "type": "NodePort" })),
            item("name", json!({ "type": "ExternalName" })),
            item("nothing", json!({})),
        ];
        let list = json!({ "kind": "ServiceList", "metadata": { "resourceVersion": "7", "continue": "" }, "items": items }).to_string();
        let found = page(ObjectKind::Service, list.as_bytes()).unwrap();
        assert_eq!((places(&found), found.next), (vec!["Service a/balanced".to_owned()], None));
    }

    #[test]
    fn all_ingresses_are_chosen_with_what_holds_them() {
        let list = json!({ "metadata": { "continue": "next=" }, "items": [
            { "metadata": { "namespace": "a", "name": "x", "uid": "1", "finalizers": ["f/1"], "deletionTimestamp": "2026-01-01T00:00:00Z" } },
            { "metadata": { "namespace": "b", "name": "y", "uid": "2" }, "spec": { "ingressClassName": "nginx" } },
        ] });
        let found = page(ObjectKind::Ingress, list.to_string().as_bytes()).unwrap();
        assert_eq!(places(&found), ["Ingress a/x", "Ingress b/y"]);
        assert_eq!(found.next.as_deref(), Some("next="));
        assert_eq!((found.objects[0].deleting, &*found.objects[0].finalizers), (true, &["f/1".to_owned()][..]));
        assert!(!found.objects[1].deleting && found.objects[1].finalizers.is_empty());
    }

    #[test]
    fn an_empty_list_may_be_null_and_a_page_of_something_else_is_refused() {
        assert!(page(ObjectKind::Service, br#"{"metadata": {}, "items": null}"#).unwrap().objects.is_empty());
        assert!(page(ObjectKind::Service, b"<html>").is_err());
        assert!(page(ObjectKind::Service, br#"{"items": []}"#).is_err());
    }

    #[test]
    fn paths_hold_names_as_text_only() {
        assert_eq!(ObjectKind::Service.page_path(None), "/api/v1/services?limit=500");
        assert_eq!(ObjectKind::Ingress.page_path(Some("a=&b")), "/apis/networking.k8s.io/v1/ingresses?limit=500&continue=a%3D%26b");
        assert_eq!(object(ObjectKind::Service, "web-1.x").path(), "/api/v1/namespaces/shop/services/web-1.x");
        assert_eq!(object(ObjectKind::Ingress, "../x?y").path(), "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/..%2Fx%3Fy");
        let options: serde_json::Value = serde_json::from_str(&object(ObjectKind::Service, "x").delete_options()).unwrap();
        assert_eq!(options["preconditions"], json!({ "uid": "uid-x" }));
        assert!(options.get("propagationPolicy").is_none());
    }
}
