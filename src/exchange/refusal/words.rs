//! How explanations speak of spans, lists and what was sent.

use chrono::TimeDelta;

use crate::domain::Roles;

/// In the largest unit of which there are at least two.
pub(in crate::exchange) fn span(span: TimeDelta) -> String {
    let units = [(span.num_days(), "days"), (span.num_hours(), "h"), (span.num_minutes(), "min")];
    match units.into_iter().find(|(count, _)| *count >= 2) {
        Some((count, unit)) => format!("{count} {unit}"),
        None => format!("{} s", span.num_seconds()),
    }
}

/// The first of what stands there with spaces between, and how many there are beside.
pub(in crate::exchange) fn some_of(list: &str) -> String {
    const ENOUGH: usize = 8;
    let all: Vec<_> = list.split(' ').collect();
    match all.split_at_checked(ENOUGH) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => all.join(", "),
    }
}

pub(in crate::exchange) fn roles(roles: &Roles) -> String {
    let names = some_of(&roles.to_string());
    match roles.iter().count() {
        0 => "any role, for there is none here".to_owned(),
        1 => format!("role {names}"),
        _ => format!("roles {names}"),
    }
}

/// What was sent may be long; its beginning tells which one was meant.
pub(in crate::exchange) fn cut(sent: &str) -> String {
    const ENOUGH: usize = 100;
    let mut characters = sent.chars();
    let mut beginning: String = characters.by_ref().take(ENOUGH).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_people_would_take() {
        for (seconds, expected) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (3 * 3600 + 59, "3 h"),
            (2 * 86_400, "2 days"),
            (400 * 86_400, "400 days"),
        ] {
            assert_eq!(span(TimeDelta::seconds(seconds)), expected);
        }
    }

    #[test]
    fn a_long_list_is_told_by_its_beginning() {
        assert_eq!(some_of("a"), "a");
        assert_eq!(some_of("a b c d e f g h"), "a, b, c, d, e, f, g, h");
        assert_eq!(some_of("a b c d e f g h i j"), "a, b, c, d, e, f, g, h and 2 more");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("deploy"), "deploy");
        assert_eq!(cut(&"é".repeat(101)), format!("{}…", "é".repeat(100)));
    }
}
