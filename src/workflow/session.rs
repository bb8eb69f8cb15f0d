//! What plan, apply and status start from: the state, look-ups, everything that exists, and the plan made from these.

use super::error::{Refusal, WorkflowError};
use super::lineage::refuse_other_lineage;
use super::target::Loaded;
use crate::blueprint::blueprint;
use crate::engine::{Connection, Discovery, Duplicates, INTENT_ATTRIBUTE, Inputs, Item, Observed, Plan, Reason, Verb, duplicates, plan};
use crate::resource::{Address, Attributes, Desired, Kind, resolve_known};
use crate::state::{Document, Intent};
use std::collections::BTreeMap;

/// Everything known before a decision.
#[derive(Debug)]
pub struct Session {
    /// The state as it was read.
    pub state: Document,
    /// Answers of the look-ups.
    pub lookups: Attributes,
    /// What AWS shows.
    pub observed: Vec<Observed>,
    /// What would be done.
    pub plan: Plan,
    /// Second resources of an address.
    pub duplicates: Duplicates,
    /// Answers of look-ups that the state does not hold yet.
    pub new_pins: BTreeMap<String, BTreeMap<String, String>>,
}

impl Session {
    /// Reads everything from AWS and makes the plan. Changes nothing.
    ///
    /// # Errors
    /// When AWS refuses, when the state or existing resources belong to another cluster, and when a look-up has no usable answer.
    pub async fn open<P: Discovery>(provider: &P, loaded: &Loaded, found: Option<Document>) -> Result<Self, WorkflowError> {
        let state = state_for(provider, found)?;
        let wanted = blueprint(&loaded.config);
        let lookups = provider.lookups(&wanted.lookups, &state.pins).await?;
        let observed = provider.observe_all(items(&state, &wanted.resources, &lookups)).await?;
        refuse_other_lineage(&state, &observed)?;
        let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &lookups };
        let mut plan = plan(&inputs)?;
        block_taken_name(provider, &state, &mut plan).await?;
        let duplicates = duplicates(&inputs);
        let pinned = wanted.lookups.iter().filter(|lookup| lookup.question.is_pinned() && !state.pins.contains_key(&lookup.key));
        let new_pins = pinned.filter_map(|lookup| Some((lookup.key.clone(), lookups.get(&lookup.key)?.clone()))).collect();
        Ok(Self { state, lookups, observed, plan, duplicates, new_pins })
    }

    /// Whether a run would do anything.
    pub fn has_work(&self) -> bool {
        self.plan.has_changes() || !self.duplicates.empty.is_empty()
    }
}

/// The state, checked against the connection; an empty one when there is none.
///
/// # Errors
/// When it belongs to another account, region, partition or cluster.
pub fn state_for<P: Discovery>(provider: &P, found: Option<Document>) -> Result<Document, Refusal> {
    let (connection, cluster) = (provider.connection(), provider.cluster());
    let Some(state) = found else {
        return Ok(Document::new(&connection.account, &connection.partition, &connection.region, cluster));
    };
    match owner_mismatch(connection, cluster, &state) {
        None => Ok(state),
        Some(mismatch) => Err(Refusal::OtherOwner(mismatch)),
    }
}

/// The account, region, partition or cluster in which the state differs from the command, as a message.
pub fn owner_mismatch(connection: &Connection, cluster: &str, state: &Document) -> Option<String> {
    let pairs = [
        ("account", state.account.as_str(), connection.account.as_str()),
        ("region", &state.region, &connection.region),
        ("partition", &state.partition, &connection.partition),
        ("cluster", &state.cluster, cluster),
    ];
    let (what, recorded, asked) = pairs.iter().find(|(_, recorded, asked)| recorded != asked)?;
    Some(format!("belongs to {what} `{recorded}`, but this is {what} `{asked}`"))
}

/// Blocks the plan when a cluster of this name exists that is not ours, before anything is created.
async fn block_taken_name<P: Discovery>(provider: &P, state: &Document, plan: &mut Plan) -> Result<(), WorkflowError> {
    let is_new =
        |action: &&mut crate::engine::Action| action.kind == Kind::EksCluster && action.verb == Verb::Create && action.existing.is_none();
    let Some(cluster) = plan.actions.iter_mut().find(is_new) else { return Ok(()) };
    if let Some(other) = provider.another_cluster(&state.lineage, None).await? {
        cluster.verb = Verb::Blocked;
        cluster.reason = Reason::NameTaken(other.arn);
    }
    Ok(())
}

/// Everything to look for in AWS: recorded resources by id, desired ones by their natural key as far as that is known.
pub(super) fn items(state: &Document, wanted: &[Desired], lookups: &Attributes) -> Vec<Item> {
    let mut known = state.attributes();
    known.extend(lookups.iter().map(|(key, values)| (key.clone(), values.clone())));
    let recorded = state.resources.iter().map(|(address, record)| Item::recorded(address, record));
    let open = wanted.iter().filter(|desired| !state.resources.contains_key(&desired.address)).map(|desired| Item {
        address: desired.address.clone(),
        spec: resolve_known(&desired.spec, &known),
        tags: desired.tags.clone(),
        id: String::new(),
        attributes: state
            .intents
            .get(&desired.address)
            .map(|intent| (INTENT_ATTRIBUTE.to_owned(), intent.client_token.clone()))
            .into_iter()
            .collect(),
    });
    // A creation that was begun with an older configuration is looked for under the name in that configuration.
    let is_named = |address: &Address, intent: &Intent| {
        wanted
            .iter()
            .any(|desired| desired.address == *address && resolve_known(&desired.spec, &known).get("name") == intent.spec.get("name"))
    };
    let is_open = |address: &Address, intent: &Intent| !state.resources.contains_key(address) && !is_named(address, intent);
    let begun = state.intents.iter().filter(|(address, intent)| is_open(address, intent)).map(|(address, intent)| Item {
        address: address.clone(),
        spec: intent.spec.clone(),
        tags: BTreeMap::new(),
        id: String::new(),
        attributes: BTreeMap::from([(INTENT_ATTRIBUTE.to_owned(), intent.client_token.clone())]),
    });
    recorded.chain(open).chain(begun).collect()
}
