//! RUN-2: buckets that cannot hold a state, and buckets and credentials that fail in the middle of a run.

use crate::harness::{
    APPLY, BUCKET, DESTROY, Emulator, SINGLE_ZONE, STATE_KEY, StateLocation, Workspace, account, changes, converged, ended, example, held,
    make_bucket, object, piped, refused, unlocked,
};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

const RESCUED: &str = "domino-test-single-az.errored-state.json";

fn with_state(emulator: &Emulator, bucket: &str) -> Workspace {
    Workspace::new(emulator, &format!("{}\nstate: s3://{bucket}/tests\n", example("domino-test-cluster-single-az.yaml")))
}

/// Refused with this code and these texts, and nothing was changed anywhere, neither in AWS nor in the folder.
#[track_caller]
fn refuses(emulator: &Emulator, workspace: &Workspace, commands: &[&[&str]], code: i32, texts: &[&str]) {
    for command in commands {
        let (since, files, inventory) = (emulator.count(), workspace.files(), emulator.inventory());
        refused(workspace.run_soon(command), code, texts);
        assert_eq!(changes(emulator, since).len(), 0, "{command:?}");
        assert_eq!(emulator.inventory(), inventory, "{command:?}");
        assert_eq!(workspace.files(), files, "{command:?}");
    }
}

const LOOKING: [&[&str]; 4] = [&["plan"], &["status"], &["outputs"], &["state", "list"]];
const WORKING: [&[&str]; 4] = [&APPLY, &DESTROY, &["state", "recover", "--yes"], &["state", "migrate", "here"]];

#[test]
fn buckets_that_cannot_hold_a_state() {
    let emulator = account();
    let missing = with_state(&emulator, "nobodys-states");
    for commands in [LOOKING, WORKING] {
        refuses(&emulator, &missing, &commands, 1, &["there is no bucket `nobodys-states`", "init --state s3://"]);
    }
    let foreign = with_state(&emulator, "my-bucket");
    for commands in [LOOKING, WORKING] {
        refuses(&emulator, &foreign, &commands, 6, &["`my-bucket` must belong to account 123456789012", "s3:PutObject"]);
    }
    emulator.aws(
        "import boto3\n\
         far = boto3.client('s3', region_name='eu-central-1')\n\
         far.create_bucket(Bucket='far-states', CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})\n\
         far.put_bucket_versioning(Bucket='far-states', VersioningConfiguration={'Status': 'Enabled'})",
    );
    let far = with_state(&emulator, "far-states");
    for commands in [LOOKING, WORKING] {
        refuses(&emulator, &far, &commands, 1, &["the bucket `far-states` is not in us-west-2"]);
    }
    emulator.aws("s3.create_bucket(Bucket='plain-states', CreateBucketConfiguration={'LocationConstraint': 'us-west-2'})");
    let plain = with_state(&emulator, "plain-states");
    refuses(&emulator, &plain, &WORKING, 1, &["`plain-states` is not versioned", "put-bucket-versioning --bucket plain-states"]);
    emulator.aws("s3.put_bucket_versioning(Bucket='plain-states', VersioningConfiguration={'Status': 'Suspended'})");
    refuses(&emulator, &plain, &WORKING, 1, &["`plain-states` is not versioned"]);
}

#[test]
fn buckets_that_we_may_not_use() {
    let emulator = account();
    let workspace = StateLocation::Bucket.fresh(&emulator);
    for (operation, first) in [("GetBucketVersioning", 1), ("GetObject", 1), ("PutObject", 1), ("PutObject", 2)] {
        emulator.fault(&json!({ "mode": "access-denied", "service": "s3", "operation": operation, "call": first, "times": 0 }));
        let texts = &[operation, "AccessDenied", "`team-states` must belong to account", "s3:GetObject, s3:PutObject"];
        let since = emulator.count();
        refused(workspace.run_soon(&APPLY), 6, texts);
        if operation == "GetObject" {
            for command in LOOKING {
                refused(workspace.run_soon(command), 6, texts);
            }
        }
        emulator.mend();
        assert_eq!(changes(&emulator, since).len(), 0, "{operation}");
        assert_eq!(workspace.files().len(), 1);
        unlocked(&workspace);
    }
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);
}

