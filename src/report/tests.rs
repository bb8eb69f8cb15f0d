//! Tests of texts and JSON.

use super::plan_text::value_text;
use super::status::Status;
use super::*;
use crate::engine::{Event, Inputs, LeftBehind, Observed, Plan, Readiness, Verb, plan};
use crate::resource::{Address, Attributes, Desired};
use crate::state::{Document, Record};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn wanted(of: &str, spec: Value) -> Desired {
    Desired::new(address(of), &spec, tags(&[("team", "ml")]))
}

fn record(id: &str, spec: Value, attributes: &[(&str, &str)]) -> Record {
    let mut attributes = tags(attributes);
    attributes.insert("id".to_owned(), id.to_owned());
    Record {
        id: id.to_owned(),
        status: crate::state::RecordStatus::Ready,
        spec,
        tags: tags(&[("team", "ml")]),
        attributes,
        dependencies: vec![],
    }
}

fn seen(of: &str, record: &Record) -> Observed {
    Observed {
        address: address(of),
        id: record.id.clone(),
        attributes: record.attributes.clone(),
        spec: record.spec.clone(),
        tags: Some(record.tags.clone()),
        readiness: Readiness::Ready,
    }
}

fn document() -> Document {
    Document { lineage: "l".to_owned(), ..Document::new("111122223333", "aws", "us-west-2", "demo") }
}

/// State, observed and desired resources that give one action of each verb.
struct Scene {
    desired: Vec<Desired>,
    state: Document,
    observed: Vec<Observed>,
}

