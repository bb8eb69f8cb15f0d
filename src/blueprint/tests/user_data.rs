//! What a node does on its first boot, checked to the letter (POOL-7).

use super::*;

/// EC2's limit, before base64.
const LIMIT: usize = 16 * 1024;
/// The largest script that the configuration accepts.
const LARGEST_SCRIPT: usize = 12 * 1024;

/// User data of a pool with the values of a real cluster.
fn user_data(config: &Config, pool: &str) -> String {
    let blueprint = blueprint(config);
    let mut known = everything_known(&blueprint);
    let cluster = [
        ("endpoint", "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com".to_owned()),
        ("certificate_authority", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".to_owned()),
        ("service_cidr", "172.20.0.0/16".to_owned()),
    ];
    known.get_mut("eks-cluster/main").unwrap().extend(cluster.map(|(key, value)| (key.to_owned(), value)));
    let spec = resolve(&blueprint.get(&format!("launch-template/{pool}")).spec, &known).unwrap();
    spec["user_data"].as_str().unwrap().to_owned()
}

fn al2(more: &str) -> Config {
    three(&format!("kubernetes: {{version: '1.32'}}\npools: {{default: {{amiFamily: AL2{more}}}}}"))
}

const TAINTS: &str =
    ", labels: {zeta: z, alpha: a}, taints: [{key: z-first, value: v, effect: NoSchedule}, {key: a-last, effect: NoExecute}]";

// POOL-7
#[test]
fn al2023_with_docker_bridge() {
    insta::assert_snapshot!(user_data(&config(THREE_ZONES), "default"));
}

// POOL-7
#[test]
fn al2023_without_docker_bridge() {
    insta::assert_snapshot!(user_data(&three("dockerBridge: false"), "platform"));
}

// POOL-7
#[test]
fn al2023_gpu() {
    insta::assert_snapshot!(user_data(&config(THREE_ZONES), "default-gpu"));
}

// POOL-7, POOL-9
#[test]
fn al2023_with_labels_taints_and_a_script() {
    let config = three(&format!("pools: {{default: {{userData: \"#!/bin/bash\\necho hello\"{TAINTS}}}}}"));
    insta::assert_snapshot!(user_data(&config, "default"));
}

// POOL-7
#[test]
fn al2_with_docker_bridge() {
    insta::assert_snapshot!(user_data(&al2(""), "default"));
}

// POOL-7
#[test]
fn al2_without_docker_bridge() {
    insta::assert_snapshot!(user_data(&al2(", dockerBridge: false"), "default"));
}

// POOL-7, POOL-9
#[test]
fn al2_with_labels_taints_and_a_script() {
    insta::assert_snapshot!(user_data(&al2(&format!(", userData: \"#!/bin/bash\\necho hello\"{TAINTS}")), "default"));
}

// POOL-7
#[test]
fn one_pool_can_go_without_the_bridge() {
    let config = three("pools: {default: {dockerBridge: false}}");
    assert!(user_data(&config, "platform").contains("docker0"));
    assert!(!user_data(&config, "default").contains("docker"));
    assert!(user_data(&al2(""), "default").contains("--enable-docker-bridge true"));
}

// POOL-7
#[test]
fn the_same_pool_always_has_the_same_text() {
    let one = "pools: {default: {labels: {b: '2', a: '1', c: '3'}}}";
    let other = "pools: {default: {labels: {c: '3', a: '1', b: '2'}}}";
    assert_eq!(user_data(&three(one), "default"), user_data(&three(other), "default"));
    for _ in 0..20 {
        assert_eq!(user_data(&config(THREE_ZONES), "default"), user_data(&config(THREE_ZONES), "default"));
    }
}

/// Header block and body of every part, as a MIME parser reads them.
fn parts(text: &str) -> Vec<(String, String)> {
    let (head, body) = text.split_once("\n\n").expect("a blank line ends the headers");
    assert!(head.starts_with("MIME-Version: 1.0\n"));
    let boundary = head.split_once("boundary=\"").unwrap().1.trim_end_matches('"');
    assert!(!boundary.is_empty() && boundary.len() <= 70);
    let body = body.strip_suffix(&format!("--{boundary}--\n")).expect("the closing boundary ends the text");
    let line = format!("--{boundary}\n");
    let mut parts = body.split(&line);
    assert_eq!(parts.next(), Some(""), "nothing precedes the first part");
    parts
        .map(|part| {
            assert!(part.ends_with('\n'), "a boundary is on a line of its own");
            let (head, body) = part.split_once("\n\n").expect("a blank line ends the headers of a part");
            (head.to_owned(), body.to_owned())
        })
        .collect()
}

// POOL-7
#[test]
fn the_multipart_text_parses_and_ends_with_one_node_config() {
    let script = three("pools: {default: {userData: \"#!/bin/sh\\necho 1\"}}");
    for (config, kinds) in [
        (config(THREE_ZONES), vec!["shell", "node"]),
        (three("dockerBridge: false"), vec!["node"]),
        (script, vec!["shell", "shell", "node"]),
    ] {
        let parts = parts(&user_data(&config, "default"));
        let kind = |head: &str| match head {
            "Content-Type: application/node.eks.aws" => "node",
            head if head.starts_with("Content-Type: text/x-shellscript; charset=") => "shell",
            other => panic!("{other}"),
        };
        assert_eq!(parts.iter().map(|(head, _)| kind(head)).collect::<Vec<_>>(), kinds);
        for (head, body) in &parts {
            assert!(kind(head) == "node" || body.starts_with("#!/"), "{body}");
        }
    }
}

// POOL-7
#[test]
fn node_config_is_yaml_with_what_nodeadm_needs() {
    let config = three(&format!("pools: {{default: {{labels: {{a: '1'}}{}}}}}", ", taints: [{key: k, value: v, effect: NoSchedule}]"));
    let parts = parts(&user_data(&config, "default"));
    let node: Value = serde_saphyr::from_str(&parts.last().unwrap().1).unwrap();
    assert_eq!((node["apiVersion"].as_str(), node["kind"].as_str()), (Some("node.eks.aws/v1alpha1"), Some("NodeConfig")));
    let cluster = serde_json::json!({
        "name": "demo",
        "apiServerEndpoint": "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com",
        "certificateAuthority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        "cidr": "172.20.0.0/16",
    });
    assert_eq!(node["spec"]["cluster"], cluster);
    let flags = serde_json::json!([
        "--node-labels=a=1,domino/build-node=true,dominodatalab.com/node-pool=default",
        "--register-with-taints=k=v:NoSchedule",
    ]);
    assert_eq!(node["spec"]["kubelet"]["flags"], flags);
}

// POOL-7
#[test]
fn the_docker_part_does_nothing_where_docker_is_not() {
    let parts = parts(&user_data(&config(THREE_ZONES), "default"));
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), &parts[0].1).unwrap();
    let run = std::process::Command::new("bash").arg("-eu").arg(script.path()).output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    assert!(parts[0].1.contains("if [ -f /etc/docker/daemon.json ]"));
}

