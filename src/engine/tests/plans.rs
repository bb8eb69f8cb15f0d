//! The plan as a pure comparison: every verb with its reason.

use super::*;
use crate::engine::{Action, Observed, Readiness, Reason};
use crate::state::{Intent, Record, RecordStatus};

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("domino-eks:cluster".to_owned(), "demo".to_owned())])
}

fn desired(of: &str, spec: Value) -> Desired {
    Desired::new(address(of), &spec, tags())
}

fn attributes(id: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("id".to_owned(), id.to_owned())])
}

fn record(id: &str, spec: Value) -> Record {
    Record { id: id.to_owned(), status: RecordStatus::Ready, spec, tags: tags(), attributes: attributes(id), dependencies: Vec::new() }
}

fn seen(of: &str, id: &str, spec: Value) -> Observed {
    Observed { address: address(of), id: id.to_owned(), attributes: attributes(id), spec, tags: Some(tags()), readiness: Readiness::Ready }
}

fn state(records: &[(&str, Record)]) -> Document {
    let mut state = Document::new("1", "aws", "us-west-2", "demo");
    state.resources = records.iter().map(|(of, record)| (address(of), record.clone())).collect();
    state
}

fn try_planned(desired: &[Desired], state: &Document, observed: &[Observed]) -> Result<Plan, PlanError> {
    plan(&Inputs { desired, state, observed: Some(observed), lookups: &Attributes::new() })
}

fn planned(desired: &[Desired], state: &Document, observed: &[Observed]) -> Plan {
    try_planned(desired, state, observed).unwrap()
}

/// The one action of a plan.
fn only(plan: Plan) -> Action {
    assert_eq!(plan.actions.len(), 1);
    plan.actions.into_iter().next().unwrap()
}

fn paths(action: &Action) -> Vec<&str> {
    action.fields.iter().map(|field| field.path.as_str()).collect()
}

#[test]
fn what_is_not_there_is_created_with_its_fields_shown() {
    let action = only(planned(&[desired("vpc/main", json!({"cidr": "10.0.0.0/16", "extra": null}))], &state(&[]), &[]));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Create, Reason::New));
    assert_eq!(paths(&action), ["cidr"]);
    assert_eq!((action.id, action.existing.is_none()), (None, true));
}

#[test]
fn what_is_as_it_shall_be_stays() {
    let spec = json!({"cidr": "10.0.0.0/16"});
    let plan = planned(
        &[desired("vpc/main", spec.clone())],
        &state(&[("vpc/main", record("vpc-1", spec.clone()))]),
        &[seen("vpc/main", "vpc-1", spec)],
    );
    assert!(!plan.has_changes());
    assert_eq!(only(plan).verb, Verb::NoChange);
}

#[test]
fn an_update_says_whether_the_file_or_somebody_outside_changed_it() {
    let plan_of = |wanted: Value, recorded: Value, observed: Value| {
        only(planned(
            &[desired("autoscaling-group/p/a", wanted)],
            &state(&[("autoscaling-group/p/a", record("g", recorded))]),
            &[seen("autoscaling-group/p/a", "g", observed)],
        ))
    };
    let both = |min: i32, max: i32| json!({"min": min, "max": max});
    let action = plan_of(both(1, 5), both(1, 3), both(1, 3));
    assert_eq!((action.verb, action.reason.clone(), paths(&action)), (Verb::Update, Reason::Configuration, vec!["max"]));
    assert_eq!((&action.fields[0].before, &action.fields[0].after), (&json!(3), &json!(5)));
    let action = plan_of(both(1, 3), both(1, 3), both(1, 9));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Update, Reason::Drift));
    let action = plan_of(both(2, 3), both(1, 3), both(1, 9));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Update, Reason::ConfigurationAndDrift));
    assert_eq!(paths(&action), ["min", "max"]);
}

