//! Where the subnets of a managed VPC are placed (NET-1).
//!
//! A change from one zone to three must not move a range, so the places do not depend on how many zones there are: private blocks from
//! the start of the VPC with room for three, public blocks right behind, and the control plane's small subnets from the end.

use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Zones for which room is reserved.
const ZONES: u64 = 3;
/// Prefix length of control-plane subnets: 11 usable addresses, of which EKS needs 6.
const CONTROL_PLANE_PREFIX: u8 = 28;

/// Prefix lengths of a VPC's subnets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) vpc: Ipv4Net,
    pub(super) private_prefix: u8,
    pub(super) public_prefix: u8,
}

impl Layout {
    /// Prefix lengths as given, or /19 and /24 in a /16 and in proportion elsewhere.
    pub(super) fn new(vpc: Ipv4Net, private_prefix: Option<u8>, public_prefix: Option<u8>) -> Self {
        let default = |step: u8| (vpc.prefix_len() + step).min(28);
        Self { vpc, private_prefix: private_prefix.unwrap_or(default(3)), public_prefix: public_prefix.unwrap_or(default(8)) }
    }

    /// The private subnet of a zone, by the zone's index in the sorted list; `None` when the VPC has no room for it.
    pub(super) fn private(&self, zone: usize) -> Option<Ipv4Net> {
        self.block(zone as u64 * size(self.private_prefix), self.private_prefix)
    }

    /// The public subnet of a zone.
    pub(super) fn public(&self, zone: usize) -> Option<Ipv4Net> {
        let start = (ZONES * size(self.private_prefix)).next_multiple_of(size(self.public_prefix));
        self.block(start + zone as u64 * size(self.public_prefix), self.public_prefix)
    }

    /// The `i`-th control-plane subnet, counted from the end of the VPC.
    pub(super) fn control_plane(&self, i: usize) -> Option<Ipv4Net> {
        let from_end = (i as u64 + 1) * size(CONTROL_PLANE_PREFIX);
        self.block(size(self.vpc.prefix_len()).checked_sub(from_end)?, CONTROL_PLANE_PREFIX)
    }

    fn block(&self, offset: u64, prefix: u8) -> Option<Ipv4Net> {
        let end = offset.checked_add(size(prefix))?;
        if end > size(self.vpc.prefix_len()) {
            return None;
        }
        let start = u64::from(u32::from(self.vpc.network())) + offset;
        Ipv4Net::new(Ipv4Addr::from(u32::try_from(start).ok()?), prefix).ok()
    }
}

/// Addresses in a range of this prefix length.
pub(super) fn size(prefix: u8) -> u64 {
    1 << (32 - u32::from(prefix.min(32)))
}

/// A total spread exactly over zones, the remainder to the first ones: 4 over 3 is 2, 1, 1 (POOL-5).
pub(super) fn spread(total: u32, zones: u32) -> Vec<u32> {
    let zones = zones.max(1);
    (0..zones).map(|i| total / zones + u32::from(i < total % zones)).collect()
}
