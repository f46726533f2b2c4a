//! Lists in parts: each answer says how to ask for the next.

use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::manage::Page;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListOf<T> {
    items: Vec<T>,
    /// Ask for the rest with this as `cursor`; `null`: this is the end.
    next_cursor: Option<String>,
}

/// A part as it is read: one more is asked for, which tells whether there is more.
pub(super) struct Wanted<Id> {
    pub(super) page: Page<Id>,
    limit: usize,
}

const USUAL: u16 = 50;
const MOST: u16 = 200;

impl<T> ListOf<T> {
    /// Of a list that is short by its nature.
    pub(super) fn whole(items: Vec<T>) -> Self {
        Self::part(items, None)
    }

    pub(super) fn part(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { items, next_cursor }
    }
}

impl<Id: std::str::FromStr> Wanted<Id> {
    pub(super) fn new(limit: Option<u16>, cursor: Option<&str>) -> Result<Self, Problem> {
        let Page { after, most } = page(limit, cursor)?;
        let limit = usize::try_from(most).expect("a limit is small");
        Ok(Self { page: Page { after, most: most + 1 }, limit })
    }
}

/// As many as were asked for, after what the cursor names.
pub(super) fn page<Id: std::str::FromStr>(
    limit: Option<u16>,
    cursor: Option<&str>,
) -> Result<Page<Id>, Problem> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid("a limit is 1 to 200"));
    }
    let after = cursor.map(str::parse).transpose();
    let after = after.map_err(|_| Problem::invalid("a cursor is the next_cursor of a list"))?;
    Ok(Page { after, most: i64::from(limit) })
}

impl<Id> Wanted<Id> {
    /// `id` is what the next part begins after.
    pub(super) fn list<S, T>(
        &self,
        mut found: Vec<S>,
        id: impl Fn(&S) -> String,
        show: impl Fn(S) -> T,
    ) -> ListOf<T> {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next_cursor = found.last().filter(|_| more).map(id);
        ListOf { items: found.into_iter().map(show).collect(), next_cursor }
    }
}
