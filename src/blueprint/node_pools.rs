//! Launch templates and Auto Scaling Groups: one template a pool, one group a pool and zone (POOL-1…POOL-9).

use super::addresses::{self, node_role};
use super::lookup::{Lookup, Question};
use super::resource_builder::{ResourceBuilder, Tags};
use super::user_data::user_data;
use crate::config::model::{AmiFamily, Arch, Network, Pool, ZoneSize};
use crate::resource::{Address, Desired, Input, Kind, spec};

const AUTOSCALER: &str = "k8s.io/cluster-autoscaler";

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let mut resources = Vec::new();
    for pool in &builder.config.pools {
        resources.push(launch_template(builder, pool));
        resources.extend(pool.zones.iter().map(|zone| group(builder, pool, zone)));
    }
    resources
}

pub(super) fn lookups(builder: &ResourceBuilder<'_>) -> Vec<Lookup> {
    builder.config.pools.iter().map(|pool| image(builder, pool)).collect()
}

fn image(builder: &ResourceBuilder<'_>, pool: &Pool) -> Lookup {
    if let Some(id) = &pool.ami_id {
        return Lookup { key: format!("image/{id}"), question: Question::Image { id: id.clone() } };
    }
    let kubernetes = builder.config.kubernetes.version.clone();
    let gpu = pool.gpu.is_some();
    let family = match pool.ami_family {
        AmiFamily::Al2023 => "al2023",
        AmiFamily::Al2 => "al2",
    };
    let arch = match pool.arch {
        Arch::X86_64 => "x86_64",
        Arch::Arm64 => "arm64",
    };
    let variant = if gpu { "nvidia" } else { "standard" };
    Lookup {
        key: format!("image/{family}/{arch}/{variant}/{kubernetes}"),
        question: Question::NewestImage { family: pool.ami_family, arch: pool.arch, gpu, kubernetes },
    }
}

fn launch_template(builder: &ResourceBuilder<'_>, pool: &Pool) -> Desired {
    let image = image(builder, pool).key;
    let mut launch_tags = builder.user_tags();
    launch_tags.extend(pool.tags.clone());
    launch_tags.insert("Name".to_owned(), builder.name(&pool.name));
    let spec = spec::LaunchTemplate {
        name: builder.name(&pool.name),
        image: Input::reference(&image, "id"),
        instance_type: pool.instance_type.clone(),
        instance_profile: Input::arn(&Address::new(Kind::InstanceProfile, node_role(pool.role))),
        security_groups: vec![Input::reference(addresses::cluster(), "security_group"), Input::id(&addresses::node_security_group())],
        user_data: user_data(&builder.config.name, pool),
        root_device: Input::reference(&image, "root_device"),
        disk_gib: pool.disk_gib,
        kms_key: builder.key_arn(),
        spot: pool.spot,
        launch_tags,
    };
    builder.resource(addresses::launch_template(pool), &spec)
}

fn group(builder: &ResourceBuilder<'_>, pool: &Pool, zone: &ZoneSize) -> Desired {
    let template = addresses::launch_template(pool);
    let tags = group_tags(builder, pool, &zone.zone);
    let mut propagated: Vec<String> = builder.user_tags().into_keys().chain(pool.tags.keys().cloned()).collect();
    propagated.extend(["Name".to_owned(), format!("kubernetes.io/cluster/{}", builder.config.name)]);
    propagated.sort();
    propagated.dedup();
    let spec = spec::AutoScalingGroup {
        name: format!("{}-{}-{}", builder.config.name, pool.name, zone.zone),
        zone: zone.zone.clone(),
        launch_template: Input::id(&template),
        version: Input::reference(&template, "version"),
        subnet: builder.private_subnet(&zone.zone),
        min: zone.min,
        max: zone.max,
        propagated_tags: propagated,
    };
    // A booting node needs its route to AWS, its access entry, and the add-ons that every node runs.
    let group = builder.resource_with(addresses::node_group(pool, &zone.zone), &spec, tags);
    group
        .after(egress(builder, &zone.zone))
        .after([addresses::node_entry(node_role(pool.role))])
        .after_created(addresses::add_ons_before_nodes())
}

/// What carries the traffic of a node to EKS, ECR and S3: its route table and the interface endpoints.
fn egress(builder: &ResourceBuilder<'_>, zone: &str) -> Vec<Address> {
    match &builder.config.network {
        Network::Managed(network) => {
            let endpoints = network.interface_endpoints.iter().map(|service| addresses::interface_endpoint(service));
            std::iter::once(addresses::private_routes(zone)).chain(endpoints).collect()
        }
        Network::Existing(_) => Vec::new(),
    }
}

/// The tags that the cloud provider and the cluster autoscaler read (POOL-6, docs/aws.md, "Autoscaler tags"). While a group is empty, the
/// autoscaler knows processors, memory and devices from the instance type, but labels, taints and disk only from tags.
fn group_tags(builder: &ResourceBuilder<'_>, pool: &Pool, zone: &str) -> Tags {
    let cluster = &builder.config.name;
    let template = |kind: &str, key: &str| format!("{AUTOSCALER}/node-template/{kind}/{key}");
    let mut tags = pool.tags.clone();
    tags.insert(format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned());
    tags.insert(format!("{AUTOSCALER}/enabled"), "true".to_owned());
    tags.insert(format!("{AUTOSCALER}/{cluster}"), "owned".to_owned());
    tags.extend(pool.labels.iter().map(|(key, value)| (template("label", key), value.clone())));
    tags.insert(template("label", "topology.ebs.csi.aws.com/zone"), zone.to_owned());
    tags.insert(template("resources", "ephemeral-storage"), format!("{}G", pool.disk_gib));
    tags.insert(template("resources", "smarter-devices/fuse"), "20".to_owned());
    tags.extend(pool.taints.iter().map(|taint| (template("taint", &taint.key), format!("{}:{}", taint.value, taint.effect))));
    tags
}
