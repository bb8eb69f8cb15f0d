//! What is refused: with the documented exit code and a message that says where the mistake is and what to do; nothing is changed.

use crate::harness::{Emulator, Run, Workspace, example};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

const SINGLE: &str = "domino-test-single-az";

/// A message for people: an error, a hint, and no dump of Rust values.
#[track_caller]
fn readable(run: &Run) {
    assert!(run.stderr.contains("error"), "{}", run.stderr);
    let hints = ["hint: ", "help: ", "Usage: ", "try '--help'", "nothing was changed"];
    assert!(hints.iter().any(|hint| run.stderr.contains(hint)), "no hint: {}", run.stderr);
    for debug in ["{ ", "Some(", "None", "Err(", "Ok(", "panicked", "unwrap", "RUST_BACKTRACE", "SdkError", "Unhandled"] {
        assert!(!run.stderr.contains(debug), "`{debug}` in: {}", run.stderr);
    }
}

/// Exit code, readable, and all of these texts in the message.
#[track_caller]
fn refused(run: Run, code: i32, texts: &[&str]) -> Run {
    let run = run.expect(code);
    readable(&run);
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    run
}

/// The file as the user may have left it: each with its reason, exit code 3.
#[test]
fn files_that_are_no_configuration() {
    let workspace = Workspace::offline("");
    for command in [&["validate"][..], &["plan", "--offline"], &["apply", "--yes"], &["status"], &["outputs"], &["destroy"]] {
        refused(workspace.run(command), 3, &["domino-eks.yaml", "empty"]);
    }
    let absent = ["-f", "absent.yaml", "--state", "my states", "validate"];
    refused(workspace.run(&absent), 3, &["absent.yaml", "No such file", "`domino-eks init -f absent.yaml --state 'my states'`"]);
    refused(workspace.run(&["-f", ".", "validate"]), 3, &["directory"]);
    fs::write(workspace.path("latin.yaml"), b"name: caf\xe9\n").unwrap();
    refused(workspace.run(&["-f", "latin.yaml", "validate"]), 3, &["latin.yaml:1:10", "UTF-8"]);
    fs::write(workspace.path("large.yaml"), "# nothing\n".repeat(1 << 20)).unwrap();
    let began = Instant::now();
    refused(workspace.run(&["-f", "large.yaml", "validate"]), 3, &["large.yaml"]);
    assert!(began.elapsed() < Duration::from_secs(5));
    workspace.write("list.yaml", "- a\n- b\n");
    refused(workspace.run(&["-f", "list.yaml", "validate"]), 3, &["list.yaml:1:1"]);
    workspace.write("broken.yaml", "name: [a\nregion: b\n");
    refused(workspace.run(&["-f", "broken.yaml", "validate"]), 3, &["broken.yaml:"]);
}

/// All mistakes are reported together, each with file, line, column, rule and a hint.
#[test]
fn several_mistakes_are_reported_together() {
    let file = "name: Bad_Name
region: us-west-2
zones: [us-west-2a, us-east-1b]
network: {cidr: 10.0.0.0/8}
colour: red
pools:
  default: {min: 5, max: 2}
";
    let run = refused(Workspace::offline(file).run(&["validate"]), 3, &["6 problems in the configuration"]);
    for place in ["1:7", "3:1", "3:21", "4:17", "5:1", "7:18"] {
        assert!(run.stderr.contains(&format!("--> domino-eks.yaml:{place}\n")), "{place}: {}", run.stderr);
    }
    assert_eq!(run.stderr.matches("= help: ").count(), 6);
    for rule in ["error[POOL-5]", "error[NET-1]", "error[unknown-key]", "error[aws-zone]"] {
        assert!(run.stderr.contains(rule), "{rule}: {}", run.stderr);
    }
    assert_eq!(run.stdout, "");
}

