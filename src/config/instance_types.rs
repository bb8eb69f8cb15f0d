//! What is known of EC2 instance types without asking AWS: enough for POOL-8, architecture and devices.
//!
//! Types that are not in the tables are accepted, because AWS adds new ones faster than this file changes.

use super::model::{Arch, Gpu};

/// What an instance type offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Specs {
    /// Virtual processors.
    pub(super) vcpus: u32,
    /// Memory in GiB, rounded down.
    pub(super) memory_gib: u32,
    /// NVIDIA devices.
    pub(super) gpu: Option<Gpu>,
}

/// General families: GiB of memory for each vCPU; vCPUs follow from the size.
const GIB_PER_VCPU: &[(&str, u32)] = &[
    ("m5", 4),
    ("m5a", 4),
    ("m5d", 4),
    ("m5n", 4),
    ("m6a", 4),
    ("m6g", 4),
    ("m6i", 4),
    ("m6id", 4),
    ("m7a", 4),
    ("m7g", 4),
    ("m7i", 4),
    ("m7i-flex", 4),
    ("m8g", 4),
    ("c5", 2),
    ("c5a", 2),
    ("c6a", 2),
    ("c6g", 2),
    ("c6i", 2),
    ("c7a", 2),
    ("c7g", 2),
    ("c7i", 2),
    ("c7i-flex", 2),
    ("r5", 8),
    ("r5a", 8),
    ("r6a", 8),
    ("r6g", 8),
    ("r6i", 8),
    ("r7a", 8),
    ("r7g", 8),
    ("r7i", 8),
];

/// Burstable families do not scale evenly: size → vCPUs, GiB.
const BURSTABLE: &[(&str, u32, u32)] =
    &[("nano", 2, 0), ("micro", 2, 1), ("small", 2, 2), ("medium", 2, 4), ("large", 2, 8), ("xlarge", 4, 16), ("2xlarge", 8, 32)];

/// GPU families: accelerator name of the cluster autoscaler (`None`: not NVIDIA), sizes with vCPUs, GiB, devices.
type GpuFamily = (&'static str, Option<&'static str>, &'static [(&'static str, u32, u32, u32)]);

const GPU_FAMILIES: &[GpuFamily] = &[
    (
        "g4dn",
        Some("nvidia-tesla-t4"),
        &[
            ("xlarge", 4, 16, 1),
            ("2xlarge", 8, 32, 1),
            ("4xlarge", 16, 64, 1),
            ("8xlarge", 32, 128, 1),
            ("12xlarge", 48, 192, 4),
            ("16xlarge", 64, 256, 1),
            ("metal", 96, 384, 8),
        ],
    ),
    (
        "g4ad",
        None,
        &[("xlarge", 4, 16, 1), ("2xlarge", 8, 32, 1), ("4xlarge", 16, 64, 1), ("8xlarge", 32, 128, 2), ("16xlarge", 64, 256, 4)],
    ),
    (
        "g5",
        Some("nvidia-a10g"),
        &[
            ("xlarge", 4, 16, 1),
            ("2xlarge", 8, 32, 1),
            ("4xlarge", 16, 64, 1),
            ("8xlarge", 32, 128, 1),
            ("12xlarge", 48, 192, 4),
            ("16xlarge", 64, 256, 1),
            ("24xlarge", 96, 384, 4),
            ("48xlarge", 192, 768, 8),
        ],
    ),
    (
        "g6",
        Some("nvidia-l4"),
        &[
            ("xlarge", 4, 16, 1),
            ("2xlarge", 8, 32, 1),
            ("4xlarge", 16, 64, 1),
            ("8xlarge", 32, 128, 1),
            ("12xlarge", 48, 192, 4),
            ("16xlarge", 64, 256, 1),
            ("24xlarge", 96, 384, 4),
            ("48xlarge", 192, 768, 8),
        ],
    ),
    ("gr6", Some("nvidia-l4"), &[("4xlarge", 16, 128, 1), ("8xlarge", 32, 256, 1)]),
    (
        "g6e",
        Some("nvidia-l40s"),
        &[
            ("xlarge", 4, 32, 1),
            ("2xlarge", 8, 64, 1),
            ("4xlarge", 16, 128, 1),
            ("8xlarge", 32, 256, 1),
            ("12xlarge", 48, 384, 4),
            ("16xlarge", 64, 512, 1),
            ("24xlarge", 96, 768, 4),
            ("48xlarge", 192, 1536, 8),
        ],
    ),
    ("p4d", Some("nvidia-tesla-a100"), &[("24xlarge", 96, 1152, 8)]),
    ("p4de", Some("nvidia-tesla-a100"), &[("24xlarge", 96, 1152, 8)]),
    ("p5", Some("nvidia-h100"), &[("4xlarge", 16, 256, 1), ("48xlarge", 192, 2048, 8)]),
];

