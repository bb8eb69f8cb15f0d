//! Destroy on random accounts and requests, compared with a model that knows only the rules (RUN-4).

use super::site::{Answer, NAME, Person, Site, request};
use crate::engine::tests::world::Strikes;
use crate::engine::{FailureKind, Observed, Reason};
use crate::resource::Kind;
use crate::state::RecordStatus;
use crate::workflow::destroy::{DataChoice, Remaining, RemainingReason, Teardown, TeardownRequest, check_request};
use crate::workflow::{Refusal, WorkflowError};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

const GROUP: &str = "autoscaling-group/default/us-west-2a";
/// Resources that may hold data.
const DATA: [&str; 3] = ["s3-bucket/blobs", "s3-bucket/logs", "efs-file-system/datasets"];
/// Resources that may lose our tags, or be protected.
const TOUCHED: [&str; 4] = [GROUP, "eks-cluster/main", "s3-bucket/backups", "efs-file-system/datasets"];
/// Leftovers of Kubernetes that may appear while the cluster is destroyed.
const LATE: [&str; 3] = ["target-group/late", "ebs-volume/late", "network-interface/late"];
/// Resources whose deletion may fail.
const FAILING: [&str; 5] = ["vpc/main", "eks-cluster/main", "kms-key/main", GROUP, "iam-role/compute-node"];

/// An account, a request, and faults.
#[derive(Debug, Clone)]
struct Case {
    protect: bool,
    ephemeral: bool,
    has_state: bool,
    full: BTreeSet<usize>,
    protected: Option<usize>,
    untagged: Option<usize>,
    late: Option<usize>,
    fault: Option<(usize, FailureKind, usize)>,
    data: DataChoice,
    lift: bool,
    confirmed: bool,
    yes: bool,
    answer: Answer,
    /// The user stops it after this many seconds.
    stop: Option<u16>,
}

fn case() -> impl Strategy<Value = Case> {
    let account = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.85), prop::collection::btree_set(0..DATA.len(), 0..=2));
    let odd = (
        prop::option::weighted(0.2, 0..TOUCHED.len()),
        prop::option::weighted(0.2, 0..TOUCHED.len()),
        prop::option::weighted(0.3, 0..LATE.len()),
        prop::option::weighted(
            0.3,
            (
                0..FAILING.len(),
                prop::sample::select(vec![FailureKind::Permission, FailureKind::Busy, FailureKind::LostAnswer, FailureKind::Other]),
                prop::sample::select(vec![1, 3, 30, usize::MAX]),
            ),
        ),
    );
    let data = prop::sample::select(vec![DataChoice::Unsaid, DataChoice::Delete, DataChoice::Delete, DataChoice::Retain]);
    let answer = prop::sample::select(vec![Answer::Yes, Answer::Yes, Answer::Yes, Answer::No, Answer::WrongName, Answer::NoTerminal]);
    let asked = (data, any::<bool>(), any::<bool>(), any::<bool>(), answer, prop::option::weighted(0.15, 0u16..600));
    (account, odd, asked).prop_map(|((protect, ephemeral, has_state, full), (protected, untagged, late, fault), asked)| {
        let (data, lift, confirmed, yes, answer, stop) = asked;
        let protect = protect && !ephemeral;
        // Without a state, a resource without tags is not recognised as ours.
        let untagged = untagged.filter(|_| has_state);
        Case { protect, ephemeral, has_state, full, protected, untagged, late, fault, data, lift, confirmed, yes, answer, stop }
    })
}

/// What the rules require before anything is deleted: a refusal, in the order of the rules, or a run.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Refused(&'static str),
    Goes { asked: bool },
}

impl Case {
    fn config(&self) -> String {
        let lifecycle = if self.ephemeral { "ephemeral" } else { "permanent" };
        format!("protect: {}\nlifecycle: {lifecycle}\n", self.protect)
    }

    fn is_untagged(&self, of: &str) -> bool {
        self.untagged.is_some_and(|index| TOUCHED[index] == of)
    }