#[test]
fn a_replacement_names_the_field_that_forces_it() {
    let spec = |zone: &str, max: i32| json!({"zone": zone, "max": max});
    let group = "autoscaling-group/p/a";
    let action =
        only(planned(&[desired(group, spec("b", 5))], &state(&[(group, record("g", spec("a", 3)))]), &[seen(group, "g", spec("a", 3))]));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Replace, Reason::NotInPlace("zone".to_owned())));
    let forces: Vec<(&str, bool)> = action.fields.iter().map(|field| (field.path.as_str(), field.forces_replacement)).collect();
    assert_eq!(forces, [("zone", true), ("max", false)]);
}

#[test]
fn what_holds_data_is_never_replaced_but_refused() {
    for (of, field) in [
        ("s3-bucket/logs", "name"),
        ("efs-file-system/datasets", "kms_key"),
        ("kms-key/main", "alias"),
        ("eks-cluster/main", "name"),
        ("vpc/main", "cidr"),
    ] {
        let spec = |value: &str| json!({ field: value });
        let action = only(planned(&[desired(of, spec("new"))], &state(&[(of, record("x", spec("old")))]), &[seen(of, "x", spec("old"))]));
        assert_eq!(action.verb, Verb::Blocked, "{of}");
        assert!(action.reason == Reason::Immutable(field.to_owned()), "{}", action.reason);
    }
}

#[test]
fn what_is_no_longer_wanted_is_deleted() {
    let spec = json!({"cidr": "10.0.0.0/16"});
    let kept = Record { dependencies: vec![address("kms-key/main")], ..record("vpc-1", spec.clone()) };
    let action = only(planned(&[], &state(&[("vpc/main", kept)]), &[seen("vpc/main", "vpc-1", spec)]));
    assert_eq!((action.verb, action.reason.clone(), action.id.as_deref()), (Verb::Delete, Reason::Unwanted, Some("vpc-1")));
    assert_eq!(action.depends_on, [address("kms-key/main")]);
    let action = only(planned(&[], &state(&[("vpc/main", record("vpc-1", json!({})))]), &[]));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Delete, Reason::NotShown));
    let action = only(planned(&[], &state(&[]), &[seen("vpc/main", "vpc-9", json!({}))]));
    assert_eq!((action.verb, action.id.as_deref()), (Verb::Delete, Some("vpc-9")));
    assert_eq!(action.reason, Reason::Unrecorded);
}

#[test]
fn what_was_begun_and_never_recorded_is_deleted_in_its_order() {
    let mut state = state(&[]);
    let intent = Intent {
        client_token: "n".to_owned(),
        since: jiff::Timestamp::UNIX_EPOCH,
        spec: Value::Null,
        dependencies: vec![address("vpc/main")],
    };
    state.intents.insert(address("subnet/private/a"), intent);
    let action = only(planned(&[], &state, &[seen("subnet/private/a", "s", json!({}))]));
    assert_eq!((action.verb, action.depends_on), (Verb::Delete, vec![address("vpc/main")]));
}

#[test]
fn what_carries_our_tags_is_adopted_with_what_differs() {
    let action = only(planned(
        &[desired("subnet/private/a", json!({"cidr": "10.0.0.0/24", "public_addresses": false}))],
        &state(&[]),
        &[seen("subnet/private/a", "s-1", json!({"cidr": "10.0.0.0/24", "public_addresses": true}))],
    ));
    assert_eq!((action.verb, action.id.as_deref(), paths(&action)), (Verb::Adopt, Some("s-1"), vec!["public_addresses"]));
    assert_eq!(action.existing.unwrap().status, RecordStatus::Creating, "its settings are not confirmed");
}

#[test]
fn an_interrupted_creation_is_finished() {
    let spec = json!({"cidr": "10.0.0.0/16"});
    let begun = Record { status: RecordStatus::Creating, ..record("vpc-1", spec.clone()) };
    let action = only(planned(&[desired("vpc/main", spec.clone())], &state(&[("vpc/main", begun)]), &[seen("vpc/main", "vpc-1", spec)]));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Create, Reason::Unfinished));
    assert_eq!(action.existing.unwrap().id, "vpc-1");
}

