//! What a node does on its first boot (POOL-7). The same pool always has the same text, so that its launch template does not change.

use super::documents::fill;
use crate::config::model::{AmiFamily, Pool};
use crate::resource::Input;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Separates the parts of the MIME message; a user's script cannot contain it by accident.
const BOUNDARY: &str = "==DOMINO-EKS-NODE-BOOTSTRAP==";

/// Placeholder for the user's script; YAML text cannot contain it.
const SCRIPT_PLACE: &str = "\u{0}";

/// Docker's bridge for image builds. Images that have only containerd have nothing to configure, and the script does nothing there.
const DOCKER_BRIDGE: &str = r#"#!/bin/bash
# Docker's bridge for Domino image builds; nothing to do on images without Docker.
if [ -f /etc/docker/daemon.json ] && command -v jq >/dev/null && systemctl is-enabled -q docker; then
  t=$(mktemp) && jq '.bridge="docker0" | ."live-restore"=false' /etc/docker/daemon.json >"$t" \
    && cat "$t" >/etc/docker/daemon.json && systemctl restart docker
fi
exit 0
"#;

/// User data of a pool; endpoint, certificate and service range come from the cluster.
pub(super) fn user_data(cluster: &str, pool: &Pool) -> Input {
    let text = match pool.ami_family {
        AmiFamily::Al2023 => al2023(pool),
        AmiFamily::Al2 => al2(pool),
    };
    let reference = |attribute: &str| Input::reference(super::addresses::cluster(), attribute);
    let values = BTreeMap::from([
        ("domino-eks:cluster", Input::from(cluster)),
        ("domino-eks:endpoint", reference("endpoint")),
        ("domino-eks:certificate", reference("certificate_authority")),
        ("domino-eks:service-cidr", reference("service_cidr")),
    ]);
    // A user's script may contain `${`, so it is inserted after the placeholders are filled.
    let script = pool.extra_user_data.as_deref().map(script).unwrap_or_default();
    match text.split_once(SCRIPT_PLACE) {
        Some((head, tail)) => Input::join([fill(head, &values), Input::from(script), fill(tail, &values)]),
        None => fill(&text, &values),
    }
}

/// `key=value` pairs in the order of their keys.
fn labels(pool: &Pool) -> String {
    pool.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

fn taints(pool: &Pool) -> Option<String> {
    let taints: Vec<String> = pool.taints.iter().map(|taint| format!("{}={}:{}", taint.key, taint.value, taint.effect)).collect();
    (!taints.is_empty()).then(|| taints.join(","))
}

/// A script with a first line that says what runs it; it is added when it is missing.
fn script(text: &str) -> String {
    let head = if text.starts_with("#!") { "" } else { "#!/bin/bash\n" };
    let tail = if text.ends_with('\n') { "" } else { "\n" };
    format!("{head}{text}{tail}")
}

/// Multipart: shell parts run before kubelet starts, and NodeConfig configures nodeadm (docs/aws.md, "AL2023 user data").
fn al2023(pool: &Pool) -> String {
    let mut text = format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\n\n");
    let mut part = |kind: &str, body: &str| {
        // Writing to a String cannot fail.
        let _ = write!(text, "--{BOUNDARY}\nContent-Type: {kind}\n\n{body}\n");
    };
    if pool.docker_bridge {
        part("text/x-shellscript; charset=\"us-ascii\"", DOCKER_BRIDGE);
    }
    if pool.extra_user_data.is_some() {
        part("text/x-shellscript; charset=\"utf-8\"", SCRIPT_PLACE);
    }
    part("application/node.eks.aws", &node_config(pool));
    text + &format!("--{BOUNDARY}--\n")
}

fn node_config(pool: &Pool) -> String {
    let mut flags = format!("      - \"--node-labels={}\"\n", labels(pool));
    if let Some(taints) = taints(pool) {
        let _ = writeln!(flags, "      - \"--register-with-taints={taints}\"");
    }
    format!(
        "---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: ${{domino-eks:cluster}}
    apiServerEndpoint: ${{domino-eks:endpoint}}
    certificateAuthority: ${{domino-eks:certificate}}
    cidr: ${{domino-eks:service-cidr}}
  kubelet:
    flags:
{flags}"
    )
}

/// The bootstrap script of the older images (docs/aws.md, "AL2 user data").
fn al2(pool: &Pool) -> String {
    let taints = taints(pool).map(|taints| format!(" --register-with-taints={taints}")).unwrap_or_default();
    let bridge = if pool.docker_bridge { " \\\n  --enable-docker-bridge true" } else { "" };
    let extra = pool.extra_user_data.as_ref().map(|_| format!("(\n{SCRIPT_PLACE})\n")).unwrap_or_default();
    format!(
        "#!/bin/bash
set -ex
{extra}/etc/eks/bootstrap.sh ${{domino-eks:cluster}} \\
  --apiserver-endpoint ${{domino-eks:endpoint}} --b64-cluster-ca ${{domino-eks:certificate}} \\
  --service-ipv4-cidr ${{domino-eks:service-cidr}} \\
  --kubelet-extra-args '--node-labels={}{taints}'{bridge}
",
        labels(pool)
    )
}
