//! Launch template (POOL-9). Token. Versions never change, so what a recorded version holds is in the state.

use crate::aws::Aws;
use crate::aws::chunks::LAUNCH_TEMPLATE_PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{
    LaunchTemplate as Template, LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateHttpTokensState, LaunchTemplateIamInstanceProfileSpecificationRequest, LaunchTemplateInstanceMarketOptionsRequest,
    LaunchTemplateInstanceMetadataEndpointState, LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateInstanceMetadataTagsState,
    LaunchTemplateTagSpecificationRequest, MarketType, RequestLaunchTemplateData, ResourceType, ResponseLaunchTemplateData, Tag,
    ValidationWarning, VolumeType,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;

/// Pods that use the node's role (autoscaler, S3) are one hop behind the node (docs/aws.md, "Launch templates").
const METADATA_HOPS: i32 = 2;

pub(in crate::aws) struct LaunchTemplate;

type Spec = spec::LaunchTemplate;

impl Resource for LaunchTemplate {
    type Spec = Spec;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut call = aws.ec2.describe_launch_templates().max_results(LAUNCH_TEMPLATE_PAGE);
        if query.is_ours() {
            call = call.set_filters(Some(tags::filters(aws, query, "")));
        } else {
            // Templates cannot be filtered by id, and a filter never fails on absent ones, so they are found by name.
            let names = query.items().iter().filter_map(|item| item.spec.get("name")?.as_str().map(str::to_owned));
            call = call.filters(tags::filter("launch-template-name", names));
        }
        let templates = classify("DescribeLaunchTemplates", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
        let mut seen = Vec::new();
        for template in &templates {
            seen.extend(observed(aws, query, template).await?);
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, token: &str) -> Result<Created, Failure> {
        let call =
            aws.ec2.create_launch_template().client_token(token).launch_template_name(&new.spec.name).launch_template_data(data(&new.spec));
        let answer = classify(
            "CreateLaunchTemplate",
            call.tag_specifications(tags::specification(ResourceType::LaunchTemplate, &new.tags)).send().await,
        )?;
        warn(&new.spec.name, answer.warning());
        let id = answer.launch_template().and_then(Template::launch_template_id);
        let id = id.ok_or_else(|| unexpected("CreateLaunchTemplate", "the answer names no template"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[("version", "1")]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, Spec>) -> Result<(), Failure> {
        Ok(())
    }

    /// Creates a new version; Auto Scaling Groups refer to theirs by number.
    async fn update(aws: &Aws, it: &Typed<'_, Spec>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let call = aws.ec2.create_launch_template_version().launch_template_id(&it.id).launch_template_data(data(&it.spec));
        let answer = classify("CreateLaunchTemplateVersion", call.send().await)?;
        warn(&it.spec.name, answer.warning());
        let version = answer.launch_template_version().and_then(|version| version.version_number());
        let version = version.ok_or_else(|| unexpected("CreateLaunchTemplateVersion", "the answer names no version"))?.to_string();
        // So that the console shows the version in use.
        let call = aws.ec2.modify_launch_template().launch_template_id(&it.id).default_version(&version);
        classify("ModifyLaunchTemplate", call.send().await)?;
        Ok(BTreeMap::from([("version".to_owned(), version)]))
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteLaunchTemplate", aws.ec2.delete_launch_template().launch_template_id(&item.id).send().await).map(drop)
    }
}

/// AWS accepts templates that cannot work and only returns a warning.
fn warn(name: &str, warning: Option<&ValidationWarning>) {
    for error in warning.map(ValidationWarning::errors).unwrap_or_default() {
        tracing::warn!(template = name, code = error.code(), "AWS warns: {}", error.message().unwrap_or_default());
    }
}

fn data(spec: &Spec) -> RequestLaunchTemplateData {
    let profile = LaunchTemplateIamInstanceProfileSpecificationRequest::builder().arn(spec.instance_profile.as_str()).build();
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .http_put_response_hop_limit(METADATA_HOPS)
        // Tag keys with a slash are refused while the metadata service exposes tags.
        .instance_metadata_tags(LaunchTemplateInstanceMetadataTagsState::Disabled)
        .build();
    let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
        .volume_type(VolumeType::Gp3)
        .volume_size(spec.disk_gib)
        .encrypted(true)
        .delete_on_termination(true)
        .set_kms_key_id(spec.kms_key.as_ref().map(|key| key.as_str().to_owned()));
    let disk = LaunchTemplateBlockDeviceMappingRequest::builder().device_name(spec.root_device.as_str()).ebs(volume.build()).build();
    let spot = spec.spot.then(|| LaunchTemplateInstanceMarketOptionsRequest::builder().market_type(MarketType::Spot).build());
    RequestLaunchTemplateData::builder()
        .image_id(spec.image.as_str())
        .instance_type(spec.instance_type.as_str().into())
        .iam_instance_profile(profile)
        .set_security_group_ids(Some(spec.security_groups.iter().map(|group| group.as_str().to_owned()).collect()))
        .user_data(STANDARD.encode(spec.user_data.as_str()))
        .block_device_mappings(disk)
        .metadata_options(metadata)
        .set_instance_market_options(spot)
        .set_tag_specifications(Some(launch_tags(spec)))
        .build()
}

fn launch_tags(spec: &Spec) -> Vec<LaunchTemplateTagSpecificationRequest> {
    let tags: Vec<Tag> = spec.launch_tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let kinds = [ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
    kinds.map(|kind| LaunchTemplateTagSpecificationRequest::builder().resource_type(kind).set_tags(Some(tags.clone())).build()).to_vec()
}

async fn observed(aws: &Aws, query: &Query, template: &Template) -> Result<Option<Observed>, Failure> {
    let id = template.launch_template_id().unwrap_or_default();
    let found = tags::of_ec2(template.tags());
    let recorded = query.items().iter().find(|item| item.id == id);
    if let Some(version) = recorded.and_then(|item| item.attributes.get("version")) {
        // A newer version made by others does not matter: the groups refer to ours by number.
        return Ok(tags::observed(aws, id, found, serde_json::json!({}), &[("version", version)], Readiness::Ready));
    }
    let call = aws.ec2.describe_launch_template_versions().launch_template_id(id).versions("$Latest");
    // A template may be deleted between the list and this call.
    let Some(versions) = or_absent(classify("DescribeLaunchTemplateVersions", call.send().await))? else { return Ok(None) };
    let Some(latest) = versions.launch_template_versions().first() else { return Ok(None) };
    let number = latest.version_number().unwrap_or(1).to_string();
    let name = template.launch_template_name().unwrap_or_default();
    let spec = latest.launch_template_data().map_or(Value::Null, |data| json(&spec_of(name, data)));
    Ok(tags::observed(aws, id, found, spec, &[("version", &number)], Readiness::Ready))
}

fn spec_of(name: &str, data: &ResponseLaunchTemplateData) -> Spec {
    let disk = data.block_device_mappings().first();
    let volume = disk.and_then(|disk| disk.ebs());
    let encoded = data.user_data().unwrap_or_default();
    let user_data = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Spec {
        name: name.to_owned(),
        image: Input::from(data.image_id().unwrap_or_default()),
        instance_type: data.instance_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        instance_profile: Input::from(data.iam_instance_profile().and_then(|profile| profile.arn()).unwrap_or_default()),
        security_groups: data.security_group_ids().iter().map(|id| Input::from(id.as_str())).collect(),
        user_data: Input::from(user_data),
        root_device: Input::from(disk.and_then(|disk| disk.device_name()).unwrap_or_default()),
        disk_gib: volume.and_then(|volume| volume.volume_size()).unwrap_or(0),
        kms_key: volume.and_then(|volume| volume.kms_key_id()).map(Input::from),
        spot: data.instance_market_options().and_then(|options| options.market_type()) == Some(&MarketType::Spot),
        launch_tags: data.tag_specifications().first().map(|tags| tags::of_ec2(tags.tags())).unwrap_or_default(),
    }
}