impl Scene {
    fn mixed() -> Self {
        let mut scene = Self { desired: Vec::new(), state: document(), observed: Vec::new() };
        scene.exists(
            "vpc/main",
            "vpc-1",
            json!({"cidr": "10.0.0.0/16", "dns_hostnames": true}),
            Some(json!({"cidr": "10.0.0.0/16", "dns_hostnames": true})),
        );
        scene.exists("s3-bucket/logs", "demo-logs", json!({"name": "demo-logs"}), Some(json!({"name": "other-logs"})));
        scene.exists("s3-bucket/blobs", "demo-blobs", json!({"name": "demo-blobs"}), None);
        scene.exists("iam-role/old", "demo-old", json!({"name": "demo-old"}), None);
        scene.exists("nat-gateway/us-west-2a", "nat-1", json!({"subnet": "subnet-1"}), Some(json!({"subnet": "subnet-2"})));
        scene.exists(
            "route-table/private/us-west-2a",
            "rtb-1",
            json!({"routes": [{"destination": "0.0.0.0/0", "target": "nat-1"}]}),
            Some(json!({"routes": [{"destination": "0.0.0.0/0", "target": {"$ref": "nat-gateway/us-west-2a#id"}}]})),
        );
        scene.exists(
            "autoscaling-group/default/us-west-2a",
            "demo-default",
            json!({"min": 0, "max": 7}),
            Some(json!({"min": 1, "max": 7})),
        );
        scene.exists("subnet/private/us-west-2a", "subnet-1", json!({"cidr": "10.0.0.0/19"}), Some(json!({"cidr": "10.0.0.0/19"})));
        scene.state.resources.remove(&address("subnet/private/us-west-2a"));
        scene
            .observed
            .iter_mut()
            .filter(|observed| observed.id == "vpc-1")
            .for_each(|observed| drop(observed.tags.as_mut().unwrap().insert("theirs".to_owned(), "x".to_owned())));
        scene.desired.extend([
            wanted(
                "security-group/efs",
                json!({"name": "demo-efs", "ingress": [{"protocol": "tcp", "from_port": 2049, "to_port": 2049, "source": "sg-1", "description": "NFS"}]}),
            ),
            wanted("iam-policy/s3", json!({"name": "demo-us-west-2-s3", "document": {"Version": "2012-10-17", "Statement": [{}, {}]}})),
            wanted("iam-role/node", json!({"name": "demo-node", "policies": ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"]})),
            wanted("launch-template/default", json!({"instance_type": "m5.2xlarge", "disk_gib": 400, "image": {"$ref": "image/x#id"}, "spot": false, "user_data": "a\nb\n"})),
        ]);
        scene
    }

    fn exists(&mut self, of: &str, id: &str, spec: Value, wish: Option<Value>) {
        let record = record(id, spec, &[]);
        self.observed.push(seen(of, &record));
        self.state.resources.insert(address(of), record);
        self.desired.extend(wish.map(|spec| wanted(of, spec)));
    }

    fn plan(&self) -> Plan {
        plan(&Inputs { desired: &self.desired, state: &self.state, observed: Some(&self.observed), lookups: &lookups() }).unwrap()
    }
}

fn lookups() -> Attributes {
    Attributes::from([("image/x".to_owned(), tags(&[("id", "ami-0123456789abcdef0")]))])
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

// RUN-3
#[test]
fn a_plan_shows_danger_first_then_changes_then_additions_by_layer() {
    insta::assert_snapshot!(plain(&plan_text(&Scene::mixed().plan())), @r#"
    Refused
      ! s3-bucket/logs  name cannot change after creation, and replacing it would lose its data; restore the old value, or destroy and apply again
          name: demo-logs → other-logs

    Delete
      - iam-role/old     demo-old
      - s3-bucket/blobs  demo-blobs  holds data

    Replace (deleted and created again)
      -/+ nat-gateway/us-west-2a  subnet cannot change in place
          subnet: subnet-1 → subnet-2  forces replacement

    Change in place
      ~ route-table/private/us-west-2a        the configuration changed
          routes: 0.0.0.0/0 → nat-1 → (known during apply)
      ~ autoscaling-group/default/us-west-2a  the configuration changed
          min: 0 → 1

    Take into the state (exists, carries our tags)
      = subnet/private/us-west-2a  it carries our tags but is not in the state

    Network
      + security-group/efs  name=demo-efs  ingress=tcp 2049 from sg-1

    Identity
      + iam-policy/s3  name=demo-us-west-2-s3  document=(2 statements)
      + iam-role/node  name=demo-node  policies=AmazonEKSWorkerNodePolicy, AmazonEKS_CNI_Policy

    Node pools
      + launch-template/default  instance_type=m5.2xlarge  disk_gib=400  image=ami-0123456789abcdef0  spot=false

    1 unchanged, not shown.
    1 to take into the state.
    1 refused: nothing is applied while a change is refused.
    Plan: 5 to add, 2 to change, 3 to destroy.
    "#);
}

// RUN-1
#[test]
fn a_plan_without_changes_says_so() {
    let mut scene = Scene { desired: Vec::new(), state: document(), observed: Vec::new() };
    scene.exists("vpc/main", "vpc-1", json!({"cidr": "10.0.0.0/16"}), Some(json!({"cidr": "10.0.0.0/16"})));
    insta::assert_snapshot!(plain(&plan_text(&scene.plan())), @r#"
    No changes: AWS is as the configuration says.

    Plan: 0 to add, 0 to change, 0 to destroy.
    "#);
}

// RUN-3
#[test]
fn colours_are_all_that_stripping_takes() {
    let text = plan_text(&Scene::mixed().plan());
    assert!(text.contains("\u{1b}[31m") && !plain(&text).contains('\u{1b}'));
}

// RUN-3
#[test]
fn the_last_line_counts() {
    let text = plain(&plan_text(&Scene::mixed().plan()));
    assert_eq!(text.lines().last(), Some("Plan: 5 to add, 2 to change, 3 to destroy."));
}

// RUN-4
#[test]
fn a_plan_of_destruction_marks_data() {
    let mut scene = Scene::mixed();
    scene.desired.clear();
    let text = plain(&plan_text(&scene.plan()));
    assert!(text.lines().any(|line| line.contains("s3-bucket/logs") && line.ends_with("holds data")), "{text}");
    assert!(text.lines().any(|line| line.contains("iam-role/old") && !line.contains("holds data")), "{text}");
    assert!(text.ends_with("Plan: 0 to add, 0 to change, 8 to destroy.\n"), "{text}");
}

// RUN-3
#[test]
fn the_plan_for_programs_has_the_documented_fields() {
    let value = plan_json(&Scene::mixed().plan(), "demo", Some("111122223333"), "us-west-2", &["a note".to_owned()]);
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["format_version", "cluster", "account", "region", "summary", "actions", "notes"]);
    assert_eq!((&value["format_version"], &value["cluster"], &value["account"]), (&json!("1.0"), &json!("demo"), &json!("111122223333")));
    let summary = json!({"create": 4, "update": 2, "replace": 1, "delete": 2, "retain": 0, "adopt": 1, "blocked": 1, "no_change": 1});
    assert_eq!(value["summary"], summary);
    let actions = value["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 11, "what stays is counted, not listed");
    for action in actions {
        for key in ["address", "kind", "layer", "action", "reason", "fields", "unknown", "depends_on"] {
            assert!(action.get(key).is_some(), "{key} is missing in {action}");
        }
        assert!(action.get("desired").is_none() && action.get("existing").is_none());
    }
}

// RUN-3
#[test]
fn values_known_only_during_apply_are_null_and_listed() {
    let value = plan_json(&Scene::mixed().plan(), "demo", None, "us-west-2", &[]);
    assert_eq!(value["account"], Value::Null);
    let actions = value["actions"].as_array().unwrap();
    let table = actions.iter().find(|action| action["address"] == "route-table/private/us-west-2a").unwrap();
    insta::assert_json_snapshot!(table, @r#"
    {
      "address": "route-table/private/us-west-2a",
      "kind": "route-table",
      "layer": "network",
      "action": "update",
      "reason": "the configuration changed",
      "fields": [
        {
          "path": "routes",
          "before": [
            {
              "destination": "0.0.0.0/0",
              "target": "nat-1"
            }
          ],
          "after": null,
          "forces_replacement": false
        }
      ],
      "unknown": [
        "routes"
      ],
      "depends_on": [
        "nat-gateway/us-west-2a"
      ],
      "id": "rtb-1"
    }
    "#);
}

fn status_of(scene: &Scene) -> Status {
    status(&scene.state, &scene.observed, &scene.plan())
}

// RUN-1
#[test]
fn the_status_tells_health_and_drift() {
    let mut scene = Scene { desired: Vec::new(), state: document(), observed: Vec::new() };
    scene.exists("vpc/main", "vpc-1", json!({"cidr": "10.0.0.0/16"}), Some(json!({"cidr": "10.0.0.0/16"})));
    scene.exists("iam-role/node", "demo-node", json!({"policies": ["a"]}), Some(json!({"policies": ["a", "b"]})));
    scene.exists("eks-cluster/main", "demo", json!({"version": "1.35"}), Some(json!({"version": "1.35"})));
    scene.exists("autoscaling-group/default/us-west-2a", "demo-default", json!({"max": 7}), Some(json!({"max": 7})));
    scene.exists("eks-add-on/coredns", "coredns", json!({}), Some(json!({})));
    scene.exists("log-group/control-plane", "logs", json!({}), Some(json!({})));
    let observed =
        |scene: &mut Scene, id: &str, change: fn(&mut Observed)| scene.observed.iter_mut().filter(|seen| seen.id == id).for_each(change);
    observed(&mut scene, "demo", |seen| seen.readiness = Readiness::NotYet("UPDATING".to_owned()));
    observed(&mut scene, "demo-default", |seen| seen.spec = json!({"max": 99}));
    observed(&mut scene, "coredns", |seen| seen.readiness = Readiness::Failed("no nodes".to_owned()));
    scene.observed.retain(|seen| seen.id != "logs");
    let status = status_of(&scene);
    assert!(!status.healthy);
    insta::assert_snapshot!(plain(&status_text(&status)).lines().map(str::trim_end).collect::<Vec<_>>().join("\n"), @r#"
    Network
      vpc/main                              ready      vpc-1
    Identity
      iam-role/node                         ready      demo-node
          policies is a (not applied yet)
    Control plane
      log-group/control-plane               missing
      eks-cluster/main                      not-ready  demo  UPDATING
    Node pools
      autoscaling-group/default/us-west-2a  ready      demo-default
          max is 99 (changed outside)
    Add-ons
      eks-add-on/coredns                    failed     coredns  no nodes

    3 of 6 ready, 2 differ from the configuration, 1 not in AWS (`domino-eks apply` creates what is missing).
    "#);
}

// RUN-1
#[test]
fn the_status_of_a_good_cluster_is_healthy() {
    let mut scene = Scene { desired: Vec::new(), state: document(), observed: Vec::new() };
    scene.exists("vpc/main", "vpc-1", json!({"cidr": "10.0.0.0/16"}), Some(json!({"cidr": "10.0.0.0/16"})));
    let status = status_of(&scene);
    assert!(status.healthy);
    insta::assert_json_snapshot!(status, @r#"
    {
      "cluster": "demo",
      "account": "111122223333",
      "region": "us-west-2",
      "healthy": true,
      "resources": [
        {
          "address": "vpc/main",
          "layer": "network",
          "id": "vpc-1",
          "health": "ready",
          "detail": null,
          "drift": []
        }
      ]
    }
    "#);
}

// RUN-1
#[test]
fn the_status_of_nothing_says_how_to_begin() {
    let scene = Scene { desired: vec![wanted("vpc/main", json!({}))], state: document(), observed: Vec::new() };
    let status = status_of(&scene);
    assert_eq!(status_text(&status), "Nothing exists yet: `domino-eks apply` creates it.\n");
    assert!(!status.healthy, "what is wanted is not there");
    let scene = Scene { desired: Vec::new(), ..scene };
    assert!(!status_of(&scene).healthy, "nothing is no healthy cluster");
}

// RUN-1
#[test]
fn the_status_of_half_a_cluster_names_the_other_half() {
    let mut scene = Scene { desired: vec![wanted("kms-key/main", json!({}))], state: document(), observed: Vec::new() };
    scene.exists("vpc/main", "vpc-1", json!({}), Some(json!({})));
    scene.exists("s3-bucket/blobs", "demo-blobs", json!({}), Some(json!({})));
    scene.exists("iam-role/node", "demo-node", json!({}), Some(json!({})));
    scene.exists("ebs-volume/vol-1", "vol-1", json!({}), None);
    let status_of_record = |scene: &mut Scene, of: &str, status| scene.state.resources.get_mut(&address(of)).unwrap().status = status;
    status_of_record(&mut scene, "s3-bucket/blobs", crate::state::RecordStatus::Retained);
    status_of_record(&mut scene, "ebs-volume/vol-1", crate::state::RecordStatus::Retained);
    status_of_record(&mut scene, "iam-role/node", crate::state::RecordStatus::Creating);
    let status = status_of(&scene);
    assert!(!status.healthy);
    insta::assert_snapshot!(plain(&status_text(&status)).lines().map(str::trim_end).collect::<Vec<_>>().join("\n"), @r#"
    Network
      vpc/main          ready      vpc-1
    Identity
      kms-key/main      absent
      iam-role/node     not-ready  demo-node  its creation was interrupted and will be finished
    Storage
      s3-bucket/blobs   kept       demo-blobs  by an earlier destroy, for its data
    Left by Kubernetes
      ebs-volume/vol-1  kept       vol-1  by an earlier destroy, for its data

    1 of 5 ready, 0 differ from the configuration, 1 not in AWS (`domino-eks apply` creates what is missing), 2 kept by an earlier destroy.
    "#);
}

// RUN-1
#[test]
fn what_is_kept_beside_the_cluster_does_not_make_it_unhealthy() {
    let mut scene = Scene { desired: Vec::new(), state: document(), observed: Vec::new() };
    scene.exists("vpc/main", "vpc-1", json!({}), Some(json!({})));
    scene.exists("ebs-volume/vol-1", "vol-1", json!({}), None);
    scene.state.resources.get_mut(&address("ebs-volume/vol-1")).unwrap().status = crate::state::RecordStatus::Retained;
    assert!(status_of(&scene).healthy);
}

// OUT-1
#[test]
fn outputs_are_what_an_installation_needs() {
    let mut state = document();
    let mut add =
        |of: &str, id: &str, attributes: &[(&str, &str)]| drop(state.resources.insert(address(of), record(id, json!({}), attributes)));
    add("vpc/main", "vpc-1", &[]);
    add("subnet/private/us-west-2a", "subnet-1", &[]);
    add("subnet/public/us-west-2a", "subnet-2", &[]);
    add("security-group/nodes", "sg-1", &[]);
    add("eks-cluster/main", "demo", &[("endpoint", "https://e"), ("security_group", "sg-9"), ("certificate_authority", "LS0t")]);
    add("iam-role/platform-node", "demo-platform-node", &[("arn", "arn:aws:iam::111122223333:role/demo-platform-node")]);
    add("iam-role/compute-node", "demo-compute-node", &[("arn", "arn:aws:iam::111122223333:role/demo-compute-node")]);
    add("iam-role/cluster", "demo-cluster", &[("arn", "arn:aws:iam::111122223333:role/demo-cluster")]);
    add("efs-file-system/datasets", "fs-1", &[]);
    add("efs-access-point/domino", "fsap-1", &[]);
    add("efs-mount-target/datasets/us-west-2a", "fsmt-1", &[("ip_address", "10.0.0.9")]);
    for kind in ["blobs", "registry", "logs", "backups"] {
        add(&format!("s3-bucket/{kind}"), &format!("demo-{kind}"), &[]);
    }
    let outputs = outputs(&state, Some("domino.example.com".to_owned()));
    insta::assert_snapshot!(outputs.text(), @r#"
    cluster                        = demo
    region                         = us-west-2
    account                        = 111122223333
    endpoint                       = https://e
    efs_file_system                = fs-1
    efs_access_point               = fsap-1
    efs_volume_handle              = fs-1::fsap-1
    efs_mount_addresses.us-west-2a = 10.0.0.9
    buckets.backups                = demo-backups
    buckets.blobs                  = demo-blobs
    buckets.logs                   = demo-logs
    buckets.registry               = demo-registry
    node_roles.compute-node        = arn:aws:iam::111122223333:role/demo-compute-node
    node_roles.platform-node       = arn:aws:iam::111122223333:role/demo-platform-node
    vpc                            = vpc-1
    subnets.private/us-west-2a     = subnet-1
    subnets.public/us-west-2a      = subnet-2
    security_groups.cluster        = sg-9
    security_groups.nodes          = sg-1
    fqdn                           = domino.example.com
    "#);
}

// OUT-1
#[test]
fn outputs_of_nothing_are_only_what_the_state_is_of() {
    insta::assert_snapshot!(outputs(&document(), None).text(), @r#"
    cluster = demo
    region  = us-west-2
    account = 111122223333
    "#);
}

#[test]
fn a_run_in_plain_lines() {
    let cluster = || address("eks-cluster/main");
    let events = [
        Event::RunStarted { steps: 4, expected_seconds: 612 },
        Event::StepStarted { address: address("vpc/main"), action: Verb::Create, expected_seconds: 1, path_seconds: 612 },
        Event::StepCreated { address: address("vpc/main"), id: "vpc-1".to_owned() },
        Event::StepDone { address: address("vpc/main"), action: Verb::Create, seconds: 1.2 },
        Event::StepStarted { address: cluster(), action: Verb::Create, expected_seconds: 540, path_seconds: 600 },
        Event::StepWaiting { address: cluster(), why: "CREATING".to_owned() },
        Event::StepFailed {
            address: cluster(),
            action: Verb::Create,
            error: "CreateCluster: Denied: no".to_owned(),
            left: LeftBehind::Unknown,
        },
        Event::StepSkipped { address: address("eks-add-on/coredns"), because: cluster() },
        Event::StepDone { address: address("s3-bucket/logs"), action: Verb::Update, seconds: 3.0 },
        Event::Stopping,
        Event::RunFinished { done: 2, failed: 1, skipped: 1, seconds: 545.4, expected_seconds: 612, cancelled: false },
    ];
    let mut progress = PlainProgress::default();
    let lines: Vec<String> = events.iter().filter_map(|event| progress.line(event)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    4 steps, about 10m12s along the critical path
      1/4 vpc/main: created in 1s
            eks-cluster/main: creating, usually 9m00s
            eks-cluster/main: CREATING
      2/4 eks-cluster/main: failed while creating: CreateCluster: Denied: no; it may exist; the next run looks for it
      3/4 eks-add-on/coredns: skipped, because eks-cluster/main failed
      4/4 s3-bucket/logs: changed in 3s
    stopping: nothing new is started; interrupt again to leave at once
    2 done, 1 failed, 1 not started, in 9m05s (critical path 10m12s)
    "#);
}

#[test]
fn what_a_failure_leaves_behind_is_said() {
    let line = |left| {
        let failed = Event::StepFailed { address: address("vpc/main"), action: Verb::Create, error: "e".to_owned(), left };
        PlainProgress::default().line(&failed).unwrap()
    };
    assert_eq!(line(LeftBehind::Nothing), "  1/0 vpc/main: failed while creating: e; nothing was created");
    assert_eq!(line(LeftBehind::Recorded), "  1/0 vpc/main: failed while creating: e; what exists is recorded in the state");
    assert_eq!(line(LeftBehind::Unknown), "  1/0 vpc/main: failed while creating: e; it may exist; the next run looks for it");
}

#[test]
fn the_clock_is_short() {
    let cases = [(-1.0, "0s"), (0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (545.0, "9m05s"), (3599.7, "1h00m"), (3720.0, "1h02m")];
    for (seconds, text) in cases {
        assert_eq!(clock(seconds), text, "{seconds}");
    }
}

#[test]
fn values_are_short() {
    assert_eq!(value_text(&json!("a\nb")), "(2 lines)");
    assert_eq!(value_text(&json!(["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"])), "A, B");
    assert_eq!(value_text(&json!({"Statement": [1, 2, 3]})), "(3 statements)");
    assert_eq!(value_text(&json!({"protocol": "-1", "from_port": 0, "source": "self"})), "all from self");
    let long = value_text(&json!("ä".repeat(100)));
    assert!(long.chars().count() == 60 && long.ends_with('…'));
}

// POOL-5, POOL-7
#[test]
fn notes_show_the_spread_of_pools_and_what_the_docker_bridge_does() {
    let text = include_str!("../../examples/domino-test-cluster.yaml");
    let config = crate::config::parse("test.yaml", text.as_bytes()).unwrap();
    insta::assert_snapshot!(notes(&config).join("\n"), @r#"
    pool platform: 4–6 × m5.4xlarge, 128 GiB (us-west-2a 2–2, us-west-2b 1–2, us-west-2c 1–2)
    pool default: 1–20 × m5.2xlarge, 400 GiB (us-west-2a 1–7, us-west-2b 0–7, us-west-2c 0–6)
    pool default-gpu: 0–5 × g5.2xlarge, 400 GiB (us-west-2a 0–2, us-west-2b 0–2, us-west-2c 0–1)
    docker bridge (platform, default, default-gpu): a guarded user-data part configures Docker where the image has it; EKS's own AL2023 images run containerd, where it does nothing
    "#);
}

// POOL-7, NET-2
#[test]
fn notes_name_al2_pools_and_a_missing_route_to_aws() {
    let text = "name: demo\nregion: us-west-2\nzones: [us-west-2a]\nkubernetes: {version: '1.32'}\nnetwork: {nat: none}\n\
                pools: {default: {amiFamily: AL2, spot: true}, default-gpu: {enabled: false}}";
    let config = crate::config::parse("test.yaml", text.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"));
    insta::assert_snapshot!(notes(&config).join("\n"), @r#"
    pool platform: 4–6 × m5.4xlarge, 128 GiB (us-west-2a 4–6)
    pool default: 1–20 × m5.2xlarge, spot, 400 GiB (us-west-2a 1–20)
    docker bridge (platform): a guarded user-data part configures Docker where the image has it; EKS's own AL2023 images run containerd, where it does nothing
    docker bridge (default): `--enable-docker-bridge true` in the bootstrap call; ignored under containerd
    no NAT gateway and no interface endpoints: nodes cannot reach EKS or ECR unless there is another route out of the VPC
    "#);
}
