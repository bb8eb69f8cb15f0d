//! Bytes, YAML, keys and types.

use super::{accepted, findings, one, refused, refused_saying, rules, three};
use crate::config::parse;

fn only_finding(bytes: &[u8]) -> (&'static str, usize, usize, String) {
    let all = parse("test.yaml", bytes).expect_err("accepted");
    assert_eq!(all.len(), 1, "{all}");
    let found = all.iter().next().unwrap();
    (found.rule, found.line, found.column, format!("{}\n{}", found.message, found.help))
}

#[test]
fn empty_files_are_refused() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "---\n# x\n...\n"] {
        let (rule, line, column, said) = only_finding(text.as_bytes());
        assert_eq!((rule, line, column), ("empty-file", 1, 1), "{text:?}");
        assert!(said.contains("domino-eks init"));
    }
}

#[test]
fn files_that_are_not_utf8_are_refused_with_line_and_byte() {
    let (rule, line, column, said) = only_finding(b"name: demo\nx: \"caf\xe9\"\n");
    assert_eq!((rule, line, column), ("utf-8", 2, 8));
    assert!(said.contains("byte 19 is `0xe9`"), "{said}");
    assert_eq!(only_finding(b"\xff\xfen\0a\0").0, "utf-8");
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    let text = format!("\u{feff}{}", one(""));
    assert_eq!(accepted(&text).name, "demo");
    let bad = format!("\u{feff}nme: x\n{}", one(""));
    assert_eq!(findings(&bad).iter().next().unwrap().column, 1);
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let text = one("kubernetes:\n  version: \"1.20\"").replace('\n', "\r\n");
    let all = findings(&text);
    let found = all.iter().next().unwrap();
    assert_eq!((found.rule, found.line, found.column), ("EKS-1", 5, 12));
    assert!(!all.to_string().contains('\r'));
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    let (rule, _, _, said) = only_finding(&vec![b'#'; 10_000_000]);
    assert_eq!(rule, "file-size");
    assert!(said.contains("10000000 bytes"), "{said}");
    let mut text = one("").into_bytes();
    text.extend(b"\n#");
    text.resize(1024 * 1024, b'x');
    assert!(parse("test.yaml", &text).is_ok(), "1 MiB is read");
    text.push(b'x');
    assert_eq!(only_finding(&text).0, "file-size");
}

#[test]
fn yaml_errors_come_alone_with_their_place() {
    let cases = [
        ("name: demo\n\tregion: x\n", 1, "tabs"),
        ("name: a: b\n", 1, "mapping values"),
        ("name: *nope\n", 1, "unknown value"),
        ("name: demo\n---\nname: other\n", 3, "second YAML document"),
        ("name: !secret x\n", 1, "`!secret`"),
        ("a: .inf\n", 1, "not a finite number"),
    ];
    for (text, line, words) in cases {
        let (rule, at, _, said) = only_finding(text.as_bytes());
        assert_eq!((rule, at), ("yaml", line), "{text:?}: {said}");
        assert!(said.contains(words), "{text:?}: {said}");
    }
}

