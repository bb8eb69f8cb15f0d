//! Subnets of the VPC that is created: computed or given, inside the VPC, without overlaps, large enough (NET-1).

use super::super::checker::Checker;
use super::super::layout::{self, Layout};
use super::super::model::{Nat, Subnet, Tier};
use super::super::names;
use super::identity::zone_key;
use indexmap::IndexMap;
use ipnet::Ipv4Net;

/// Minimum number of addresses in the private subnets of a whole cluster: a /23 (from Domino's documentation).
const LEAST_PRIVATE: u64 = 512;

/// The subnets of one tier: zones that need one, and the user's explicit ranges.
struct Plan<'a> {
    tier: Tier,
    zones: &'a [String],
    ranges: &'a IndexMap<String, String>,
}

/// Builds all subnets, in the order public, private, control plane.
pub(super) fn subnets(checker: &mut Checker<'_>, vpc: Ipv4Net, nat: Nat) -> Option<Vec<Subnet>> {
    prefixes(checker, &vpc)?;
    let file = checker.file;
    let layout = Layout::new(vpc, file.network.private_prefix, file.network.public_prefix);
    let explicit = &file.network.subnets;
    let control_plane = control_plane_zones(checker);
    let public: &[String] = if nat == Nat::None { &[] } else { &file.zones };
    let plans = [
        (Tier::Public, public, &explicit.public),
        (Tier::Private, file.zones.as_slice(), &explicit.private),
        (Tier::ControlPlane, control_plane.as_slice(), &explicit.control_plane),
    ]
    .map(|(tier, zones, ranges)| Plan { tier, zones, ranges });
    let mut all = Vec::new();
    let before = checker.count();
    for plan in &plans {
        if plan.ranges.is_empty() {
            computed(checker, &mut all, plan, &layout);
        } else if plan.tier == Tier::Public && nat == Nat::None {
            let message = "there are no public subnets with `nat: none`";
            let help = "remove them, or choose `nat: single` or `per-zone`";
            checker.refuse_key(&["network", "subnets", "public"], "NET-2", message, help);
        } else {
            given(checker, &mut all, plan, &vpc);
        }
    }
    (checker.count() == before).then_some(())?;
    disjoint(checker, &all);
    large_enough(checker, &all);
    Some(all)
}

/// Checks the prefix lengths given.
fn prefixes(checker: &mut Checker<'_>, vpc: &Ipv4Net) -> Option<()> {
    let network = &checker.file.network;
    let given = [("privatePrefix", network.private_prefix), ("publicPrefix", network.public_prefix)];
    let least = vpc.prefix_len();
    let bad = |prefix: &u8| !(16..=28).contains(prefix) || *prefix < least;
    let before = checker.count();
    for (key, prefix) in given {
        let Some(prefix) = prefix.filter(bad) else {
            continue;
        };
        let message = format!("a subnet cannot be a /{prefix} in the VPC range `{vpc}`");
        let help = format!("use a prefix length between {least} and 28");
        checker.refuse(&["network", key], "NET-1", message, help);
    }
    (checker.count() == before).then_some(())
}

/// With one node zone, the zones of the control plane's own subnets (EKS always needs two zones).
fn control_plane_zones(checker: &Checker<'_>) -> Vec<String> {
    let file = checker.file;
    if file.zones.len() != 1 {
        return Vec::new();
    }
    let named = &file.kubernetes.control_plane_zones;
    if !named.is_empty() {
        return named.clone();
    }
    let explicit: Vec<String> = file.network.subnets.control_plane.keys().cloned().collect();
    if !explicit.is_empty() {
        return explicit;
    }
    ["a", "b", "c"]
        .map(|letter| format!("{}{letter}", file.region))
        .into_iter()
        .find(|zone| !file.zones.contains(zone))
        .into_iter()
        .collect()
}

fn computed(checker: &mut Checker<'_>, all: &mut Vec<Subnet>, plan: &Plan<'_>, layout: &Layout) {
    let tier = plan.tier;
    for (i, zone) in plan.zones.iter().enumerate() {
        let cidr = match tier {
            // Room is reserved for three private subnets even while there is only one.
            Tier::Private => layout.private(i).filter(|_| layout.private(2).is_some()),
            Tier::Public => layout.public(i).filter(|_| layout.public(2).is_some()),
            Tier::ControlPlane => layout.control_plane(i),
        };
        let Some(cidr) = cidr else {
            let message = format!(
                "the VPC range `{}` has no room for three private /{} and three public /{} subnets",
                layout.vpc, layout.private_prefix, layout.public_prefix
            );
            let key = if tier == Tier::Private { "privatePrefix" } else { "publicPrefix" };
            let paths: [&[&str]; 3] = [&["network", key], &["network", "privatePrefix"], &["network", "cidr"]];
            checker.refuse_first(&paths, "NET-1", message, "give a larger range or longer prefixes, or list all ranges under `subnets`");
            return;
        };
        all.push(Subnet { tier, zone: zone.clone(), cidr });
    }
}

