//! What plan, apply, status and destroy share: connection, state, look-ups, observation, and the plan made of them.

use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::{Loaded, Settings};
use super::state_location::Store;
use crate::aws::{Aws, Connection, another_cluster, lookups, observe_all};
use crate::blueprint::blueprint;
use crate::config::{Config, unknown_region_hint};
use crate::engine::{Action, INTENT_ATTRIBUTE, Inputs, Item, Observed, Pace, Plan, Readiness, Twins, Verb, plan, twins};
use crate::resource::{Address, Attributes, Desired, Kind, resolve_known};
use crate::state::{Document, Intent};
use std::collections::{BTreeMap, BTreeSet};

/// Everything known before a decision.
pub(super) struct Session {
    pub(super) aws: Aws,
    pub(super) state: Document,
    pub(super) lookups: Attributes,
    pub(super) observed: Vec<Observed>,
    pub(super) plan: Plan,
    /// Second objects of one address.
    pub(super) twins: Twins,
    /// Answers that the state does not hold yet.
    pub(super) new_pins: BTreeMap<String, BTreeMap<String, String>>,
}

/// The cluster that a command is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its region.
    pub(super) region: &'a str,
    /// The partition of the region, where a configuration tells.
    pub(super) partition: Option<&'a str>,
    /// Where the configuration wants the state.
    pub(super) state: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The cluster of a configuration.
    pub(super) fn of(config: &'a Config) -> Self {
        Self { name: &config.name, region: &config.region, partition: Some(&config.partition), state: config.state.as_deref() }
    }
}

/// Runs a command that talks to AWS; the others start no runtime.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::new(Exit::Failed, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    // A thread may still wait for an answer at the terminal.
    runtime.shutdown_background();
    result
}

/// Connects and says to whom.
pub(super) async fn connect(target: &Target<'_>, settings: &Settings, printer: &Printer) -> Result<Aws, CliError> {
    warn_of_region(target.region, printer);
    let aws = Aws::connect(target.name, target.region).await?;
    if settings.pace != Pace::REAL && !aws.connection.is_local() {
        return Err(CliError::new(Exit::Changes, "the waits are scaled, which is only for tests against a local AWS; nothing was changed")
            .hint("unset DOMINO_EKS_TIME_SCALE"));
    }
    printer.say(&described(target.name, &aws.connection));
    if let Some(partition) = target.partition.filter(|partition| *partition != aws.connection.partition) {
        let message =
            format!("the credentials belong to partition `{}`, but region {} is in `{partition}`", aws.connection.partition, target.region);
        return Err(CliError::new(Exit::Credentials, message).hint("use credentials of the right partition, or correct `region`"));
    }
    Ok(aws)
}

/// A region that this version does not know may be mistyped; it may also be newer.
pub(super) fn warn_of_region(region: &str, printer: &Printer) {
    if let Some(hint) = unknown_region_hint(region) {
        printer.always(&format!("warning: `{region}` is unknown to this version; {hint}"));
    }
}

/// Connects, and opens the store of the state.
pub(super) async fn connect_store(target: &Target<'_>, settings: &Settings, printer: &Printer) -> Result<(Aws, Store), CliError> {
    let location = settings.state_location(target)?;
    let aws = connect(target, settings, printer).await?;
    let store = location.open(&aws, settings.pace);
    Ok((aws, store))
}

/// Account, region and endpoint in a line: shown before anything is changed.
pub(super) fn described(cluster: &str, connection: &Connection) -> String {
    let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
    format!(
        "Cluster {cluster} · account {} · region {} · endpoint {endpoint}\nAs {}",
        connection.account, connection.region, connection.caller
    )
}

/// The state, checked against who we are; an empty one when there is none.
pub(super) fn state_for(aws: &Aws, found: Option<Document>) -> Result<Document, CliError> {
    let connection = &aws.connection;
    let Some(state) = found else {
        return Ok(Document::new(&connection.account, &connection.partition, &connection.region, &aws.cluster));
    };
    match other_owner(aws, &state) {
        None => Ok(state),
        Some(fault) => Err(CliError::new(Exit::Failed, format!("the state {fault}"))
            .hint("use the credentials, region and configuration that the state was made with; nothing was changed")),
    }
}

/// Whom a state belongs to, when that is not who we are.
pub(super) fn other_owner(aws: &Aws, state: &Document) -> Option<String> {
    let connection = &aws.connection;
    let pairs = [
        ("account", &state.account, &connection.account),
        ("region", &state.region, &connection.region),
        ("partition", &state.partition, &connection.partition),
        ("cluster", &state.cluster, &aws.cluster),
    ];
    let (what, recorded, asked) = pairs.iter().find(|(_, recorded, asked)| recorded != asked)?;
    Some(format!("belongs to {what} `{recorded}`, but this is {what} `{asked}`"))
}

impl Session {
    /// Looks at everything and makes the plan. Writes nothing.
    pub(super) async fn open(aws: Aws, loaded: &Loaded, found: Option<Document>) -> Result<Self, CliError> {
        let state = state_for(&aws, found)?;
        let wanted = blueprint(&loaded.config);
        let lookups = lookups(&aws, &wanted.lookups, &state.pins).await?;
        let observed = observe_all(&aws, items(&state, &wanted.resources, &lookups)).await?;
        refuse_other_lineage(&state, &observed)?;
        let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &lookups };
        let mut plan = plan(&inputs)?;
        refuse_namesake(&aws, &state, &mut plan).await?;
        let twins = twins(&inputs);
        let pinned = wanted.lookups.iter().filter(|lookup| lookup.question.is_pinned() && !state.pins.contains_key(&lookup.key));
        let new_pins = pinned.filter_map(|lookup| Some((lookup.key.clone(), lookups.get(&lookup.key)?.clone()))).collect();
        Ok(Self { aws, state, lookups, observed, plan, twins, new_pins })
    }
}