// POOL-7, POOL-9
#[test]
fn the_largest_script_leaves_room_for_what_makes_the_node_join() {
    let script = format!("#!/bin/bash\n#{}", "x".repeat(LARGEST_SCRIPT - 13));
    assert_eq!(script.len(), LARGEST_SCRIPT);
    let quoted = serde_json::to_string(&script).unwrap();
    // The real certificate of a cluster has some 1 500 characters.
    let certificate = 1500;
    for config in [three(&format!("pools: {{default: {{userData: {quoted}}}}}")), al2(&format!(", userData: {quoted}"))] {
        let text = user_data(&config, "default");
        assert!(text.contains(&script));
        assert!(text.len() + certificate <= LIMIT, "{} bytes", text.len());
    }
}

// POOL-9
#[test]
fn placeholders_of_a_users_script_stay_as_they_are() {
    let config = three("pools: {default: {userData: \"#!/bin/bash\\necho ${HOME} ${X:-y} $Z\"}}");
    let text = user_data(&config, "default");
    assert!(text.contains("echo ${HOME} ${X:-y} $Z\n"), "{text}");
    assert!(!text.contains("${domino-eks:"));
}

// POOL-7
#[test]
fn the_scripts_are_good_bash() {
    let al2023 = parts(&user_data(&config(THREE_ZONES), "default")).remove(0).1;
    let al2 = user_data(&al2(&format!(", userData: \"#!/bin/bash\\necho hello\"{TAINTS}")), "default");
    for text in [al2023, al2] {
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), &text).unwrap();
        let checked = std::process::Command::new("bash").arg("-n").arg(script.path()).output().unwrap();
        assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}\n{text}");
    }
}

// POOL-9
#[test]
fn an_open_brace_in_a_users_script_swallows_nothing() {
    let config = three("pools: {default: {userData: \"#!/bin/bash\\ngrep -F '${' /etc/motd\"}}");
    let text = user_data(&config, "default");
    assert!(!text.contains("${domino-eks:"), "{text}");
}
