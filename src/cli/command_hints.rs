//! Commands that messages name as the next step get the `--file` and `--state` of this run.

use super::args::Global;

/// Flags of this run that the next command needs as well.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandHints {
    file: String,
    state: String,
}

impl CommandHints {
    /// The flags of this run.
    pub(super) fn of(global: &Global) -> Self {
        let flag = |name: &str, value: Option<String>| value.map(|value| format!(" {name} {}", quoted(&value))).unwrap_or_default();
        Self { file: flag("-f", global.file.as_ref().map(|file| file.display().to_string())), state: flag("--state", global.state.clone()) }
    }

    /// The text with these flags in every command that it names in backquotes.
    pub(super) fn complete(&self, text: &str) -> String {
        if self.file.is_empty() && self.state.is_empty() {
            return text.to_owned();
        }
        let parts = text.split('`').enumerate();
        // Every second part is in backquotes.
        let completed = parts.map(|(number, part)| if number % 2 == 1 { self.completed(part) } else { part.to_owned() });
        completed.collect::<Vec<_>>().join("`")
    }

    fn completed(&self, command: &str) -> String {
        let mut words = command.split_whitespace();
        if words.next() != Some("domino-eks") || words.next().is_none() {
            return command.to_owned();
        }
        let has = |flags: &[&str]| command.split_whitespace().any(|word| flags.contains(&word));
        let file = if has(&["-f", "--file", "--cluster"]) { "" } else { &self.file };
        let state = if has(&["--state"]) { "" } else { &self.state };
        format!("{command}{file}{state}")
    }
}

/// The text quoted for a shell, where it needs quotes.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints() -> CommandHints {
        CommandHints { file: " -f a.yaml".to_owned(), state: " --state 'my states'".to_owned() }
    }

    #[test]
    fn commands_name_the_same_file_and_state() {
        let both = |text: &str| hints().complete(text);
        assert_eq!(both("run `domino-eks plan`, then apply"), "run `domino-eks plan -f a.yaml --state 'my states'`, then apply");
        assert_eq!(
            both("`domino-eks destroy --cluster c` or `domino-eks status`"),
            "`domino-eks destroy --cluster c --state 'my states'` or `domino-eks status -f a.yaml --state 'my states'`"
        );
        assert_eq!(both("`domino-eks state push x -f FILE --state PLACE`"), "`domino-eks state push x -f FILE --state PLACE`");
        assert_eq!(both("set `protect: false`; domino-eks plan"), "set `protect: false`; domino-eks plan");
        assert_eq!(both("`domino-eks` made it"), "`domino-eks` made it");
        assert_eq!(CommandHints::default().complete("`domino-eks plan`"), "`domino-eks plan`");
    }

    #[test]
    fn odd_names_go_into_quotes() {
        assert_eq!(quoted("s3://bucket/a-b_c.d"), "s3://bucket/a-b_c.d");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
