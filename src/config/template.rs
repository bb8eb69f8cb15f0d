//! The commented file that `init` writes.

use super::profiles;

/// The text of a first configuration: name, region, zones, and what is most often changed as comments.
///
/// `profile` is one of [`super::profile_names`]; an unknown one is written as it is and refused by `parse`.
pub fn template(profile: &str, name: &str, region: &str, zones: &[String], state: Option<&str>) -> String {
    let location = state.map(|state| {
        format!("\n# Location of the state; everybody who works on this cluster uses the same one.\nstate: {}\n", quoted(state))
    });
    let about =
        profiles::profile_text(profile).and_then(|text| text.lines().next()).and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
    include_str!("template.yaml")
        .replace("{about}", about)
        .replace("{profile}", profile)
        .replace("{name}", &quoted(name))
        .replace("{region}", &quoted(region))
        .replace("{zones}", &zones.iter().map(|z| quoted(z)).collect::<Vec<_>>().join(", "))
        + &location.unwrap_or_default()
}

/// Puts text into quotes that YAML would read as something else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
