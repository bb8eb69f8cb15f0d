//! Answers to the blueprint's look-ups: images, add-on versions, an existing network.

use super::Aws;
use super::chunks::PAGE;
use super::errors::classify;
use super::tags::filter;
use crate::blueprint::{Lookup, Question};
use crate::config::model::{AmiFamily, Arch, ExistingNetwork};
use crate::engine::LookupError;
use crate::resource::Attributes;
use aws_sdk_ec2::types::{AttributeBooleanValue, Image, Subnet, VpcAttributeName};
use std::collections::BTreeMap;

type Answer = BTreeMap<String, String>;

fn unsuitable<T>(message: String, help: &str) -> Result<T, LookupError> {
    Err(LookupError::Unsuitable { message, help: help.to_owned() })
}

/// Answers all look-ups that no pin answers.
///
/// # Errors
/// The first look-up that AWS refuses or that has no usable answer.
pub(super) async fn lookups(aws: &Aws, questions: &[Lookup], pins: &BTreeMap<String, Answer>) -> Result<Attributes, LookupError> {
    let mut tasks = tokio::task::JoinSet::new();
    let mut answers = Attributes::new();
    for lookup in questions {
        match pins.get(&lookup.key).filter(|_| lookup.question.is_pinned()) {
            Some(pin) => drop(answers.insert(lookup.key.clone(), pin.clone())),
            None => {
                let (aws, lookup) = (aws.clone(), lookup.clone());
                tasks.spawn(async move { answer(&aws, &lookup.question).await.map(|answer| (lookup.key, answer)) });
            }
        }
    }
    while let Some(joined) = tasks.join_next().await {
        let (key, answer) = joined.map_err(|error| super::errors::unexpected("look up", &error.to_string()).caused_by(error))??;
        answers.insert(key, answer);
    }
    Ok(answers)
}

async fn answer(aws: &Aws, question: &Question) -> Result<Answer, LookupError> {
    match question {
        Question::NewestImage { family, arch, gpu, kubernetes } => newest_image(aws, *family, *arch, *gpu, kubernetes).await,
        Question::Image { id } => given_image(aws, id).await,
        Question::AddOnVersion { name, kubernetes } => add_on_version(aws, name, kubernetes).await,
        Question::ExistingNetwork { network } => existing_network(aws, network).await,
    }
}

/// Patterns of the names under which EKS publishes its images. The owner alias `amazon` is verified by AWS and valid in every partition,
/// while the publishing accounts differ by region.
fn image_pattern(family: AmiFamily, arch: Arch, gpu: bool, kubernetes: &str) -> String {
    let arch = match arch {
        Arch::X86_64 => "x86_64",
        Arch::Arm64 => "arm64",
    };
    match (family, gpu) {
        (AmiFamily::Al2023, false) => format!("amazon-eks-node-al2023-{arch}-standard-{kubernetes}-v*"),
        // Some releases have the driver's version between the two.
        (AmiFamily::Al2023, true) => format!("amazon-eks-node-al2023-{arch}-nvidia-*{kubernetes}-v*"),
        (AmiFamily::Al2, true) => format!("amazon-eks-gpu-node-{kubernetes}-v*"),
        (AmiFamily::Al2, false) if arch == "arm64" => format!("amazon-eks-arm64-node-{kubernetes}-v*"),
        (AmiFamily::Al2, false) => format!("amazon-eks-node-{kubernetes}-v*"),
    }
}