/// A cluster of this name that is not ours is found out before anything is made for it.
async fn refuse_namesake(aws: &Aws, state: &Document, plan: &mut Plan) -> Result<(), CliError> {
    let is_new = |action: &&mut Action| action.kind == Kind::EksCluster && action.verb == Verb::Create && action.existing.is_none();
    let Some(cluster) = plan.actions.iter_mut().find(is_new) else { return Ok(()) };
    if let Some(other) = another_cluster(aws, &state.lineage, None).await? {
        cluster.verb = Verb::Blocked;
        cluster.reason =
            format!("{} exists and was not made under this state; choose another `name`, or delete that cluster first", other.arn);
    }
    Ok(())
}

impl Session {
    /// Says what a person should look at.
    pub(super) fn warn(&self, printer: &Printer) {
        warn_of(&self.twins, printer);
    }

    /// Whether a run would do anything.
    pub(super) fn has_work(&self) -> bool {
        self.plan.has_changes() || !self.twins.empty.is_empty()
    }
}

/// Says which second objects there are, and what becomes of them.
pub(super) fn warn_of(twins: &Twins, printer: &Printer) {
    for twin in &twins.empty {
        let name = Twins::name(twin);
        printer.always(&format!("warning: {name} is left from a request whose answer was lost; nothing uses it: it will be deleted"));
    }
    for twin in &twins.unclear {
        let name = Twins::name(twin);
        printer.always(&format!("warning: {name} carries our tags, but another object has its place; look at it, and delete it in AWS"));
    }
}

/// Everything to look for: what is recorded, by id; what is wanted, by its natural key as far as it is known.
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
    // Begun under an older configuration: still looked for under the name of then.
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

/// The one state that everything was made under: the one that is asked for, or the only one that AWS shows.
pub(super) fn the_lineage(observed: &[Observed], asked: Option<&str>) -> Result<Option<String>, CliError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seen in observed {
        if let Some(lineage) = lineage_of(seen) {
            *counts.entry(lineage).or_default() += 1;
        }
    }
    let listed = || counts.iter().map(|(lineage, count)| format!("{lineage} ({count} resources)")).collect::<Vec<_>>().join(", ");
    match (asked, counts.len()) {
        (Some(asked), _) if counts.contains_key(asked) => Ok(Some(asked.to_owned())),
        (Some(asked), 0) => Err(CliError::new(Exit::Failed, format!("AWS holds nothing of lineage {asked}"))),
        (Some(asked), _) => {
            Err(CliError::new(Exit::Failed, format!("AWS holds nothing of lineage {asked}")).hint(format!("there is {}", listed())))
        }
        (None, 0 | 1) => Ok(counts.keys().next().map(|lineage| (*lineage).to_owned())),
        (None, _) => Err(CliError::new(Exit::Failed, format!("the resources were made under several states: {}", listed()))
            .hint("choose one with `--lineage`; nothing was changed")),
    }
}

/// Resources that carry this cluster's tag but were made under another state: never a second cluster beside them.
pub(super) fn refuse_other_lineage(state: &Document, observed: &[Observed]) -> Result<(), CliError> {
    let is_other = |observed: &&Observed| {
        let lineage = lineage_of(observed);
        // Tags of what is recorded may not have been read; what is not recorded must prove that it is ours.
        let recorded = state.resources.contains_key(&observed.address);
        lineage.map_or(!recorded, |lineage| lineage != state.lineage)
    };
    // A key of an earlier cluster waits for weeks until AWS deletes it.
    let is_waiting = |observed: &&Observed| observed.address.kind() == Kind::KmsKey && observed.readiness == Readiness::Deleting;
    let others: BTreeSet<&Address> =
        observed.iter().filter(is_other).filter(|seen| !is_waiting(seen)).map(|observed| &observed.address).collect();
    if others.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = others.iter().take(5).map(ToString::to_string).collect();
    let more = if others.len() > names.len() { ", …" } else { "" };
    let message = format!(
        "AWS holds {} resources tagged as cluster `{}` that this state does not know ({}{more})",
        others.len(),
        state.cluster,
        names.join(", ")
    );
    let error = CliError::new(Exit::Failed, message);
    if state.is_empty() {
        return Err(error
            .hint("the state was lost or lies elsewhere: name it with `--state`, or build it anew with `domino-eks state recover`")
            .hint("or choose another cluster name; nothing was changed"));
    }
    let lineages: BTreeSet<&str> = observed.iter().filter(is_other).filter_map(lineage_of).collect();
    Err(name_is_taken(error, state, &lineages))
}

/// The name is used by what lives under another state: a state that knows something is not to be built anew.
fn name_is_taken(error: CliError, state: &Document, lineages: &BTreeSet<&str>) -> CliError {
    let error = error.hint("another cluster or state uses this name: if that one is meant, name its state with `--state`");
    let named = lineages.iter().fold(error, |error, lineage| {
        error.hint(format!(
            "to destroy that one: `domino-eks destroy --cluster {} --region {} --lineage {lineage} --state EMPTY-FOLDER`",
            state.cluster, state.region
        ))
    });
    named.hint("or choose another cluster name; nothing was changed")
}

/// The state that it was made under, by its tags.
pub(super) fn lineage_of(observed: &Observed) -> Option<&str> {
    Some(observed.tags.as_ref()?.get("domino-eks:lineage")?)
}
