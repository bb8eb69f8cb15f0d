//! Generated programs: sequences of what the user, AWS and others do.

use crate::engine::FailureKind;
use proptest::prelude::*;
use std::fmt;

/// How a run ends, unless it ends by itself first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum How {
    Whole,
    /// The user stops it after this many seconds.
    Stopped(f64),
    /// The process is killed at the k-th point: before or after the effect of a call or an entry.
    Dies(usize),
    /// The disk is full after this many entries.
    DiskFull(usize),
}

/// Calls that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Configure,
    Update,
    Delete,
    Observe,
}

/// One step of a program. Numbers of resources count those desired at the time, and wrap around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Op {
    Apply(How),
    Destroy(How),
    /// A destroy that keeps data.
    DestroyKeeping(How),
    Plan,
    /// A call on a resource fails this many times; with a lost answer, the call may have taken effect.
    Fault {
        call: Call,
        slot: usize,
        took_effect: bool,
        kind: FailureKind,
        times: usize,
    },
    /// The state is lost and recovered.
    LoseState,
    /// An old copy of the state is restored: the n-th of those made before each run.
    Restore(usize),
    Add(usize),
    Remove(usize),
    Edit(usize),
    Replace(usize),
    Rename(usize),
    /// A change that must be refused is planned, and then reverted.
    Refused(usize),
    /// Another user changes a field.
    Drift(usize),
    Untag(usize),
    Vanish(usize),
    /// Another user creates a resource under a name under which we have not begun to create one.
    Foreign(usize),
    /// Kubernetes leaves a resource, now or when its nodes are terminated.
    Leave(usize),
    /// Another user creates a resource in our network.
    MoveIn,
    /// The resource of another user in our network is deleted.
    MoveOut,
    /// Seconds for which new resources are invisible, from now on.
    Lag(u64),
    /// Seconds pass.
    Wait(u64),
}

/// Rows of the table at the start, and the steps.
#[derive(Clone, PartialEq)]
pub(super) struct Program {
    pub(super) graph: Vec<usize>,
    pub(super) ops: Vec<Op>,
}

/// In a form that can be pasted into a test.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n    holds(\n        &{:?},\n        &[", self.graph)?;
        self.ops.iter().try_for_each(|op| writeln!(f, "            {op:?},"))?;
        write!(f, "        ],\n    );")
    }
}

/// What a group of programs is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    /// Runs that are interrupted and calls that fail.
    Interruptions,
    /// Edits and drift beside that.
    Changes,
    /// Lost and old states, and resources of others.
    States,
    /// Clusters in use: leftovers of Kubernetes, resources of others, data that is kept.
    Leftovers,
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        3 => Just(How::Whole),
        2 => prop_oneof![20u32..80, 20u32..8000].prop_map(|tenths| How::Stopped(f64::from(tenths) / 10.0)),
        3 => (0usize..120).prop_map(How::Dies),
        1 => (0usize..30).prop_map(How::DiskFull),
    ]
}

fn run() -> impl Strategy<Value = Op> {
    prop_oneof![4 => how().prop_map(Op::Apply), 1 => how().prop_map(Op::Destroy)]
}

fn fault() -> impl Strategy<Value = Op> {
    let call = prop_oneof![
        4 => Just(Call::Create),
        1 => Just(Call::Configure),
        1 => Just(Call::Update),
        2 => Just(Call::Delete),
        1 => Just(Call::Observe),
    ];
    let kind = prop_oneof![
        4 => Just(FailureKind::LostAnswer),
        1 => Just(FailureKind::Busy),
        1 => Just(FailureKind::NotYet),
        1 => Just(FailureKind::Permission),
        1 => Just(FailureKind::Credentials),
        1 => Just(FailureKind::Other),
    ];
    let times = prop_oneof![4 => 1usize..4, 1 => Just(30usize)];
    (call, 0usize..9, any::<bool>(), kind, times).prop_map(|(call, slot, took_effect, kind, times)| Op::Fault {
        call,
        slot,
        took_effect: took_effect && kind == FailureKind::LostAnswer,
        kind,
        times,
    })
}

fn time() -> impl Strategy<Value = Op> {
    let lag = prop_oneof![Just(0u64), Just(2), Just(20)];
    let wait = prop_oneof![1u64..40, 40u64..900];
    prop_oneof![2 => lag.prop_map(Op::Lag), 1 => wait.prop_map(Op::Wait)]
}

fn change() -> impl Strategy<Value = Op> {
    let slot = 0usize..9;
    prop_oneof![
        2 => (0..super::graph::SLOTS).prop_map(Op::Add),
        2 => slot.clone().prop_map(Op::Remove),
        2 => slot.clone().prop_map(Op::Edit),
        2 => slot.clone().prop_map(Op::Replace),
        1 => slot.clone().prop_map(Op::Rename),
        1 => slot.clone().prop_map(Op::Refused),
        1 => slot.clone().prop_map(Op::Drift),
        1 => slot.clone().prop_map(Op::Untag),
        1 => slot.prop_map(Op::Vanish),
    ]
}

fn state() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => Just(Op::LoseState),
        2 => (0usize..6).prop_map(Op::Restore),
        2 => (0usize..9).prop_map(Op::Foreign),
        1 => Just(Op::Plan),
    ]
}

fn used() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0usize..6).prop_map(Op::Leave),
        3 => how().prop_map(Op::DestroyKeeping),
        2 => Just(Op::MoveIn),
        1 => Just(Op::MoveOut),
    ]
}

fn op(theme: Theme) -> BoxedStrategy<Op> {
    match theme {
        Theme::Interruptions => prop_oneof![4 => run(), 2 => fault(), 1 => time()].boxed(),
        Theme::Changes => prop_oneof![3 => run(), 1 => fault(), 1 => time(), 4 => change()].boxed(),
        Theme::States => prop_oneof![4 => run(), 1 => fault(), 1 => time(), 2 => change(), 3 => state()].boxed(),
        Theme::Leftovers => prop_oneof![5 => run(), 1 => fault(), 1 => time(), 1 => change(), 6 => used()].boxed(),
    }
}

/// Programs of a theme.
pub(super) fn programs(theme: Theme) -> impl Strategy<Value = Program> {
    let graph = prop::collection::vec(0..super::graph::SLOTS, 1..5);
    let most = if theme == Theme::Interruptions { 5 } else { 7 };
    (graph, prop::collection::vec(op(theme), 1..most)).prop_map(|(graph, ops)| Program { graph, ops })
}