async fn newest_image(aws: &Aws, family: AmiFamily, arch: Arch, gpu: bool, kubernetes: &str) -> Result<Answer, LookupError> {
    let pattern = image_pattern(family, arch, gpu, kubernetes);
    let call = aws
        .ec2
        .describe_images()
        .owners("amazon")
        .filters(filter("name", [pattern.clone()]))
        .filters(filter("state", ["available".to_owned()]))
        .max_results(PAGE);
    let images = classify("DescribeImages", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
    match images.iter().max_by_key(|image| image.creation_date().unwrap_or_default()) {
        Some(newest) => Ok(image_answer(newest)),
        None => unsuitable(
            format!("AWS offers no image `{pattern}` in {}", aws.connection.region),
            "choose another `kubernetes.version` or `amiFamily`, or give the pool an `amiId`",
        ),
    }
}

async fn given_image(aws: &Aws, id: &str) -> Result<Answer, LookupError> {
    // A filter returns an empty list for an image that does not exist; an id would be an error.
    let call = aws.ec2.describe_images().filters(filter("image-id", [id.to_owned()])).max_results(PAGE);
    let images = classify("DescribeImages", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
    match images.first() {
        Some(image) => Ok(image_answer(image)),
        None => unsuitable(
            format!("the image `{id}` does not exist in {} or is not shared with this account", aws.connection.region),
            "correct `amiId`",
        ),
    }
}

fn image_answer(image: &Image) -> Answer {
    let pairs = [("id", image.image_id()), ("root_device", Some(image.root_device_name().unwrap_or("/dev/xvda"))), ("name", image.name())];
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
}

async fn add_on_version(aws: &Aws, name: &str, kubernetes: &str) -> Result<Answer, LookupError> {
    let call = aws.eks.describe_addon_versions().addon_name(name).kubernetes_version(kubernetes);
    let addons = classify("DescribeAddonVersions", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
    let versions = addons.iter().flat_map(|addon| addon.addon_versions());
    let default = versions
        .into_iter()
        .find(|version| version.compatibilities().iter().any(|it| it.default_version() && it.cluster_version() == Some(kubernetes)));
    match default.and_then(|version| version.addon_version()) {
        Some(version) => Ok(Answer::from([("version".to_owned(), version.to_owned())])),
        None => unsuitable(
            format!("EKS offers no `{name}` for Kubernetes {kubernetes} in {}", aws.connection.region),
            "choose a Kubernetes version that EKS supports, or give the version under `kubernetes.addOnVersions`",
        ),
    }
}

/// An existing network is checked and never changed (NET-5).
async fn existing_network(aws: &Aws, network: &ExistingNetwork) -> Result<Answer, LookupError> {
    for attribute in [VpcAttributeName::EnableDnsSupport, VpcAttributeName::EnableDnsHostnames] {
        let name = attribute.as_str().to_owned();
        let answer =
            classify("DescribeVpcAttribute", aws.ec2.describe_vpc_attribute().vpc_id(&network.vpc_id).attribute(attribute).send().await)?;
        let value = answer.enable_dns_support().or(answer.enable_dns_hostnames());
        if value.and_then(AttributeBooleanValue::value) != Some(true) {
            return unsuitable(
                format!("`{name}` is off in {}", network.vpc_id),
                "EKS needs `enableDnsSupport` and `enableDnsHostnames` of the VPC; ask its owner to turn them on",
            );
        }
    }
    let wanted: BTreeMap<&String, &String> = [&network.private_subnets, &network.public_subnets, &network.control_plane_subnets]
        .iter()
        .flat_map(|zones| zones.iter().map(|(zone, id)| (id, zone)))
        .collect();
    let call = aws.ec2.describe_subnets().filters(filter("subnet-id", wanted.keys().map(|id| (*id).clone()))).max_results(PAGE);
    let subnets = classify("DescribeSubnets", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
    for (id, zone) in wanted {
        check_subnet(network, id, zone, subnets.iter().find(|subnet| subnet.subnet_id() == Some(id)))?;
    }
    Ok(Answer::from([("vpc".to_owned(), network.vpc_id.clone())]))
}

/// EKS needs six free addresses in each subnet of the control plane (docs/aws.md, "Control plane").
const FREE_ADDRESSES: i32 = 6;

fn check_subnet(network: &ExistingNetwork, id: &str, zone: &str, subnet: Option<&Subnet>) -> Result<(), LookupError> {
    let help = "correct the ids under `network.existing`";
    let Some(subnet) = subnet else { return unsuitable(format!("the subnet {id} does not exist"), help) };
    if subnet.vpc_id() != Some(&network.vpc_id) {
        return unsuitable(format!("the subnet {id} is in {}, not in {}", subnet.vpc_id().unwrap_or_default(), network.vpc_id), help);
    }
    if subnet.availability_zone() != Some(zone) {
        return unsuitable(format!("the subnet {id} is in {}, not in {zone}", subnet.availability_zone().unwrap_or_default()), help);
    }
    if subnet.available_ip_address_count().unwrap_or(0) < FREE_ADDRESSES {
        return unsuitable(format!("the subnet {id} has fewer than {FREE_ADDRESSES} free addresses"), "use a larger subnet");
    }
    Ok(())
}