/// GPU families that EC2 no longer offers (docs/aws.md, "GPU families"), and what replaces them.
const RETIRED: &[(&str, &str)] = &[
    ("g2", "g5.2xlarge"),
    ("g3", "g5.2xlarge"),
    ("g3s", "g5.2xlarge"),
    ("p2", "g5.2xlarge"),
    ("p3", "g5.2xlarge"),
    ("p3dn", "p4d.24xlarge"),
];

/// Whether text reads as an instance type: `family.size`.
pub(super) fn is_instance_type(text: &str) -> bool {
    let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    text.split_once('.').is_some_and(|(family, size)| {
        word(family) && word(size) && family.starts_with(|c: char| c.is_ascii_lowercase()) && family.contains(|c: char| c.is_ascii_digit())
    })
}

/// The current type to use instead of a retired one.
pub(super) fn replacement(instance_type: &str) -> Option<&'static str> {
    let family = family_of(instance_type);
    RETIRED.iter().find(|(retired, _)| *retired == family).map(|(_, new)| *new)
}

/// Specs of a type in the tables.
pub(super) fn specs(instance_type: &str) -> Option<Specs> {
    let (family, size) = instance_type.split_once('.')?;
    let plain = |vcpus, memory_gib| Specs { vcpus, memory_gib, gpu: None };
    if matches!(family, "t3" | "t3a" | "t4g") {
        return BURSTABLE.iter().find(|(s, ..)| *s == size).map(|&(_, vcpus, gib)| plain(vcpus, gib));
    }
    if let Some((_, gib_per_vcpu)) = GIB_PER_VCPU.iter().find(|(f, _)| *f == family) {
        return vcpus_of_size(size).map(|vcpus| plain(vcpus, vcpus * gib_per_vcpu));
    }
    let (_, accelerator, sizes) = GPU_FAMILIES.iter().find(|(f, ..)| *f == family)?;
    let &(_, vcpus, memory_gib, count) = sizes.iter().find(|(s, ..)| *s == size)?;
    let gpu = accelerator.map(|name| Gpu { count, accelerator: name.to_owned() });
    Some(Specs { vcpus, memory_gib, gpu })
}

/// Whether a type carries NVIDIA devices; for types outside the tables the letters of the family decide.
pub(super) fn has_nvidia(instance_type: &str) -> bool {
    if let Some(specs) = specs(instance_type) {
        return specs.gpu.is_some();
    }
    let family = family_of(instance_type);
    let series: String = family.chars().take_while(char::is_ascii_alphabetic).collect();
    matches!(series.as_str(), "g" | "gr" | "p") && family != "g4ad"
}

/// Processor architecture: Graviton families carry a `g` behind their generation (`m7g`, `c6gn`, `g5g`).
pub(super) fn arch(instance_type: &str) -> Arch {
    let family = family_of(instance_type);
    let options = family.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches(|c: char| c.is_ascii_digit());
    let options = options.split('-').next().unwrap_or_default();
    if options.contains('g') || family == "a1" { Arch::Arm64 } else { Arch::X86_64 }
}

fn family_of(instance_type: &str) -> &str {
    instance_type.split('.').next().unwrap_or_default()
}

/// vCPUs of the regular sizes: `large` 2, `xlarge` 4, `Nxlarge` 4 N. Metal sizes differ by family and are unknown.
fn vcpus_of_size(size: &str) -> Option<u32> {
    match size {
        "medium" => Some(1),
        "large" => Some(2),
        "xlarge" => Some(4),
        _ => size.strip_suffix("xlarge")?.parse::<u32>().ok().filter(|n| *n <= 64).map(|n| n * 4),
    }
}
