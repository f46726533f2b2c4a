//! Lists from outside, read item by item: a blank item is a mistake and never an empty list.

use std::{fmt::Display, str::FromStr};

/// What a list from outside consists of.
pub trait Item: FromStr<Err: Display> {
    /// What most lists of it are called.
    const MEMBER: &'static str;
    /// A right item.
    const EXAMPLE: &'static str;
}

/// The first item of a list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}[{place}]{problem}; write it like \"{example}\"")]
pub struct BadItem {
    member: String,
    place: usize,
    problem: String,
    example: &'static str,
}

/// Reads the list that a request, a file or a command calls `member`. Its length stays, so that
/// only an empty list becomes one.
pub fn items<T: Item, L: FromIterator<T>>(
    member: &str,
    texts: &[impl AsRef<str>],
) -> Result<L, BadItem> {
    let item = |(place, text): (usize, &_)| {
        let text: &str = AsRef::<str>::as_ref(text);
        let bad = |problem| BadItem { member: member.into(), place, problem, example: T::EXAMPLE };
        if is_blank(text) {
            return Err(bad(" is blank".to_owned()));
        }
        text.parse().map_err(|error: T::Err| bad(format!(": {error}")))
    };
    texts.iter().enumerate().map(item).collect()
}

/// Whether a text consists of white space alone (Unicode's property `White_Space`).
pub fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;
    use crate::domain::{
        Algorithms, Events, Network, Networks, RoleName, Roles, ScopeToken, Scopes,
    };

    /// All that has the property `White_Space`.
    fn blank() -> impl Strategy<Value = String> {
        let white: Vec<_> = ('\0'..=char::MAX).filter(|it| it.is_whitespace()).collect();
        assert!(white.contains(&'\u{A0}') && white.contains(&'\u{3000}'));
        vec(select(white), 0..4).prop_map(|all| all.into_iter().collect())
    }

    fn reads<T: Item, L: FromIterator<T>>(texts: &[String]) -> Result<L, BadItem> {
        items(T::MEMBER, texts)
    }

    proptest! {
        #[test]
        fn fx_04_a_blank_item_is_refused_wherever_it_stands(
            before in 0..3_usize,
            blank in blank(),
            after in 0..3_usize,
        ) {
            fn check<T: Item, L: FromIterator<T>>(before: usize, blank: &str, after: usize) {
                let mut texts = vec![T::EXAMPLE; before];
                texts.push(blank);
                texts.extend(vec![T::EXAMPLE; after]);
                let refused = items::<T, L>(T::MEMBER, &texts).map(drop).unwrap_err().to_string();
                let named = format!("{}[{before}] is blank; write it like", T::MEMBER);
                assert!(refused.starts_with(&named), "{refused}");
                assert!(refused.contains(T::EXAMPLE), "{refused}");
            }
            check::<Network, Networks>(before, &blank, after);
            check::<ScopeToken, Scopes>(before, &blank, after);
            check::<RoleName, Roles>(before, &blank, after);
            check::<_, Algorithms>(before, &blank, after);
            check::<_, Events>(before, &blank, after);
        }

        #[test]
        fn fx_04_only_an_empty_list_becomes_an_empty_one(texts in vec("[ 0-9./a-z]{0,9}", 0..4)) {
            if let Ok(networks) = reads::<Network, Networks>(&texts) {
                prop_assert_eq!(networks.is_empty(), texts.is_empty());
            }
            if let Ok(scopes) = reads::<ScopeToken, Scopes>(&texts) {
                prop_assert_eq!(scopes.is_empty(), texts.is_empty());
            }
            if let Ok(roles) = reads::<RoleName, Roles>(&texts) {
                prop_assert_eq!(roles.is_empty(), texts.is_empty());
            }
        }
    }

    #[test]
    fn an_item_that_is_wrong_is_named_with_a_right_one() {
        let texts = ["10.0.0.0/8", "10.2"].map(str::to_owned);

        let told = reads::<Network, Networks>(&texts).unwrap_err().to_string();

        assert!(told.starts_with("allowed_networks[1]: an address range"), "{told}");
        assert!(told.ends_with("; write it like \"10.2.0.0/16\""), "{told}");
    }
}
