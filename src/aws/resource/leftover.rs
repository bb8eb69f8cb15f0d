//! What the kinds that only destroy knows have in common: which tags prove that this cluster made something, and which component did.

use crate::aws::Aws;
use crate::aws::tags::{self, Tags};
use crate::engine::{CLOUD_CONTROLLER, Item, MADE_BY, MADE_FOR, Observed, Readiness, Scope};
use crate::resource::{Address, Kind};
use serde_json::{Map, Value, json};

/// Name of the AWS Load Balancer Controller in plans.
pub(super) const LOAD_BALANCER_CONTROLLER: &str = "the AWS Load Balancer Controller";

/// Tags whose value is the cluster's name (docs/aws.md, "What Kubernetes leaves").
const NAMING_TAGS: [(&str, &str); 3] = [
    ("elbv2.k8s.aws/cluster", LOAD_BALANCER_CONTROLLER),
    ("ingress.k8s.aws/cluster", LOAD_BALANCER_CONTROLLER),
    ("aws:eks:cluster-name", "EKS"),
];

/// Tag of the cloud controller on what it made for a Service.
const SERVICE_TAG: &str = "kubernetes.io/service-name";

/// Tags that say for which Kubernetes object something was made.
const PURPOSE_TAGS: [(&str, &str); 6] = [
    ("service.k8s.aws/stack", "Service"),
    ("ingress.k8s.aws/stack", "Ingress"),
    ("kubernetes.io/service-name", "Service"),
    ("kubernetes.io/created-for/pvc/name", "claim"),
    ("node.k8s.amazonaws.com/instance_id", "node"),
    ("CSIVolumeSnapshotName", "snapshot"),
];

/// Which component of this cluster made what carries these tags; `None` when it is not of this cluster. The tag
/// `kubernetes.io/cluster/NAME` alone proves nothing: users put it on their own resources, too.
pub(super) fn maker(aws: &Aws, scope: &Scope, tags: &Tags) -> Option<&'static str> {
    if scope.another_is_near {
        return None;
    }
    let named = NAMING_TAGS.iter().find(|(tag, _)| tags.get(*tag) == Some(&aws.cluster));
    let of_service = is_owned(aws, scope, tags) && tags.contains_key(SERVICE_TAG);
    named.map(|(_, maker)| *maker).or(of_service.then_some(CLOUD_CONTROLLER))
}

/// Whether the tag of the cloud provider says that the cluster owns it.
pub(super) fn is_owned(aws: &Aws, scope: &Scope, tags: &Tags) -> bool {
    !scope.another_is_near && tags.get(&format!("kubernetes.io/cluster/{}", aws.cluster)).is_some_and(|value| value == "owned")
}

/// What it was made for, in words.
pub(super) fn purpose(tags: &Tags) -> Option<String> {
    let namespace = tags.get("kubernetes.io/created-for/pvc/namespace").map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let found = PURPOSE_TAGS.iter().find_map(|(tag, what)| Some((*what, *tag, tags.get(*tag)?)));
    found.map(|(what, tag, value)| {
        let namespace = if tag.contains("/pvc/") { namespace.as_str() } else { "" };
        format!("{what} {namespace}{value}")
    })
}

/// What was found, with its maker and purpose beside the fields of its spec.
pub(super) fn found(kind: Kind, name: &str, id: &str, maker: &str, tags: Tags, spec: Value) -> Observed {
    let mut fields = Map::new();
    fields.insert(MADE_BY.to_owned(), json!(maker));
    if let Some(purpose) = purpose(&tags) {
        fields.insert(MADE_FOR.to_owned(), json!(purpose));
    }
    fields.extend(spec.as_object().cloned().unwrap_or_default());
    Observed {
        // A name with slashes is not an address.
        address: Address::new(kind, &name.trim_matches('/').replace('/', "-")),
        id: id.to_owned(),
        attributes: tags::attributes(id, &[]),
        spec: Value::Object(fields),
        tags: Some(tags),
        readiness: Readiness::Ready,
    }
}

/// A number in its spec.
pub(super) fn number(item: &Item, field: &str) -> i64 {
    item.spec.get(field).and_then(Value::as_i64).unwrap_or(0)
}

/// The size of a claim's disk, and the claim that it belongs to.
pub(super) fn size_of_claim(item: &Item) -> String {
    let purpose = item.spec.get(MADE_FOR).and_then(Value::as_str).map(|purpose| format!(", {purpose}")).unwrap_or_default();
    format!("{} GiB{purpose}", number(item, "size_gib"))
}
