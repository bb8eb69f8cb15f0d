//! Formats numbers for messages.

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 version`, `20,000 versions`.
pub(in crate::aws) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `512 B`, `1.2 GiB`.
pub(in crate::aws) fn bytes(number: impl Into<i128>) -> String {
    let number = number.into();
    let mut size = number as f64;
    let mut unit = "B";
    for larger in UNITS {
        // A size that would be shown as 1024.0 belongs to the next unit.
        if size < 1023.95 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    if unit == "B" { format!("{number} B") } else { format!("{size:.1} {unit}") }
}

/// The parts that are not zero, each with its number, then the bytes of the versions.
pub(in crate::aws) fn listed(parts: &[(u64, String)], versions: u64, size: u64) -> String {
    let mut all: Vec<&str> = parts.iter().filter(|(number, _)| *number > 0).map(|(_, text)| text.as_str()).collect();
    let size = bytes(size);
    if versions > 0 {
        all.push(&size);
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        for (number, text) in
            [(0, "0 versions"), (1, "1 version"), (999, "999 versions"), (1000, "1,000 versions"), (1_234_567, "1,234,567 versions")]
        {
            assert_eq!(counted(number, "version"), text);
        }
    }

    #[test]
    fn bytes_have_units() {
        for (number, text) in [
            (0_u64, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1_288_490_189, "1.2 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text, "{number}");
        }
    }
}
