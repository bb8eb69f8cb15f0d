//! The kinds themselves. The facts and the spec of each are in `kinds/`.

use super::list::for_each_kind;

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident $module:ident;)*) => {
        /// Kinds of AWS resources that we manage, in the order of creation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];
        }
    };
}

for_each_kind!(declare);
