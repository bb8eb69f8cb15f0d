//! What people and programs read: plans, progress, outputs, help; and that looking changes nothing.

use crate::harness::{Emulator, Workspace, example};
use serde_json::Value;
use std::collections::BTreeSet;

const CLUSTER: &str = "domino-test-cluster";
const COMMANDS: [&str; 9] = ["init", "validate", "plan", "apply", "status", "destroy", "outputs", "completions", "man"];

fn example_workspace() -> Workspace {
    Workspace::offline(&example("domino-test-cluster.yaml"))
}

/// RUN-3: an offline plan sends no request, needs no credentials and writes no file.
#[test]
fn an_offline_plan_needs_nothing() {
    let workspace = example_workspace();
    let before = workspace.files();
    let mut command = workspace.command(&["plan", "--offline"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("HOME");
    let run = crate::harness::Run::from(command.output().unwrap()).expect(0);
    assert_eq!(run.stdout.lines().last(), Some("Plan: 64 to add, 0 to change, 0 to destroy."));
    let changes = workspace.run(&["plan", "--offline", "--detailed-exitcode"]).expect(2);
    assert_eq!(changes.stdout, run.stdout);
    assert_eq!(workspace.files(), before);
}

/// The plan for programs has the keys that scripts depend on.
#[test]
fn the_json_plan_keeps_its_schema() {
    let plan = example_workspace().run(&["plan", "--offline", "--format", "json"]).expect(0).json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let has = |value: &Value, wanted: &[&str]| wanted.iter().for_each(|key| assert!(keys(value).contains(*key), "{key} is not in {value}"));
    assert_eq!(plan["format_version"], "1.0");
    has(&plan, &["format_version", "cluster", "account", "region", "summary", "actions"]);
    has(&plan["summary"], &["create", "update", "replace", "delete", "adopt", "blocked", "no_change"]);
    let actions = plan["actions"].as_array().unwrap();
    let addresses: BTreeSet<&str> = actions.iter().map(|action| action["address"].as_str().unwrap()).collect();
    assert_eq!((addresses.len(), plan["summary"]["create"].as_u64()), (actions.len(), Some(actions.len() as u64)));
    for action in actions {
        has(action, &["address", "kind", "layer", "action", "reason", "fields", "unknown", "depends_on"]);
        assert!(action["address"].as_str().unwrap().starts_with(&format!("{}/", action["kind"].as_str().unwrap())));
        for field in action["fields"].as_array().unwrap() {
            has(field, &["path", "before", "after", "forces_replacement"]);
        }
        // What is known only during apply is null and listed.
        for path in action["unknown"].as_array().unwrap() {
            let field = action["fields"].as_array().unwrap().iter().find(|field| field["path"] == *path).unwrap();
            assert!(field["after"].is_null());
        }
        for before in action["depends_on"].as_array().unwrap() {
            assert!(addresses.contains(before.as_str().unwrap()), "{before}");
        }
    }
    for address in ["subnet/private/us-west-2a", "autoscaling-group/platform/us-west-2a", "eks-cluster/main", "efs-access-point/domino"] {
        assert!(addresses.contains(address), "{address}");
    }
}

/// POOL-5, POOL-7: the plan shows how totals are spread and what the docker bridge does on each image family.
#[test]
fn the_plan_shows_spread_and_bridge() {
    let plan = example_workspace().run(&["plan", "--offline"]).expect(0).stdout;
    assert!(plan.contains("pool platform: 4–6 × m5.4xlarge, 128 GiB (us-west-2a 2–2, us-west-2b 1–2, us-west-2c 1–2)"), "{plan}");
    assert!(plan.contains("docker bridge (platform, default, default-gpu): a guarded user-data part"), "{plan}");
    let old = "kubernetes: {version: \"1.32\", support: extended}\npools: {default: {amiFamily: AL2}, default-gpu: {enabled: false}}\n";
    let workspace = Workspace::offline(&(example("domino-test-cluster.yaml") + old));
    let plan = workspace.run(&["plan", "--offline"]).expect(0).stdout;
    assert!(plan.contains("docker bridge (default): `--enable-docker-bridge true` in the bootstrap call"), "{plan}");
    assert!(plan.contains("docker bridge (platform): a guarded user-data part"), "{plan}");
}

/// RUN-3: looking changes nothing, and programs read what they need from a run.
#[test]
fn looking_changes_nothing_and_progress_is_for_programs() {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &(example("domino-test-cluster.yaml") + "domino: {fqdn: domino.example.com}\n"));
    let looks: [&[&str]; 7] = [
        &["plan"],
        &["plan", "--format", "json"],
        &["plan", "--destroy"],
        &["status"],
        &["status", "--format", "json"],
        &["validate"],
        &["plan", "--offline"],
    ];
    let look = || {
        let (files, since) = (workspace.files(), emulator.count());
        looks.iter().for_each(|arguments| drop(workspace.run(arguments).expect(0)));
        assert_eq!(workspace.files(), files);
        assert!(emulator.mutating(since).is_empty());
    };
    look();
    let text = workspace.run(&["plan"]).expect(0);
    assert_eq!(text.stdout.lines().last(), Some("Plan: 64 to add, 0 to change, 0 to destroy."));
    assert!(workspace.run(&["outputs"]).expect(1).stderr.contains("domino-eks apply"));

    let run = workspace.run(&["apply", "--yes", "--progress", "json"]).expect(0);
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["event"], &events[0]["steps"]), (&"run_started".into(), &64.into()));
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["done"], &last["failed"]), (&"run_finished".into(), &64.into(), &0.into()));
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("step_started"), count("step_done")), (64, 64));
    assert!(events.iter().all(|event| event["time"].is_string()));
    assert!(count("step_waiting") > 0);
    look();
    let text = workspace.run(&["plan"]).expect(0);
    assert_eq!(text.stdout.lines().last(), Some("Plan: 0 to add, 0 to change, 0 to destroy."));
    let destroy = workspace.run(&["plan", "--destroy", "--detailed-exitcode"]).expect(2);
    assert_eq!(destroy.stdout.lines().last(), Some("Plan: 0 to add, 0 to change, 64 to destroy."));

    // Outputs are read from the state, without a request to AWS.
    let since = emulator.count();
    let outputs = workspace.run(&["outputs", "--format", "json"]).expect(0).json();
    assert_eq!(emulator.count(), since);
    assert_eq!(
        (&outputs["cluster"], &outputs["region"], &outputs["account"]),
        (&CLUSTER.into(), &"us-west-2".into(), &"123456789012".into())
    );
    assert_eq!(outputs["fqdn"], "domino.example.com");
    let system = emulator.of_type("file-system")[0]["id"].clone();
    let point = emulator.of_type("access-point")[0]["id"].clone();
    assert_eq!((&outputs["efs_file_system"], &outputs["efs_access_point"]), (&system, &point));
    assert_eq!(outputs["efs_volume_handle"], format!("{}::{}", system.as_str().unwrap(), point.as_str().unwrap()));
    assert_eq!(outputs["efs_mount_addresses"].as_object().unwrap().len(), 3);
    assert_eq!(outputs["buckets"].as_object().unwrap().len(), 4);
    assert!(outputs["endpoint"].as_str().unwrap().starts_with("https://"));
    let text = workspace.run(&["outputs"]).expect(0).stdout;
    for line in
        [format!("buckets.blobs = {CLUSTER}-123456789012-us-west-2-blobs"), format!("efs_file_system = {}", system.as_str().unwrap())]
    {
        let squeezed: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(squeezed.contains(&line), "{line} is not in {text}");
    }
}

