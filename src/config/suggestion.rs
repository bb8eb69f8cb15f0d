//! What a mistyped word may have meant.

/// Longest part of a word that is compared, because a value may be a megabyte long.
const COMPARED_CHARACTERS: usize = 64;

/// Suggests the nearest known word, or lists all of them.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            let all: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            format!("choose from {}", all.join(", "))
        }
    }
}

/// The nearest known word, if it is near enough; upper and lower case do not matter.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let compared: String = word.to_lowercase().chars().take(COMPARED_CHARACTERS).collect();
    let distance = |known: &str| strsim::levenshtein(&compared, &known.to_lowercase());
    let (distance, nearest) = known.iter().map(|known| (distance(known), *known)).min()?;
    (distance <= 1 + word.chars().count() / 4).then_some(nearest)
}