    /// Whether AWS refuses a deletion because of a protection. Resources that keep data or lost our tags are not to be deleted, and
    /// neither are those that would be deleted after them.
    fn refuses_protected(&self) -> bool {
        let Some(index) = self.protected else { return false };
        let of = TOUCHED[index];
        let is_data = of.starts_with("s3-bucket/") || of.starts_with("efs-file-system/");
        !(self.is_untagged(of) || is_data && self.data == DataChoice::Retain)
    }

    /// Whether there is data. Without a state, or for a permanent cluster, the key counts as data; a resource that lost our tags
    /// does not.
    fn has_full_data(&self) -> bool {
        let key = self.untagged.is_none() && !(self.ephemeral && self.has_state);
        key || self.full.iter().any(|index| !self.is_untagged(DATA[*index]))
    }

    fn expected(&self) -> Expected {
        if self.lift && !self.confirmed && self.yes {
            return Expected::Refused("LiftNeedsName");
        }
        if self.protect && !self.lift {
            return Expected::Refused("ProtectedCluster");
        }
        if self.is_untagged(GROUP) {
            return Expected::Refused("UntaggedNodes");
        }
        if !self.lift && self.refuses_protected() {
            return Expected::Refused("ProtectedInAws");
        }
        if self.data == DataChoice::Unsaid && self.has_full_data() {
            return Expected::Refused("Data");
        }
        if self.confirmed || self.yes && self.ephemeral && self.has_state {
            return Expected::Goes { asked: false };
        }
        if self.yes {
            return Expected::Refused("NotEphemeral");
        }
        match self.answer {
            Answer::Yes => Expected::Goes { asked: true },
            Answer::No => Expected::Refused("NotConfirmed"),
            Answer::WrongName => Expected::Refused("WrongName"),
            Answer::NoTerminal => Expected::Refused("NoTerminal"),
        }
    }

    async fn site(&self) -> Site {
        let site = Site::applied(&self.config()).await;
        site.store.is_lost.store(!self.has_state, Ordering::SeqCst);
        let world = &site.lab.world;
        if let Some(index) = self.untagged {
            world.untag(TOUCHED[index], "domino-eks:cluster");
        }
        if let Some(index) = self.late {
            let spec =
                if LATE[index].starts_with("ebs-") { serde_json::json!({}) } else { serde_json::json!({ "vpc": world.id("vpc/main") }) };
            world.leave_after(GROUP, 0, LATE[index], spec);
        }
        world.foreign_with("security-group/of-others", serde_json::json!({ "name": "others" }), &[("team", "data")]);
        if let Some((index, kind, times)) = self.fault {
            world.fault(&format!("delete {}", FAILING[index]), times, Strikes::Before, kind);
        }
        {
            let mut around = site.around();
            around.full = self.full.iter().map(|index| DATA[*index].to_owned()).collect();
            around.protected = self.protected.iter().map(|index| TOUCHED[*index].to_owned()).collect();
        }
        site
    }

    fn request(&self, site: &Site) -> TeardownRequest {
        TeardownRequest {
            data: self.data,
            lift_protection: self.lift,
            is_confirmed: self.confirmed,
            yes: self.yes,
            ..request(&site.loaded)
        }
    }
}