/// From some write on the bucket refuses all writes: the run ends, and its state is saved beside the configuration.
#[test]
fn a_bucket_that_refuses_in_the_middle_of_a_run() {
    let emulator = account();
    // With the saved state pushed, and with the intents in the bucket alone.
    for (operation, push) in [("CreateSubnet", true), ("CreateNatGateway", true), ("CreateVpc", false)] {
        let workspace = StateLocation::Bucket.fresh(&emulator);
        let pause = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": operation }));
        let mut run = workspace.spawn(&APPLY);
        held(&emulator, &mut run, &pause);
        emulator.fault(&json!({ "mode": "access-denied", "service": "s3", "operation": "PutObject", "times": 0 }));
        let way = format!("domino-eks state push {RESCUED}");
        refused(ended(run), 6, &["PutObject", "AccessDenied", BUCKET, &way]);
        emulator.mend();
        assert_rescued(&workspace);
        if push {
            push_home(&emulator, &workspace);
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
        unlocked(&workspace);
        if push {
            // The saved state is older than the one in the bucket by now, so it is refused.
            refused(workspace.run_soon(&["state", "push", RESCUED]), 1, &["serial", "nothing was changed"]);
        }
    }
}

#[track_caller]
fn assert_rescued(workspace: &Workspace) {
    let mode = std::fs::metadata(workspace.path(RESCUED)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[track_caller]
fn push_home(emulator: &Emulator, workspace: &Workspace) {
    let saved: Value = serde_json::from_slice(&std::fs::read(workspace.path(RESCUED)).unwrap()).unwrap();
    let standing = object(emulator, STATE_KEY);
    let serial = |document: &Value| document["state"]["serial"].as_u64().unwrap();
    assert!(serial(&saved) > serial(&standing));
    assert_eq!(saved["state"]["lineage"], standing["state"]["lineage"]);
    workspace.run_soon(&["state", "push", RESCUED]).expect(0);
    let pushed = object(emulator, STATE_KEY);
    assert_eq!(serial(&pushed), serial(&saved) + 1);
    assert_eq!(pushed["state"]["resources"], saved["state"]["resources"]);
}

/// A bucket that fails for a while: the writes are repeated until they succeed.
#[test]
fn a_bucket_that_stumbles_is_waited_for() {
    let emulator = account();
    let workspace = StateLocation::Bucket.fresh(&emulator);
    // The SDK's own pauses are not scaled: the lock must outlive them.
    let mut apply = workspace.command(&APPLY);
    apply.env("DOMINO_EKS_TIME_SCALE", "0.2");
    for (mode, call) in [("conflict", 5), ("status-after", 9), ("status", 14), ("drop-after", 20), ("throttle", 26)] {
        emulator.fault(&json!({ "mode": mode, "service": "s3", "operation": "PutObject", "call": call, "times": 2 }));
    }
    ended(piped(&mut apply)).expect(0);
    emulator.mend();
    converged(&emulator, &workspace);
    unlocked(&workspace);
}

/// From some call on, the credentials have expired for all services.
#[test]
fn credentials_that_expire_in_the_middle_of_a_run() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        for call in [110, 90] {
            emulator.fault(&json!({ "mode": "expired-token", "call": call, "times": 0 }));
            let run = workspace.run_soon(&APPLY);
            emulator.mend();
            let run = refused(run, 6, &["xpired", "refresh your AWS credentials", "run the same command again"]);
            let rescued = workspace.path(RESCUED).exists();
            assert_eq!(rescued, run.stderr.contains("state push"), "{}", run.stderr);
            assert!(location == StateLocation::Bucket || !rescued, "a folder needs no credentials");
            if rescued {
                assert_rescued(&workspace);
                push_home(&emulator, &workspace);
                std::fs::remove_file(workspace.path(RESCUED)).unwrap();
            }
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
        unlocked(&workspace);
    }
}

/// `init` makes the bucket as it should be: versioned, private, encrypted, TLS only, old versions cleared away.
#[test]
fn init_makes_the_bucket() {
    let emulator = account();
    let workspace = Workspace::new(&emulator, "");
    let init = |file: &str, state: &str, more: &[&str]| {
        let arguments = ["-f", file, "--state", state, "init", "--name", SINGLE_ZONE, "--region", "us-west-2"];
        workspace.run_soon(&[&arguments[..], more].concat())
    };
    refused(init("new.yaml", "s3://new-states/team", &[]), 2, &["no terminal", "--yes"]);
    assert_eq!((emulator.mutating(0).len(), workspace.files().len()), (0, 1));

    init("new.yaml", "s3://new-states/team", &["--yes"]).expect(0);
    assert!(std::fs::read_to_string(workspace.path("new.yaml")).unwrap().contains("\nstate: \"s3://new-states/team\"\n"));
    let made = emulator.aws(
        "bucket = {'Bucket': 'new-states'}\n\
         result = [s3.get_bucket_versioning(**bucket)['Status'], s3.get_public_access_block(**bucket)['PublicAccessBlockConfiguration'],\n\
         json.loads(s3.get_bucket_policy(**bucket)['Policy'])['Statement'], s3.get_bucket_encryption(**bucket)['ServerSideEncryptionConfiguration']['Rules'],\n\
         s3.get_bucket_lifecycle_configuration(**bucket)['Rules'], s3.get_bucket_tagging(**bucket)['TagSet']]",
    );
    assert_eq!(made[0], "Enabled");
    assert!(made[1].as_object().unwrap().len() == 4 && made[1].as_object().unwrap().values().all(|value| value == true), "{}", made[1]);
    let deny = &made[2][0];
    assert_eq!((&deny["Effect"], &deny["Condition"]["Bool"]["aws:SecureTransport"]), (&json!("Deny"), &json!("false")));
    assert!(made[3][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"].is_string());
    assert!(made[4].to_string().contains("NoncurrentDays") && made[4].to_string().contains("DaysAfterInitiation"), "{}", made[4]);
    assert!(made[5].to_string().contains("domino-eks:state") && !made[5].to_string().contains("domino-eks:cluster"), "{}", made[5]);

    // The bucket exists and is fit, so nothing is changed.
    let since = emulator.count();
    refused(init("new.yaml", "s3://new-states/team", &["--yes"]), 1, &["exists already"]);
    init("second.yaml", "s3://new-states/other", &[]).expect(0);
    assert_eq!(emulator.mutating(since).len(), 0);
    workspace.run_soon(&["-f", "new.yaml", "plan"]).expect(0);
    workspace.run_soon(&["-f", "new.yaml", "state", "unlock"]).expect(0);

    // `init` was interrupted after it had created the bucket: its settings are completed.
    emulator.aws("s3.delete_bucket_lifecycle(Bucket='new-states')\ns3.put_bucket_versioning(Bucket='new-states', VersioningConfiguration={'Status': 'Suspended'})");
    init("third.yaml", "s3://new-states/third", &[]).expect(0);
    let versioning = emulator.aws("result = s3.get_bucket_versioning(Bucket='new-states')['Status']");
    assert_eq!(versioning, "Enabled");
}

#[test]
fn init_refuses_buckets_that_are_not_fit() {
    let emulator = account();
    make_bucket(&emulator, BUCKET);
    emulator.aws("s3.create_bucket(Bucket='plain-states', CreateBucketConfiguration={'LocationConstraint': 'us-west-2'})");
    let workspace = Workspace::new(&emulator, "");
    let init = |bucket: &str| {
        let state = format!("s3://{bucket}/team");
        workspace.run_soon(&["-f", "new.yaml", "--state", &state, "init", "--name", SINGLE_ZONE, "--region", "us-west-2", "--yes"])
    };
    let since = emulator.count();
    refused(init("my-bucket"), 6, &["`my-bucket` must belong to account"]);
    refused(init("plain-states"), 1, &["`plain-states` is not versioned"]);
    assert_eq!(emulator.mutating(since).len(), 0);
    for operation in ["CreateBucket", "PutBucketVersioning", "PutBucketPolicy"] {
        emulator.fault(&json!({ "mode": "access-denied", "service": "s3", "operation": operation, "times": 0 }));
        refused(init(&format!("{}-states", operation.to_lowercase())), 6, &["AccessDenied"]);
        emulator.mend();
        assert_eq!(workspace.files().len(), 1, "a file was written although the bucket failed");
    }
    init("createbucket-states").expect(0);
}
