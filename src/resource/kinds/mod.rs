//! The pure half of each kind, one file for each kind: its spec and its facts.
//!
//! Specs hold only fields that we own; references to other resources are [`Input`](super::Input)s. Lists that AWS treats as
//! sets are kept sorted by the observing side, and compared as sets by the plan.

use super::facts::{Change, Facts};
use super::kind::Kind;
use super::list::for_each_kind;
use std::fmt;

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident $module:ident;)*) => {
        $(mod $module;)*
        $(pub use $module::*;)*

        impl Kind {
            /// The facts of the kind.
            pub fn facts(self) -> &'static Facts {
                match self { $(Kind::$variant => &$module::FACTS,)* }
            }
        }
    };
}

for_each_kind!(declare);

impl Kind {
    /// Name of the kind in addresses.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Kinds that we create and manage.
    pub fn managed() -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(|kind| !kind.facts().leftover)
    }

    /// Kinds that only destroy looks for.
    pub fn leftovers() -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(|kind| kind.facts().leftover)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What a change of a top-level spec field means.
    pub fn change_class(self, field: &str) -> Change {
        self.facts().changes.iter().find(|(name, _)| *name == field).map_or(Change::InPlace, |(_, class)| *class)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn precious_kinds_are_never_replaced() {
        for kind in Kind::ALL.iter().filter(|kind| kind.facts().holds_data) {
            assert!(kind.facts().changes.iter().all(|(_, class)| *class != Change::Replace), "{kind}");
        }
    }

    #[test]
    fn what_is_kept_with_data_holds_none_itself() {
        for kind in Kind::ALL {
            let Some(data) = kind.facts().kept_with else { continue };
            assert!(data.facts().holds_data && !kind.facts().holds_data, "{kind}");
        }
    }
}