/// Where the output goes, and how quiet it is.
#[test]
fn data_goes_to_stdout_and_colours_where_they_are_wanted() {
    let workspace = example_workspace();
    let quiet = workspace.run(&["plan", "--offline", "--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
    assert!(!quiet.stdout.is_empty());
    assert_eq!(workspace.run(&["validate", "-q"]).expect(0).stderr, "");
    let never = workspace.run(&["plan", "--offline", "--color", "never"]).expect(0);
    assert!(!never.stdout.contains('\x1b') && !never.stderr.contains('\x1b'));
    // Standard output is not a terminal, so there are no colours unless they are asked for.
    assert_eq!(workspace.run(&["plan", "--offline"]).expect(0).stdout, never.stdout);
    let always = workspace.run(&["plan", "--offline", "--color", "always"]).expect(0);
    assert!(always.stdout.contains('\x1b'));
    let json = workspace.run(&["plan", "--offline", "--color", "always", "--format", "json"]).expect(0);
    assert!(!json.stdout.contains('\x1b'));
    // The plan is shown before the question even with --quiet, and so are errors.
    assert!(workspace.run(&["-q", "-f", "absent.yaml", "validate"]).expect(3).stderr.contains("absent.yaml"));
}

/// Completions, manual and help know every command and its flags.
#[test]
fn completions_manual_and_help() {
    let workspace = Workspace::offline("");
    for shell in ["bash", "zsh", "fish"] {
        let script = workspace.run(&["completions", shell]).expect(0).stdout;
        for word in COMMANDS.iter().chain(&["retain-data", "detailed-exitcode"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let manual = workspace.run(&["man"]).expect(0).stdout;
    for command in COMMANDS {
        assert!(manual.contains(&format!("domino\\-eks\\-{command}")), "{command}");
    }
    for (command, argument) in
        [("list", "\\-\\-format"), ("recover", "\\-\\-lineage"), ("migrate", "TO"), ("push", "FILE"), ("show", "ADDRESS")]
    {
        let page = manual.split(".TH ").find(|page| page.starts_with(&format!("domino-eks-state-{command} ")));
        let page = page.unwrap_or_else(|| panic!("the manual lacks `state {command}`"));
        assert!(page.contains(argument), "{command}: {page}");
    }
    let flags: [(&str, &[&str]); 9] = [
        ("init", &["--profile", "--name", "--region", "--zones"]),
        ("validate", &[]),
        ("plan", &["--offline", "--destroy", "--format", "--detailed-exitcode"]),
        ("apply", &["--yes", "--progress"]),
        ("status", &["--format"]),
        ("destroy", &["--yes", "--confirm", "--delete-data", "--retain-data", "--progress"]),
        ("outputs", &["--format"]),
        ("completions", &["bash"]),
        ("man", &[]),
    ];
    let overview = workspace.run(&["--help"]).expect(0).stdout;
    for (command, own) in flags {
        assert!(overview.contains(&format!("\n  {command} ")), "{overview}");
        let help = workspace.run(&[command, "--help"]).expect(0).stdout;
        for flag in own.iter().chain(&["--file", "--state", "--color", "--quiet", "--verbose"]) {
            assert!(help.contains(flag), "{command} --help lacks {flag}");
        }
    }
    assert!(overview.contains("Exit codes: 0 done"));
    assert!(workspace.run(&["--version"]).expect(0).stdout.starts_with("domino-eks "));
}

/// `init` and `plan` work with every profile, and `init` overwrites no file.
#[test]
fn init_writes_what_plan_reads() {
    let workspace = Workspace::offline("");
    for (profile, zones) in [("multi-az", 3), ("single-az", 1), ("test", 3), ("legacy", 3)] {
        let file = format!("{profile}.yaml");
        workspace.run(&["-f", &file, "init", "--profile", profile, "--name", "first", "--region", "eu-central-1"]).expect(0);
        let text = std::fs::read_to_string(workspace.path(&file)).unwrap();
        assert!(text.contains("name: first") && text.contains("# "), "{text}");
        workspace.run(&["-f", &file, "validate"]).expect(0);
        let plan = workspace.run(&["-f", &file, "plan", "--offline", "--format", "json"]).expect(0).json();
        let private = |action: &&Value| action["address"].as_str().unwrap().starts_with("subnet/private/eu-central-1");
        assert_eq!(plan["actions"].as_array().unwrap().iter().filter(private).count(), zones, "{profile}");
        let again = workspace.run(&["-f", &file, "init", "--name", "second", "--region", "us-east-1"]).expect(1);
        assert!(again.stderr.contains("exists already") && again.stderr.contains("hint: "), "{}", again.stderr);
        assert_eq!(std::fs::read_to_string(workspace.path(&file)).unwrap(), text);
    }
    let run =
        workspace.run(&["-f", "zones.yaml", "init", "--name", "a", "--region", "us-west-2", "--zones", "us-west-2b,us-west-2c,us-west-2d"]);
    run.expect(0);
    assert!(std::fs::read_to_string(workspace.path("zones.yaml")).unwrap().contains("us-west-2d"));
    // A path of a state is relative to the configuration file that names it.
    std::fs::create_dir(workspace.path("sub")).unwrap();
    for (file, state, written) in [("sub/a.yaml", "sub/states", "states"), ("b.yaml", "sub/states", "sub/states")] {
        let run = workspace.run(&["-f", file, "--state", state, "init", "--name", "a", "--region", "us-west-2"]).expect(0);
        let text = std::fs::read_to_string(workspace.path(file)).unwrap();
        assert!(text.lines().any(|line| line == format!("state: {written}") || line == format!("state: \"{written}\"")), "{text}");
        assert!(run.stderr.contains(&format!("`domino-eks plan --offline -f {file} --state {state}`")), "{}", run.stderr);
        let listed = workspace.run(&["-f", file, "state", "list"]).expect(1);
        assert!(listed.stderr.contains("there is no state in `sub/states`"), "{}", listed.stderr);
    }
    workspace.run(&["-f", "two.yaml", "init", "--name", "a", "--region", "us-west-2", "--zones", "us-west-2b,us-west-2c"]).expect(3);
    assert!(!workspace.path("two.yaml").exists());
}
