//! Addresses: `kind/name`, per-zone ones `kind/name/zone`.

use super::Kind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{cmp::Ordering, fmt, str::FromStr};

/// Name of a resource in plans, in the state and in its tag: `subnet/private/us-west-2a`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    kind: Kind,
    rest: String,
}

/// Text that is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resource address; write `kind/name` or `kind/name/zone`")]
pub struct AddressError(String);

impl Address {
    /// `kind/name`. Names are made by the blueprint, never taken raw from a user.
    pub fn new(kind: Kind, name: &str) -> Self {
        Self { kind, rest: name.to_owned() }
    }

    /// `kind/name/zone`.
    pub fn zonal(kind: Kind, name: &str, zone: &str) -> Self {
        Self { kind, rest: format!("{name}/{zone}") }
    }

    /// The kind before the first slash.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What follows the kind: `private/us-west-2a`.
    pub fn name(&self) -> &str {
        &self.rest
    }

    /// The zone of a per-zone address.
    #[cfg(test)]
    pub fn zone(&self) -> Option<&str> {
        self.rest.split_once('/').map(|(_, zone)| zone)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.kind, self.rest))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError(text.to_owned());
        let (kind, rest) = text.split_once('/').ok_or_else(bad)?;
        let kind = Kind::from_name(kind).ok_or_else(bad)?;
        if rest.is_empty() || rest.split('/').any(str::is_empty) || rest.split('/').count() > 2 {
            return Err(bad());
        }
        Ok(Self { kind, rest: rest.to_owned() })
    }
}

/// Order of a plan: by kind in the order of creation, then by name.
impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.kind.cmp(&other.kind).then_with(|| self.rest.cmp(&other.rest))
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_print() {
        for text in ["vpc/main", "subnet/private/us-west-2a", "autoscaling-group/platform/us-west-2c"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let zonal = Address::zonal(Kind::Subnet, "private", "us-west-2a");
        assert_eq!(zonal.zone(), Some("us-west-2a"));
        assert_eq!(Address::new(Kind::Vpc, "main").zone(), None);
    }

    #[test]
    fn text_that_is_no_address_is_refused() {
        for text in ["", "vpc", "vpc/", "nonsense/main", "subnet/a/b/c", "subnet//a"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError(text.to_owned())));
        }
    }
}
