//! Properties that hold for all inputs.

use super::three;
use crate::config::layout::{Layout, spread};
use crate::config::names::overlap;
use crate::config::parse;
use ipnet::Ipv4Net;
use proptest::prelude::*;

/// The subnets that a layout gives to a number of zones, with one control-plane subnet.
fn subnets(layout: &Layout, zones: usize) -> Option<Vec<Ipv4Net>> {
    let mut all: Vec<Ipv4Net> = (0..zones).map(|i| layout.private(i)).collect::<Option<_>>()?;
    all.extend((0..zones).map(|i| layout.public(i)).collect::<Option<Vec<_>>>()?);
    Some(all)
}

proptest! {
    #[test]
    fn spread_is_exact_and_even(total in 0u32..10_000, zones in 1u32..6) {
        let shares = spread(total, zones);
        prop_assert_eq!(shares.len(), zones as usize);
        prop_assert_eq!(shares.iter().sum::<u32>(), total);
        prop_assert!(shares.windows(2).all(|w| w[0] >= w[1] && w[0] - w[1] <= 1));
        prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
    }

    #[test]
    fn growing_moves_no_subnet(vpc in 16u8..=28, private in 16u8..=28, public in 16u8..=28) {
        prop_assume!(private >= vpc && public >= vpc);
        let layout = Layout { vpc: Ipv4Net::new([10, 0, 0, 0].into(), vpc).unwrap(), private_prefix: private, public_prefix: public };
        if let (Some(one), Some(three)) = (subnets(&layout, 1), subnets(&layout, 3)) {
            prop_assert_eq!(one[0], three[0]);
            prop_assert_eq!(one[1], three[3]);
            for (i, subnet) in three.iter().enumerate() {
                prop_assert!(layout.vpc.contains(subnet));
                prop_assert!(three[..i].iter().all(|other| !overlap(other, subnet)));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse("test.yaml", text.as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse("test.yaml", &bytes);
    }

    #[test]
    fn damage_to_a_good_file_is_pointed_at(at in 0usize..400, with in "[a-z0-9:{}\\[\\],\"'#&*!|>%@ \t\n\u{e9}-]{0,6}") {
        let good = three("tags: {a: b}\nnetwork: {cidr: 10.1.0.0/16, avoidCidrs: [10.2.0.0/16]}\npools: {default: {min: 1, labels: {x: y}, taints: [{key: k, effect: NoSchedule}]}}\n");
        let at = at % good.len();
        let damaged = format!("{}{with}{}", &good[..at], &good[(at + 2).min(good.len())..]);
        if let Err(findings) = parse("test.yaml", damaged.as_bytes()) {
            let lines = damaged.lines().count() + 1;
            prop_assert!(!findings.is_empty());
            for finding in &findings {
                prop_assert!((1..=lines).contains(&finding.line) && finding.column >= 1, "{finding}");
                prop_assert!(!finding.help.is_empty());
            }
        }
    }
}
