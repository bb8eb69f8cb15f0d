//! The lineage: under which state the resources of a cluster were made, according to their tags.

use super::error::Refusal;
use crate::engine::Observed;
use crate::resource::{Address, ownership};
use crate::state::Document;
use std::collections::{BTreeMap, BTreeSet};

/// The lineage in its tags.
pub(super) fn lineage_of(observed: &Observed) -> Option<&str> {
    Some(observed.tags.as_ref()?.get(ownership::LINEAGE)?)
}

/// The lineage that a command is about: the one that was asked for, or the only one that AWS shows.
pub(super) fn the_lineage(observed: &[Observed], asked: Option<&str>) -> Result<Option<String>, Refusal> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for lineage in observed.iter().filter_map(lineage_of) {
        *counts.entry(lineage).or_default() += 1;
    }
    let listed = || counts.iter().map(|(lineage, count)| format!("{lineage} ({count} resources)")).collect::<Vec<_>>().join(", ");
    match (asked, counts.len()) {
        (Some(asked), _) if counts.contains_key(asked) => Ok(Some(asked.to_owned())),
        (Some(asked), _) => Err(Refusal::LineageAbsent { asked: asked.to_owned(), present: listed() }),
        (None, 0 | 1) => Ok(counts.keys().next().map(|lineage| (*lineage).to_owned())),
        (None, _) => Err(Refusal::SeveralLineages(listed())),
    }
}

/// Refuses when resources of this cluster were made under another state, so that no second cluster is created beside them. Keys of
/// an earlier cluster that are scheduled for deletion do not count.
pub(super) fn refuse_other_lineage(state: &Document, observed: &[Observed]) -> Result<(), Refusal> {
    let is_other = |observed: &&Observed| {
        // The tags of a recorded resource may not have been read; one that is not recorded must have our lineage.
        let recorded = state.resources.contains_key(&observed.address);
        lineage_of(observed).map_or(!recorded, |lineage| lineage != state.lineage)
    };
    let others: Vec<&Observed> = observed.iter().filter(is_other).filter(|seen| !seen.is_scheduled()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let addresses: BTreeSet<Address> = others.iter().map(|seen| seen.address.clone()).collect();
    Err(Refusal::OtherLineage {
        cluster: state.cluster.clone(),
        region: state.region.clone(),
        addresses,
        lineages: observed.iter().filter(is_other).filter_map(lineage_of).map(str::to_owned).collect(),
        state_is_empty: state.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Readiness;
    use crate::resource::Kind;
    use serde_json::json;

    fn seen(lineage: &str) -> Observed {
        Observed {
            address: Address::new(Kind::Vpc, "main"),
            id: "vpc-1".to_owned(),
            attributes: BTreeMap::new(),
            spec: json!({}),
            tags: Some(BTreeMap::from([(ownership::LINEAGE.to_owned(), lineage.to_owned())])),
            readiness: Readiness::Ready,
        }
    }

    #[test]
    fn one_lineage_is_chosen_by_itself_and_of_several_the_one_that_is_asked_for() {
        let both = [seen("a"), seen("b")];
        assert_eq!(the_lineage(&[], None), Ok(None));
        assert_eq!(the_lineage(&both[..1], None), Ok(Some("a".to_owned())));
        assert_eq!(the_lineage(&both, Some("b")), Ok(Some("b".to_owned())));
        assert_eq!(the_lineage(&both, None), Err(Refusal::SeveralLineages("a (1 resources), b (1 resources)".to_owned())));
        let absent = |asked: &str, present: &str| Err(Refusal::LineageAbsent { asked: asked.to_owned(), present: present.to_owned() });
        assert_eq!(the_lineage(&both, Some("c")), absent("c", "a (1 resources), b (1 resources)"));
        assert_eq!(the_lineage(&[], Some("c")), absent("c", ""));
    }
}