/// Name of a variant.
fn variant(refusal: &Refusal) -> String {
    format!("{refusal:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

async fn check(case: &Case) -> Result<(), TestCaseError> {
    fastrand::seed(7);
    let site = case.site().await;
    let request = case.request(&site);
    let person = Person::who_says(case.answer);
    let (before, foreign) = (site.print(), site.lab.world.print(true));
    let stopping = async {
        if let Some(after) = case.stop {
            tokio::time::sleep(std::time::Duration::from_secs(u64::from(after))).await;
            site.lab.stop.send_replace(true);
        }
        std::future::pending::<()>().await;
    };
    let destroying = async {
        check_request(&request)?;
        site.destroy(&request, &person).await
    };
    let ended = tokio::select! {
        biased;
        ended = destroying => ended,
        () = stopping => unreachable!("it never ends"),
    };
    prop_assert_eq!(site.lab.world.print(true), foreign, "something of others was touched");
    prop_assert_eq!(&site.around().forbidden, &Vec::<String>::new());
    prop_assert!(*person.rounds.lock().unwrap() <= 3 && person.questions.lock().unwrap().len() <= 1);
    match (case.expected(), ended) {
        (Expected::Refused(expected), Err(WorkflowError::Refused(refusal))) => {
            prop_assert_eq!(variant(&refusal), expected);
            prop_assert!(site.print() == before, "refused, but something was changed");
        }
        (_, Err(WorkflowError::Interrupted)) if case.stop.is_some() => prop_assert!(site.print() == before, "something was changed"),
        (Expected::Goes { .. }, Err(WorkflowError::Unverified(why))) if case.stop.is_some() => {
            prop_assert!(matches!(*why, WorkflowError::Interrupted), "{:?}", why);
        }
        (Expected::Goes { .. }, Ok(Teardown::Cancelled(_))) => prop_assert!(case.stop.is_some()),
        (Expected::Goes { asked }, Ok(Teardown::Verified { verification, .. })) => {
            prop_assert_eq!(person.questions.lock().unwrap().len(), usize::from(asked));
            told_truly(&site, &verification.left, &verification.kept, case)?;
            can_be_ended(&site, &request).await?;
        }
        (expected, ended) => prop_assert!(false, "{expected:?}, but {ended:?}"),
    }
    Ok(())
}

/// The verification names everything that exists, and nothing that does not.
fn told_truly(site: &Site, left: &[Remaining], kept: &[Remaining], case: &Case) -> Result<(), TestCaseError> {
    let alive: BTreeSet<String> =
        site.lab.world.ours().into_iter().chain(site.lab.world.leftovers()).map(|seen: Observed| seen.id).collect();
    let told: BTreeSet<String> = left.iter().chain(kept).map(|one| one.id.clone()).collect();
    let hidden: Vec<&String> = alive.difference(&told).collect();
    prop_assert!(hidden.is_empty(), "{:?} exist and are not told", hidden);
    let gone: Vec<&Remaining> = left.iter().filter(|one| !alive.contains(&one.id)).collect();
    // What AWS is still deleting exists as well.
    let gone: Vec<&&Remaining> = gone.iter().filter(|one| one.address.kind().facts().delete_seconds <= 1).collect();
    prop_assert!(gone.is_empty(), "{:?} are told and do not exist", gone);
    let document = site.lab.document();
    for one in kept {
        prop_assert_eq!(document.resources.get(&one.address).map(|record| record.status), Some(RecordStatus::Retained));
        prop_assert!(case.data == DataChoice::Retain);
    }
    if case.data == DataChoice::Retain {
        let buckets = site.lab.world.ours().iter().filter(|seen| seen.address.kind() == Kind::S3Bucket).count();
        prop_assert_eq!(buckets, 4, "kept data stays");
    }
    Ok(())
}

/// Without faults and protections, a further destroy of the same cluster leaves nothing.
async fn can_be_ended(site: &Site, request: &TeardownRequest) -> Result<(), TestCaseError> {
    site.lab.world.clear_faults();
    let ids: Vec<String> = site.lab.world.ours().iter().map(|seen| seen.address.to_string()).collect();
    ids.iter().for_each(|of| site.lab.world.tag(of, "domino-eks:cluster", NAME));
    let last = TeardownRequest { data: DataChoice::Delete, lift_protection: true, is_confirmed: true, ..request.clone() };
    // Data that appears only now, after the nodes, is shown by this run and deleted by the next one.
    let mut left = Vec::new();
    for _ in 0..2 {
        match site.destroy(&last, &Person::who_says(Answer::NoTerminal)).await {
            Ok(Teardown::Verified { verification, .. }) => left = verification.left,
            other => prop_assert!(false, "{other:?}"),
        }
        let is_late_data =
            |one: &Remaining| one.reason == RemainingReason::HeldBack(Reason::DataNotShown) || one.address.kind() == Kind::KmsKey;
        prop_assert!(left.iter().all(is_late_data), "{:?}", left);
    }
    prop_assert!(left.is_empty(), "{:?}", left);
    prop_assert_eq!(site.lab.world.live(), ["security-group/of-others"]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn destroy_decides_by_the_rules_and_tells_the_truth(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(&case))?;
    }
}