/// Bad flags end with 2 and say how the command is used.
#[test]
fn bad_flags() {
    let workspace = Workspace::offline(&example("domino-test-cluster.yaml"));
    for flags in [
        &["apply", "--force"][..],
        &["conquer"],
        &["plan", "--offline", "--destroy"],
        &["destroy", "--delete-data", "--retain-data"],
        &["plan", "--format", "xml"],
        &["init", "--region", "us-west-2"],
        &["validate", "-q", "-v"],
        &["completions", "cobol"],
        &["init", "--profile", "huge", "--name", "a", "--region", "us-west-2"],
    ] {
        refused(workspace.run(flags), 2, &[]);
    }
    let lineage = "2693aea3-eb53-4f28-9d86-f02a4b716755";
    let named = ["destroy", "--cluster", SINGLE, "--region", "us-west-2"];
    let both: [&[&str]; 3] = [&["-f", "domino-eks.yaml"], &["--file", "absent.yaml"], &["--file=domino-eks.yaml"]];
    for file in both {
        for flags in [[file, &named[..]].concat(), [&named[..], file].concat(), [&["plan", "--destroy"], &named[1..], file].concat()] {
            refused(workspace.run(&flags), 2, &["`--cluster` and `--file` exclude each other"]);
        }
    }
    for flags in
        [&["plan", "--region", "us-west-2"][..], &["plan", "--destroy", "--region", "us-west-2"], &["destroy", "--region", "us-west-2"]]
    {
        refused(workspace.run(flags), 2, &["`--region` requires `--cluster NAME`", "leave `--region` out"]);
    }
    refused(workspace.run(&["plan", "--lineage", lineage]), 2, &["`--lineage` requires `--destroy`"]);
    for flags in
        [&["destroy", "--lineage", "none"][..], &["plan", "--destroy", "--lineage", "2693"], &["state", "recover", "--lineage", "x"]]
    {
        refused(workspace.run(flags), 2, &["--lineage", "a lineage is a UUID like 2693aea3-"]);
    }
    refused(workspace.run(&["destroy", "--cluster", SINGLE]), 2, &["the region must be named", "--region REGION", "AWS_REGION"]);
    // The environment variable is used where the flag is missing, and is no error on its own.
    let with_region = |flags: &[&str]| -> Run { workspace.command(flags).env("AWS_REGION", "moon-1").output().unwrap().into() };
    refused(with_region(&["destroy", "--cluster", SINGLE]), 2, &["`moon-1` is not a region"]);
    with_region(&["plan", "--offline"]).expect(0);
    let mut command = workspace.command(&["validate"]);
    refused(command.env("DOMINO_EKS_TIME_SCALE", "seven").output().unwrap().into(), 2, &["DOMINO_EKS_TIME_SCALE"]);
}

/// AWS opens new regions, so one that is not known is only a warning.
#[test]
fn a_region_that_is_not_known() {
    let mistyped = example("domino-test-cluster.yaml").replace("us-west-2", "us-wset-2");
    let workspace = Workspace::offline(&mistyped);
    let init = ["-f", "new.yaml", "init", "--name", "a", "--region", "us-wset-2"];
    for command in [&["validate"][..], &["plan", "--offline"], &init] {
        let run = workspace.run(command).expect(0);
        assert!(run.stderr.contains("warning: `us-wset-2` is unknown to this version; did you mean `us-west-2`?"), "{}", run.stderr);
    }
    let good = Workspace::offline(&example("domino-test-cluster.yaml")).run(&["validate"]).expect(0);
    assert!(!good.stderr.contains("warning"), "{}", good.stderr);
}

/// RUN-3: without a terminal and without `--yes` nothing happens.
#[test]
fn apply_without_a_word_changes_nothing() {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster.yaml"));
    refused(workspace.run(&["apply"]), 2, &["no terminal", "--yes"]);
    // The plan is shown before the question.
    refused(workspace.run(&["apply", "--quiet"]), 2, &["no terminal", "Plan: 64 to add"]);
    assert!(emulator.mutating(0).is_empty());
    assert!(workspace.files().keys().all(|path| !path.ends_with("state.json")));
}

/// AWS does not tell the caller's identity: exit code 6, and the message says what to do.
#[test]
fn no_credentials_and_no_network() {
    let workspace = Workspace::offline(&example("domino-test-cluster.yaml"));
    for command in [&["plan"][..], &["apply", "--yes"], &["status"], &["destroy", "--confirm", "domino-test-cluster"]] {
        refused(workspace.run(command), 6, &["AWS_ENDPOINT_URL", "plan --offline"]);
        let mut bare = workspace.command(command);
        bare.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        refused(bare.output().unwrap().into(), 6, &["AWS_PROFILE", "credentials"]);
    }
    assert_eq!(workspace.files().keys().filter(|path| path.ends_with("state.json")).count(), 0);
}

