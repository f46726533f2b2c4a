//! Declares settings: from one list the structs that a file is read into and what is said of them.

use secrecy::SecretString;

use super::secret::{DatabaseUrl, Secret};

/// A group of settings, for the example file.
pub(super) struct Section {
    /// Empty for the settings that stand outside any section.
    pub(super) name: &'static str,
    pub(super) settings: &'static [Setting],
}

pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) about: &'static [&'static str],
}

/// What a setting can be, and what its default is written as.
pub(super) trait Kind {
    type Default;

    fn from_default(default: Self::Default) -> Self;
}

impl Kind for String {
    type Default = &'static str;

    fn from_default(default: &'static str) -> Self {
        default.to_owned()
    }
}

impl Kind for Vec<String> {
    type Default = &'static [&'static str];

    fn from_default(default: &'static [&'static str]) -> Self {
        default.iter().map(ToString::to_string).collect()
    }
}

impl Kind for u32 {
    type Default = Self;

    fn from_default(default: Self) -> Self {
        default
    }
}

impl Kind for bool {
    type Default = Self;

    fn from_default(default: Self) -> Self {
        default
    }
}

impl Kind for Secret {
    type Default = &'static str;

    fn from_default(default: &'static str) -> Self {
        Self(SecretString::from(default))
    }
}

impl Kind for DatabaseUrl {
    type Default = &'static str;

    fn from_default(default: &'static str) -> Self {
        Self(SecretString::from(default))
    }
}

/// Makes `Settings`, a struct for each section, and `SECTIONS` with the doc comments as text.
macro_rules! settings {
    (
        $( $(#[doc = $about:literal])+ $name:ident: $kind:ty = $default:expr; )+
        $([$section:ident]: $Section:ident {
            $(
                $(#[doc = $inner_about:literal])+
                $inner:ident: $inner_kind:ty = $inner_default:expr;
            )+
        })+
    ) => {
        #[derive(Debug, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Settings {
            $( $(#[doc = $about])+ pub(super) $name: $kind, )+
            $( pub(super) $section: $Section, )+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $( $name: <$kind as $crate::config::declare::Kind>::from_default($default), )+
                    $( $section: $Section::default(), )+
                }
            }
        }

        $(
            #[derive(Debug, serde::Deserialize, serde::Serialize)]
            #[serde(deny_unknown_fields, default)]
            pub(super) struct $Section {
                $( $(#[doc = $inner_about])+ pub(super) $inner: $inner_kind, )+
            }

            impl Default for $Section {
                fn default() -> Self {
                    use $crate::config::declare::Kind;
                    Self { $( $inner: <$inner_kind as Kind>::from_default($inner_default), )+ }
                }
            }
        )+

        pub(super) const SECTIONS: &[$crate::config::declare::Section] = &[
            $crate::config::declare::Section {
                name: "",
                settings: &[$( $crate::config::declare::Setting {
                    name: stringify!($name), about: &[$($about),+],
                } ),+],
            },
            $( $crate::config::declare::Section {
                name: stringify!($section),
                settings: &[$( $crate::config::declare::Setting {
                    name: stringify!($inner), about: &[$($inner_about),+],
                } ),+],
            } ),+
        ];
    };
}

pub(super) use settings;