fn given(checker: &mut Checker<'_>, all: &mut Vec<Subnet>, plan: &Plan<'_>, vpc: &Ipv4Net) {
    let tier = plan.tier;
    let key = tier_key(tier);
    for (zone, text) in plan.ranges {
        let path = ["network", "subnets", key, zone];
        zone_key(checker, &path, zone);
        wanted(checker, &path, plan, zone);
        fits(checker, &path, text, vpc);
    }
    for zone in plan.zones {
        let Some(text) = plan.ranges.get(zone) else {
            let message = format!("zone `{zone}` has no range under `{key}`");
            let help = "give a range for every zone, or none to have them computed";
            checker.refuse_key(&["network", "subnets", key], "NET-1", message, help);
            continue;
        };
        let zone = zone.clone();
        all.extend(names::cidr(text).ok().map(|cidr| Subnet { tier, zone, cidr }));
    }
}

/// Whether a zone of the region has a subnet of this tier at all.
fn wanted(checker: &mut Checker<'_>, path: &[&str], plan: &Plan<'_>, zone: &String) {
    let file = checker.file;
    if plan.tier == Tier::ControlPlane && file.zones.contains(zone) {
        let message = format!("the control plane already has a subnet in `{zone}`: the private one");
        let help = "name a zone without nodes; with three node zones leave `controlPlane` out";
        checker.refuse_key(path, "EKS-1", message, help);
    } else if !plan.zones.contains(zone) && names::region_of_zone(zone) == Some(&file.region) {
        let zones = if plan.zones.is_empty() { "none".to_owned() } else { plan.zones.join(", ") };
        let message = format!("zone `{zone}` has no {} subnet", plan.tier.as_str());
        checker.refuse_key(path, "NET-1", message, format!("the zones here are {zones}"));
    }
}

/// Whether a range can be a subnet of the VPC.
fn fits(checker: &mut Checker<'_>, path: &[&str], text: &str, vpc: &Ipv4Net) {
    let (rule, message, help) = match names::cidr(text) {
        Err((message, help)) => ("cidr", message, help),
        Ok(range) if !vpc.contains(&range) => {
            ("NET-1", format!("the subnet `{range}` is not inside the VPC range `{vpc}`"), "choose a part of the VPC's range".to_owned())
        }
        Ok(range) if !(16..=28).contains(&range.prefix_len()) => (
            "NET-1",
            format!("the subnet `{range}` is a /{}, AWS takes /16 to /28", range.prefix_len()),
            "choose a larger range".to_owned(),
        ),
        Ok(_) => return,
    };
    checker.refuse(path, rule, message, help);
}

fn disjoint(checker: &mut Checker<'_>, subnets: &[Subnet]) {
    for (i, subnet) in subnets.iter().enumerate() {
        let Some(other) = subnets[..i].iter().find(|o| names::overlap(&o.cidr, &subnet.cidr)) else {
            continue;
        };
        let paths = [subnet, other].map(|s| ["network", "subnets", tier_key(s.tier), &s.zone]);
        let message = format!(
            "the {} subnet `{}` of `{}` overlaps the {} subnet `{}` of `{}`",
            subnet.tier.as_str(),
            subnet.cidr,
            subnet.zone,
            other.tier.as_str(),
            other.cidr,
            other.zone
        );
        let candidates: [&[&str]; 4] = [&paths[0], &paths[1], &["network", "publicPrefix"], &["network", "cidr"]];
        checker.refuse_first(&candidates, "NET-1", message, "choose ranges without common addresses");
    }
}

fn tier_key(tier: Tier) -> &'static str {
    match tier {
        Tier::Public => "public",
        Tier::Private => "private",
        Tier::ControlPlane => "controlPlane",
    }
}

fn large_enough(checker: &mut Checker<'_>, subnets: &[Subnet]) {
    let addresses: u64 = subnets.iter().filter(|s| s.tier == Tier::Private).map(|s| layout::size(s.cidr.prefix_len())).sum();
    if addresses >= LEAST_PRIVATE {
        return;
    }
    let message = format!("the private subnets have {addresses} addresses, and a cluster needs {LEAST_PRIVATE} (a /23): one for every pod");
    let paths: [&[&str]; 3] = [&["network", "privatePrefix"], &["network", "subnets", "private"], &["network", "cidr"]];
    checker.refuse_first(&paths, "NET-1", message, "give a larger `network.cidr` or a shorter `network.privatePrefix`");
}