/// RUN-2: two runs never work on one state; the second names the first.
#[test]
fn a_second_run_names_the_first() {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
    let mut first = workspace.spawn(&["apply", "--yes"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while emulator.mutating(0).is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let process = format!("process {}", first.id());
    for command in [&["apply", "--yes"][..], &["destroy", "--confirm", SINGLE, "--delete-data"]] {
        refused(workspace.run(command), 5, &["locked", "tester@", &process, "`apply`"]);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // The operating system released the lock when its holder ended.
    refused(workspace.run(&["destroy", "--delete-data", "--confirm", "other"]), 7, &["`other`"]);
    assert_ne!(workspace.run(&["apply", "--yes"]).code, 5);
}

/// RUN-4, S3-1: objects of others that have the names of ours are named in the message and not touched.
#[test]
fn names_that_others_have() {
    let emulator = Emulator::start();
    emulator.aws("iam.create_role(RoleName='domino-test-single-az-us-west-2-cluster', AssumeRolePolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'eks.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}))");
    let configuration = example("domino-test-cluster-single-az.yaml") + "storage: {buckets: {blobs: {name: my-bucket}}}\n";
    let workspace = Workspace::new(&emulator, &configuration);
    let run = workspace.run(&["apply", "--yes"]);
    let run = refused(run, 1, &["s3-bucket/blobs", "my-bucket"]);
    assert!(run.stderr.contains("choose another") || run.stderr.contains("rename"), "{}", run.stderr);
    workspace.write("domino-eks.yaml", &example("domino-test-cluster-single-az.yaml"));
    refused(
        workspace.run(&["apply", "--yes"]),
        1,
        &["iam-role/cluster", "EntityAlreadyExists", "domino-eks never touches what it did not create"],
    );
    workspace.run(&["destroy", "--confirm", SINGLE, "--delete-data"]).expect(0);
    let left: Vec<Value> = emulator.living();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["type"], "role");
}

/// RUN-4: destroy needs the cluster's name, and `--delete-data` or `--retain-data` where there is data.
#[test]
fn destroy_needs_a_name_and_a_word_on_data() {
    let emulator = Emulator::start();
    let protected = example("domino-test-cluster-single-az.yaml") + "protect: true\n";
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
    workspace.run(&["apply", "--yes"]).expect(0);
    emulator.aws(
        "
for kind in ['blobs', 'logs']:
    for body in [b'first', b'second']:
        s3.put_object(Bucket=f'domino-test-single-az-123456789012-us-west-2-{kind}', Key='a/b', Body=body)
s3.put_object(Bucket='domino-test-single-az-123456789012-us-west-2-blobs', Key='gone', Body=b'x')
s3.delete_object(Bucket='domino-test-single-az-123456789012-us-west-2-blobs', Key='gone')
s3.create_multipart_upload(Bucket='domino-test-single-az-123456789012-us-west-2-backups', Key='unfinished')
",
    );
    let since = emulator.count();
    workspace.write("protected.yaml", &protected);
    refused(workspace.run(&["-f", "protected.yaml", "destroy", "--confirm", SINGLE, "--delete-data"]), 7, &["protected", "protect: false"]);
    refused(workspace.run(&["destroy", "--confirm", "domino-test", "--delete-data"]), 7, &["`domino-test`", SINGLE]);
    refused(workspace.run(&["destroy", "--yes", "--delete-data"]), 7, &["ephemeral", "--confirm"]);
    refused(workspace.run(&["destroy", "--delete-data"]), 2, &["no terminal", "--confirm"]);
    refused(
        workspace.run(&["destroy", "--confirm", SINGLE]),
        7,
        &["s3-bucket/blobs", "s3-bucket/logs", "efs-file-system/datasets", "--delete-data", "--retain-data"],
    );
    assert!(emulator.mutating(since).is_empty());

    // With `--retain-data`, the resources that hold data stay, and so does the key that encrypts them.
    workspace.run(&["destroy", "--confirm", SINGLE, "--retain-data"]).expect(0);
    let mut kept: Vec<String> = emulator.living().iter().map(|object| object["type"].as_str().unwrap().to_owned()).collect();
    kept.sort();
    kept.dedup();
    assert_eq!(kept, ["access-point", "alias", "bucket", "file-system", "key", "multipart-upload", "object"]);

    // A later apply uses the retained resources again, unchanged.
    let again = workspace.planned();
    let is_kept =
        |address: &str| ["s3-bucket/", "efs-file-system/", "efs-access-point/", "kms-key/"].iter().any(|kind| address.starts_with(kind));
    assert!(again.iter().all(|(address, action)| action == if is_kept(address) { "adopt" } else { "create" }), "{again:?}");
    workspace.run(&["apply", "--yes"]).expect(0);
    assert_eq!(emulator.of_type("object").iter().map(|object| object["versions"].as_u64().unwrap()).sum::<u64>(), 6);
    assert!(workspace.planned().is_empty());

    workspace.run(&["destroy", "--confirm", SINGLE, "--delete-data"]).expect(0);
    assert_eq!(emulator.living(), Vec::<Value>::new());
}