#[test]
fn what_is_recorded_but_gone_is_made_again() {
    let spec = json!({"cidr": "10.0.0.0/16"});
    let action = only(planned(&[desired("vpc/main", spec.clone())], &state(&[("vpc/main", record("vpc-1", spec))]), &[]));
    assert_eq!((action.verb, action.reason.clone()), (Verb::Create, Reason::Vanished));
    assert!(action.existing.is_none(), "no call may name the dead object");
}

#[test]
fn failed_and_dying_objects_are_replaced_unless_they_hold_data() {
    let verb = |of: &str, readiness: Readiness| {
        let observed = Observed { readiness, ..seen(of, "x", json!({})) };
        let action = only(planned(&[desired(of, json!({}))], &state(&[(of, record("x", json!({})))]), &[observed]));
        (action.verb, action.reason)
    };
    let failed = || Readiness::Failed("no capacity".to_owned());
    assert_eq!(verb("nat-gateway/a", failed()), (Verb::Replace, Reason::Failed("no capacity".to_owned())));
    assert_eq!(verb("eks-cluster/main", failed()).0, Verb::Blocked, "a cluster that worked before is not thrown away");
    assert_eq!(verb("efs-file-system/datasets", failed()).0, Verb::Blocked);
    assert_eq!(verb("nat-gateway/a", Readiness::Deleting), (Verb::Replace, Reason::BeingDeleted));
    assert_eq!(verb("kms-key/main", Readiness::Deleting).0, Verb::Blocked);
    assert_eq!(verb("nat-gateway/a", Readiness::NotYet("pending".to_owned())).0, Verb::NoChange);
}

#[test]
fn a_cluster_that_never_worked_is_replaced() {
    let begun = Record { status: RecordStatus::Creating, ..record("demo", json!({})) };
    let observed = Observed { readiness: Readiness::Failed("role".to_owned()), ..seen("eks-cluster/main", "demo", json!({})) };
    let action = only(planned(&[desired("eks-cluster/main", json!({}))], &state(&[("eks-cluster/main", begun)]), &[observed]));
    assert_eq!(action.verb, Verb::Replace);
}

#[test]
fn values_that_a_new_object_will_change_are_unknown_down_the_line() {
    let gateway = json!({"allocation": "e-1"});
    let table = json!({"routes": ["n-1"]});
    let wanted = [
        desired("elastic-ip/nat/a", json!({})),
        desired("nat-gateway/a", json!({"allocation": id("elastic-ip/nat/a")})),
        desired("route-table/private/a", json!({"routes": [id("nat-gateway/a")]})),
        desired("vpc/main", json!({})),
    ];
    let state = state(&[
        ("elastic-ip/nat/a", record("e-1", json!({}))),
        ("nat-gateway/a", record("n-1", gateway.clone())),
        ("route-table/private/a", record("r-1", table.clone())),
        ("vpc/main", record("v-1", json!({}))),
    ]);
    // The address is gone.
    let observed = [seen("nat-gateway/a", "n-1", gateway), seen("route-table/private/a", "r-1", table), seen("vpc/main", "v-1", json!({}))];
    let plan = planned(&wanted, &state, &observed);
    assert_eq!(verb_of(&plan, "elastic-ip/nat/a"), Verb::Create);
    assert_eq!(verb_of(&plan, "nat-gateway/a"), Verb::Replace);
    assert_eq!(verb_of(&plan, "route-table/private/a"), Verb::Update);
    assert_eq!(verb_of(&plan, "vpc/main"), Verb::NoChange);
    let table = plan.actions.iter().find(|action| action.kind == Kind::RouteTable).unwrap();
    assert_eq!((table.unknown.as_slice(), &table.fields[0].after), (&["routes".to_owned()][..], &Value::Null));
}

