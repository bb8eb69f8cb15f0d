//! The characters of keys: a key is any UTF-8 text of up to 1,024 bytes, and XML 1.0 cannot represent all of them.

use percent_encoding::percent_decode;

/// A key or marker as `encoding-type=url` writes it: percent-encoded, a space as `+`. `None` when it is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(|text| text.into_owned())
}

/// Whether an XML body represents the key unchanged; otherwise the key can only be sent in a URL.
///
/// The SDK writes carriage returns and line feeds as references, but some control characters exist in no XML 1.0 document at all, and
/// white space at the ends may be trimmed by the reader.
pub(super) fn fits_xml(key: &str) -> bool {
    key.trim() == key && key.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

/// The key for display, without characters that a terminal would interpret.
pub(super) fn shown(key: &str) -> String {
    key.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        for (encoded, key) in [
            ("plain/key.txt", "plain/key.txt"),
            ("a+b", "a b"),
            ("a%2Bb", "a+b"),
            ("a%20b", "a b"),
            ("100%25", "100%"),
            ("%E2%82%AC/%F0%9F%98%80", "€/😀"),
            ("a%00b%01", "a\0b\u{1}"),
            ("a%0D%0Ab", "a\r\nb"),
            ("%26lt%3B%3C%3E%22%27", "&lt;<>\"'"),
            ("..%2F.", "../."),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Some(key), "{encoded}");
        }
        assert_eq!(decoded("%FF"), None);
    }

    #[test]
    fn only_what_xml_carries_goes_into_a_body() {
        for yes in ["a", "a b", "a\tb", "a\r\nb", "<&>\"']]>", "€😀", "a\u{85}b", "a\u{2028}b", "\u{fffd}", "+", "%00"] {
            assert!(fits_xml(yes), "{yes:?}");
        }
        for no in ["a\0", "\u{1}a", "a\u{b}b", "\u{1b}[0m", "a\u{1f}b", "\u{fffe}", "a\u{ffff}", " a", "a ", "\n", " "] {
            assert!(!fits_xml(no), "{no:?}");
        }
    }

    #[test]
    fn shown_keys_do_not_command_the_terminal() {
        assert_eq!(shown("a\u{1b}[31m\n€ b"), "a\\u{1b}[31m\\n€ b");
    }
}
