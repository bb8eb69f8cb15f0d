//! What Domino's installer needs to know (OUT-1).

use super::super::checker::Checker;
use super::super::model::Domino;
use super::super::names;

/// Builds the FQDN and checks it against other installations' names.
pub(super) fn domino(checker: &mut Checker<'_>) -> Domino {
    let file = checker.file;
    if let Some(fqdn) = &file.domino.fqdn {
        host_name(checker, &["domino", "fqdn"], fqdn);
    }
    for (i, other) in file.domino.other_fqdns.iter().enumerate() {
        host_name(checker, &["domino", "otherFqdns", &i.to_string()], other);
        if let Some(fqdn) = &file.domino.fqdn {
            apart(checker, fqdn, other);
        }
    }
    Domino { fqdn: file.domino.fqdn.clone() }
}

fn host_name(checker: &mut Checker<'_>, path: &[&str], name: &str) {
    if names::is_dns_name(name) && name.contains('.') {
        return;
    }
    let bare = name.split_once("://").map_or(name, |(_, rest)| rest).split('/').next().unwrap_or_default().to_lowercase();
    let help = if names::is_dns_name(&bare) && bare.contains('.') {
        format!("write `{bare}`")
    } else {
        "write a full host name in lower case, such as `domino.example.com`".to_owned()
    };
    checker.refuse(path, "OUT-1", format!("`{name}` is not a full host name"), help);
}

/// A Domino whose name is below another's name would receive its cookies.
fn apart(checker: &mut Checker<'_>, fqdn: &str, other: &str) {
    let below = |a: &str, b: &str| a.strip_suffix(b).is_some_and(|rest| rest.ends_with('.'));
    let relation = if fqdn == other {
        "the same as that of"
    } else if below(fqdn, other) {
        "below that of"
    } else if below(other, fqdn) {
        "above that of"
    } else {
        return;
    };
    let message = format!("the name `{fqdn}` is {relation} another Domino, `{other}`");
    checker.refuse(&["domino", "fqdn"], "OUT-1", message, "choose a name beside the other one, under their common domain");
}