#[test]
fn of_duplicates_the_recorded_one_counts() {
    let state = state(&[("vpc/main", record("vpc-2", json!({})))]);
    let wanted = [desired("vpc/main", json!({}))];
    for ids in [["vpc-1", "vpc-2"], ["vpc-2", "vpc-1"]] {
        let observed = ids.map(|id| seen("vpc/main", id, json!({})));
        let inputs = Inputs { desired: &wanted, state: &state, observed: Some(&observed), lookups: &Attributes::new() };
        let action = only(plan(&inputs).unwrap());
        assert_eq!((action.verb, action.id.as_deref()), (Verb::NoChange, Some("vpc-2")));
        let duplicates = crate::engine::duplicates(&inputs);
        let others: Vec<&str> = duplicates.empty.iter().chain(&duplicates.unclear).map(|one| one.id.as_str()).collect();
        assert_eq!(others, ["vpc-1"]);
    }
}

#[test]
fn an_object_of_another_id_is_an_interrupted_creation() {
    let action = only(planned(
        &[desired("vpc/main", json!({}))],
        &state(&[("vpc/main", record("vpc-old", json!({})))]),
        &[seen("vpc/main", "vpc-new", json!({}))],
    ));
    assert_eq!((action.verb, action.id.as_deref()), (Verb::Create, Some("vpc-new")));
    assert_eq!(action.existing.unwrap().status, RecordStatus::Creating);
}

#[test]
fn tags_of_ours_are_put_right_and_other_peoples_are_left() {
    let with =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    let wanted = Desired { tags: with(&[("team", "ml"), ("kept", "1")]), ..desired("vpc/main", json!({})) };
    let recorded = Record { tags: with(&[("team", "ops"), ("kept", "1"), ("old", "x")]), ..record("vpc-1", json!({})) };
    let observed = Observed {
        tags: Some(with(&[("team", "ops"), ("kept", "2"), ("old", "x"), ("theirs", "y")])),
        ..seen("vpc/main", "vpc-1", json!({}))
    };
    let action = only(planned(&[wanted], &state(&[("vpc/main", recorded)]), &[observed]));
    assert_eq!((action.verb, paths(&action)), (Verb::Update, vec!["tags.kept", "tags.team", "tags.old"]));
    assert_eq!(action.reason, Reason::ConfigurationAndDrift);
}

#[test]
fn circles_and_loose_ends_are_named() {
    let circle = [desired("vpc/main", json!({"x": id("subnet/p/a")})), desired("subnet/p/a", json!({"vpc": id("vpc/main")}))];
    let Err(PlanError::Cycle(names)) = try_planned(&circle, &state(&[]), &[]) else { panic!("no circle") };
    assert!(names.contains("vpc/main") && names.contains("subnet/p/a"), "{names}");
    let loose = [desired("subnet/p/a", json!({"vpc": id("vpc/main")}))];
    let error = try_planned(&loose, &state(&[]), &[]).unwrap_err();
    assert_eq!(error, PlanError::Dangling { from: address("subnet/p/a"), to: "vpc/main".to_owned() });
}

#[test]
fn offline_everything_is_new_and_what_only_aws_knows_is_unknown() {
    let state = Document::new("", "aws", "us-west-2", "demo");
    let wanted = cluster();
    let plan = plan(&Inputs { desired: &wanted, state: &state, observed: None, lookups: &Attributes::new() }).unwrap();
    assert_eq!((plan.summary().create, plan.actions.len()), (wanted.len(), wanted.len()));
    let template = plan.actions.iter().find(|action| action.kind == Kind::LaunchTemplate).unwrap();
    assert_eq!(template.unknown, ["image", "user_data", "security_groups"]);
}

#[test]
fn actions_stand_by_layer_in_the_order_of_creation() {
    let plan = planned(&cluster_without_lookups(), &state(&[]), &[]);
    let order: Vec<_> = plan.actions.iter().map(|action| (action.layer, action.address.clone())).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
}

fn cluster_without_lookups() -> Vec<Desired> {
    let mut all = cluster();
    with(&mut all, "launch-template/default").spec["image"] = json!("ami-1");
    all
}