#[test]
fn bombs_are_refused() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        let row = vec![format!("*a{}", i - 1); 10].join(", ");
        aliases.push_str(&format!("a{i}: &a{i} [{row}]\n"));
    }
    let deep = "[".repeat(100_000);
    let wide: String = (0..50_000).map(|i| format!("k{i}: 1\n")).collect();
    for text in [aliases, deep, wide] {
        let (rule, _, _, said) = only_finding(text.as_bytes());
        assert_eq!(rule, "yaml", "{said}");
        assert!(said.len() < 300);
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_one() {
    refused_saying(&one("§regoin: us-west-2"), "unknown-key", "did you mean `region`?");
    refused_saying(&one("kubernetes: {§logtypes: [api]}"), "unknown-key", "did you mean `logTypes`?");
    refused_saying(&one("encryption: {§zzzzzzz: own}"), "unknown-key", "choose from `key`");
    refused_saying(&one("pools: {default: {§size: 3}}"), "unknown-key", "of `default`");
    refused_saying(&one("tags: {a: b}\ndomino: {§<<: {fqdn: x}}"), "unknown-key", "merge keys");
}

#[test]
fn doubled_keys_are_refused_everywhere() {
    refused_saying(&one("§name: other"), "duplicate-key", "first on line 1");
    refused(&one("tags: {a: x, §a: y}"), "duplicate-key");
    refused(&one("pools:\n  default: {max: 30}\n  §default: {max: 40}"), "duplicate-key");
}

#[test]
fn wrong_types_are_refused_with_what_was_written() {
    refused_saying(&one("kubernetes: {version: §1.30}"), "wrong-type", "`\"1.30\"`");
    refused_saying(&one("tags: {cost-center: §0123, a: §1e3}").replacen('§', "", 1), "wrong-type", "`\"1e3\"`");
    refused_saying(&one("tags: {debug: §true}"), "wrong-type", "the boolean `true`");
    refused_saying(&one("protect: §yes"), "wrong-type", "`true` or `false`");
    refused_saying(&one("pools: {default: {max: §\"20\"}}"), "wrong-type", "without quotes");
    refused(&one("pools: {default: {max: §-1}}"), "wrong-type");
    refused(&one("pools: {default: {max: §4.5}}"), "wrong-type");
    refused(&one("pools: {default: {max: §99999999999}}"), "wrong-type");
    refused(&one("network: {privatePrefix: §300}"), "wrong-type");
    refused_saying(&one("network: {avoidCidrs: §10.0.0.0/8}"), "wrong-type", "write `[10.0.0.0/8]`");
    refused_saying(&one("§storage: [a]"), "wrong-type", "a map of keys and values");
    refused_saying(&one("§state: {a: b}"), "wrong-type", "write one value");
    refused(&one("kubernetes: {administrators: [§]}").replace("[§]", "[§~]"), "wrong-type");
    refused_saying("§- a\n- b\n", "wrong-type", "the file must be a map");
}

#[test]
fn unknown_values_are_refused_with_the_choice() {
    refused_saying(&one("lifecycle: §ephemral"), "unknown-value", "did you mean `ephemeral`?");
    refused_saying(&one("network: {nat: §two}"), "unknown-value", "`per-zone`, `single`, `none`");
    refused_saying(&one("profile: §huge"), "unknown-value", "`multi-az`");
    let taint = "pools: {default: {taints: [{key: a, effect: §noschedule}]}}";
    refused_saying(&one(taint), "unknown-value", "did you mean `NoSchedule`?");
}

#[test]
fn missing_keys_are_refused_where_they_belong() {
    refused_saying("§region: us-west-2\nzones: [us-west-2a]\n", "missing-key", "`name` is missing");
    refused("name: demo\nregion: us-west-2\n§zones:\n", "missing-key");
    refused(&one("pools: {default: {taints: [§{key: a}]}}"), "missing-key");
    refused_saying(&one("network:\n  §existing: {vpcId: vpc-01234567}"), "missing-key", "`privateSubnets`");
}

#[test]
fn keys_with_nothing_behind_them_are_not_given() {
    let config = accepted(&one("network:\ntags:\npools:\n  default:\n    max:\n"));
    assert_eq!(config.pools[1].max, 20);
}

#[test]
fn entries_with_nothing_behind_them_are_refused() {
    refused_saying(&one("tags: {§team: }"), "wrong-type", "`team` has no value");
    refused(&one("pools: {default: {labels: {§team: ~}}}"), "wrong-type");
    refused_saying(&one("pools:\n  §mine:\n"), "missing-key", "`instanceType`");
    accepted(&one("pools:\n  default:\n"));
}

#[test]
fn all_findings_come_together_in_file_order() {
    let text = three(
        "
        regoin: x
        tags: {team: 7, aws:y: z}
        kubernetes: {version: \"1.20\", publicEndpoint: true, publicCidrs: all}
        pools:
          default: {min: 30, instanceType: p3.2xlarge}
          default: {}
        ",
    );
    let expected = ["unknown-key", "wrong-type", "reserved-tag", "EKS-1", "wrong-type", "POOL-5", "POOL-3", "duplicate-key"];
    assert_eq!(rules(&text), expected);
}

#[test]
fn what_is_wrong_is_said_once() {
    // The value does not fit: that it is therefore missing, or differs from another one, is not reported again.
    assert_eq!(rules(&one("pools: {mine: {instanceType: m5.2xlarge, min: a, max: 1, diskGiB: 400}}")), ["wrong-type"]);
    assert_eq!(rules("name: demo\nregion: us-west-2\nzones: us-west-2a\n"), ["wrong-type"]);
    assert_eq!(rules("name: 5\nregion: us-west-2\nzones: [us-west-2a]\n"), ["wrong-type"]);
    assert_eq!(rules("{}"), ["missing-key"; 3]);
}

#[test]
fn findings_read_like_rustc() {
    let text = one("tags: {Ünï: ö, aws:x: y}\nkubernetes:\n\n\n\n\n  version: 1.35\n");
    let shown = findings(&text).to_string();
    insta::assert_snapshot!(shown, @r#"
    error[reserved-tag]: the tag key `aws:x` is reserved: `aws:` belongs to AWS
     --> test.yaml:4:16
      |
    4 | tags: {Ünï: ö, aws:x: y}
      |                ^^^^^
      = help: choose another key

    error[wrong-type]: `version` must be text, but is the number `1.35`
      --> test.yaml:10:12
       |
    10 |   version: 1.35
       |            ^^^^
       = help: put it in quotes: `"1.35"`
    "#);
}

#[test]
fn findings_are_json_too() {
    let json = serde_json::to_value(findings(&one("§x: 1").replace('§', ""))).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "file": "test.yaml", "line": 4, "column": 1, "rule": "unknown-key", "message": "`x` is not a key",
            "help": json[0]["help"],
        }])
    );
}

#[test]
fn control_characters_and_masses_do_not_reach_the_terminal() {
    let shown = findings(&one("state: \"s3://\\e[2Jx\"")).to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let long = format!("name: {}\nregion: us-west-2\nzones: [us-west-2a]\n", "x".repeat(100_000));
    assert!(findings(&long).to_string().len() < 2_000);
}
