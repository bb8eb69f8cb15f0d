//! The AWS half of each kind, one file for each kind, named after the AWS resource that it manages.

mod group_maker;
mod leftover;

use super::operations::Operations;
use crate::resource::{Kind, for_each_kind};

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident $module:ident;)*) => {
        $($(#[$doc])* pub(super) mod $module;)*

        /// What can be asked of a kind.
        pub(super) fn operations(kind: Kind) -> &'static Operations {
            match kind { $(Kind::$variant => const { &Operations::of::<$module::$variant>() },)* }
        }
    };
}

for_each_kind!(declare);
