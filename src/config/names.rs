//! Formats of the names, ids and addresses that a file may hold, as pure functions on text.

use ipnet::Ipv4Net;

/// Prefixes and suffixes that bucket names must not have (docs/aws.md, "Buckets").
const BUCKET_PREFIXES: &[&str] = &["xn--", "sthree-", "amzn-s3-demo-"];
const BUCKET_SUFFIXES: &[&str] = &["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"];

/// Region prefixes of the partitions other than `aws`.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// Regions of AWS as of this version.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "eu-isoe-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The partition of a region.
pub(super) fn partition(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Lower-case letters, digits and inner hyphens, 1 to 63 characters (RFC 1123).
pub(super) fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// DNS labels joined by dots, 253 characters at most.
pub(super) fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// `us-west-2`, `us-gov-east-1`, `eusc-de-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    (2..=3).contains(&words.len())
        && words.iter().all(|w| (2..=9).contains(&w.len()) && w.chars().all(|c| c.is_ascii_lowercase()))
        && number.len() == 1
        && number.chars().all(|c| c.is_ascii_digit())
}

/// The region of a zone name such as `us-west-2a`; `None` when it is not a zone name (Local Zones have longer names).
pub(super) fn region_of_zone(zone: &str) -> Option<&str> {
    let region = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    is_region(region).then_some(region)
}

/// Whether S3 accepts a bucket name.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_bucket_name(name: &str) -> Result<(), String> {
    if !(3..=63).contains(&name.len()) {
        return Err(format!("it has {} characters instead of 3 to 63", name.len()));
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("it may have only lower-case letters, digits and hyphens (a dot breaks TLS)".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("it begins or ends with a hyphen".to_owned());
    }
    if let Some(prefix) = BUCKET_PREFIXES.iter().find(|p| name.starts_with(**p)) {
        return Err(format!("S3 reserves the prefix `{prefix}`"));
    }
    match BUCKET_SUFFIXES.iter().find(|s| name.ends_with(**s)) {
        Some(suffix) => Err(format!("S3 reserves the suffix `{suffix}`")),
        None => Ok(()),
    }
}

/// Whether text can be a cluster's name, apart from its length.
///
/// # Errors
/// What is wrong with it.
pub fn check_cluster_name(name: &str) -> Result<(), String> {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let good = plain && !name.starts_with('-') && !name.ends_with('-') && !name.is_empty();
    if good { Ok(()) } else { Err("it may have only lower-case letters, digits and inner hyphens".to_owned()) }
}

/// Whether text has the form of a region's name.
///
/// # Errors
/// What is wrong with it.
pub fn check_region(region: &str) -> Result<(), String> {
    if is_region(region) { Ok(()) } else { Err("it must look like `us-west-2`".to_owned()) }
}

/// What to do about a region that is not in the list of this version; `None` when it is. AWS opens new regions, so an unknown one is not
/// an error.
pub fn unknown_region_hint(region: &str) -> Option<String> {
    (!REGIONS.contains(&region)).then(|| super::suggestion::nearest(region, REGIONS)).map(|nearest| match nearest {
        Some(known) => format!("did you mean `{known}`?"),
        None => "check its name".to_owned(),
    })
}

/// Whether text is the location of a state: a directory or `s3://bucket/prefix`.
///
/// # Errors
/// What is wrong with it.
pub fn check_state_location(location: &str) -> Result<(), String> {
    match location.split_once("://") {
        Some(("s3", rest)) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            check_bucket_name(bucket)?;
            let plain = prefix.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c));
            if plain { Ok(()) } else { Err("the prefix may have only letters, digits and `/-_.`".to_owned()) }
        }
        Some((scheme, _)) => Err(format!("a state cannot be stored at `{scheme}://`")),
        None if location.trim().is_empty() => Err("it is empty".to_owned()),
        None => Ok(()),
    }
}

/// The parts of `arn:partition:service:region:account:resource`.
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

/// Splits an ARN into its parts.
pub(super) fn arn(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    (next()? == "arn").then_some(())?;
    Some(Arn { partition: next()?, service: next()?, region: next()?, account: next()?, resource: next()? })
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// `vpc-…`, `subnet-…`, `ami-…` with 8 or 17 hexadecimal digits.
pub(super) fn is_ec2_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| matches!(digits.len(), 8 | 17) && digits.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)))
}

/// A qualified Kubernetes name, `prefix/name` or `name`, as labels and taints use it.
pub(super) fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_name(prefix) && is_label_word(name),
        None => is_label_word(text),
    }
}

/// A label value: empty or a word.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_word(text)
}

fn is_label_word(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether kubelet registers a node with this label (NodeRestriction, docs/aws.md, "Node labels").
pub(super) fn kubelet_takes_label(key: &str) -> bool {
    const ALLOWED: &[&str] = &[
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
    ];
    const ALLOWED_DOMAINS: &[&str] = &["node.kubernetes.io", "kubelet.kubernetes.io"];
    let domain = key.split_once('/').map_or("", |(prefix, _)| prefix);
    let within = |parent: &str| domain == parent || domain.ends_with(&format!(".{parent}"));
    let reserved = within("kubernetes.io") || within("k8s.io");
    !reserved || ALLOWED.contains(&key) || ALLOWED_DOMAINS.iter().any(|d| within(d))
}

/// Letters, digits, spaces and `_.:/=+-@`, the set that every AWS service takes in tags.
pub(super) fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
}

/// A range given by its first address; otherwise the message and the help.
pub(super) fn cidr(text: &str) -> Result<Ipv4Net, (String, String)> {
    let net: Ipv4Net = text.parse().map_err(|_| {
        (format!("`{text}` is not an IPv4 range"), "write an address and a prefix length, such as `10.0.0.0/16`".to_owned())
    })?;
    let exact = net.trunc();
    if net == exact {
        return Ok(net);
    }
    Err((format!("`{text}` is not the first address of its range"), format!("write `{exact}`")))
}

/// Whether two ranges share an address.
pub(super) fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}
