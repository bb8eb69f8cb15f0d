//! Notes for the reviewer of a plan: how pools spread over zones, what the docker bridge does, and a missing route to AWS.

use crate::config::Config;
use crate::config::model::{AmiFamily, Nat, Network, Pool};

/// Notes on a configuration, one line each.
pub fn notes(config: &Config) -> Vec<String> {
    let mut notes: Vec<String> = config.pools.iter().map(pool_line).collect();
    notes.extend(bridge_lines(config));
    notes.extend(egress_line(config));
    notes
}

/// Sizes of a pool in total and by zone (POOL-5).
fn pool_line(pool: &Pool) -> String {
    let zones: Vec<String> = pool.zones.iter().map(|zone| format!("{} {}–{}", zone.zone, zone.min, zone.max)).collect();
    let spot = if pool.spot { ", spot" } else { "" };
    format!("pool {}: {}–{} × {}{spot}, {} GiB ({})", pool.name, pool.min, pool.max, pool.instance_type, pool.disk_gib, zones.join(", "))
}

/// Which of the two implementations of the docker bridge applies (POOL-7).
fn bridge_lines(config: &Config) -> Vec<String> {
    let with = |family: AmiFamily| {
        let names: Vec<&str> =
            config.pools.iter().filter(|pool| pool.docker_bridge && pool.ami_family == family).map(|pool| pool.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let al2023 = with(AmiFamily::Al2023).map(|pools| {
        format!("docker bridge ({pools}): a guarded user-data part configures Docker where the image has it; EKS's own AL2023 images run containerd, where it does nothing")
    });
    let al2 = with(AmiFamily::Al2)
        .map(|pools| format!("docker bridge ({pools}): `--enable-docker-bridge true` in the bootstrap call; ignored under containerd"));
    al2023.into_iter().chain(al2).collect()
}

fn egress_line(config: &Config) -> Option<String> {
    let Network::Managed(network) = &config.network else { return None };
    (network.nat == Nat::None && network.interface_endpoints.is_empty()).then(|| {
        "no NAT gateway and no interface endpoints: nodes cannot reach EKS or ECR unless there is another route out of the VPC".to_owned()
    })
}
