//! `keyturn org show`: an organization with its members, its roles and how many keys it has.

use serde::Serialize;

use super::Shown;
use crate::{
    app::App,
    cli::{named, output::Output, start, words},
    domain::{Email, Lineage, OrganizationId, RoleName, UserId},
    manage::{
        api_keys::{self, Numbers},
        members, organizations, roles,
    },
    store::Page,
};

#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    /// Not revoked, of this very organization.
    keys: i64,
    keys_in_tree: i64,
    /// The first of them.
    members: Vec<ShownMember>,
    #[serde(skip)]
    has_more_members: bool,
    roles: Vec<ShownRole>,
}

#[derive(Serialize)]
struct ShownMember {
    user_id: UserId,
    email: Email,
    role: RoleName,
}

/// A role beside the built-in ones.
#[derive(Serialize)]
struct ShownRole {
    name: RoleName,
    scopes: String,
    /// Defined above, and valid here.
    inherited: bool,
}

/// More of them are on `keyturn member list`.
const MEMBERS: i64 = 50;

pub(super) async fn run(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let id = named::organization(app, name).await?.id;
    let asker = start::asker();
    let lineage = organizations::show(app, &asker, id).await?;
    let page = Page { after: None, most: MEMBERS };
    let members = members::list(app, &asker, id, page).await?;
    let has_more_members = i64::try_from(members.len())? == MEMBERS;
    let members = members.into_iter().map(|member| ShownMember {
        user_id: member.user.id,
        email: member.user.email,
        role: member.membership.role,
    });
    let Numbers { own, in_tree } = api_keys::count(app, &asker, id).await?;
    let whole = Whole {
        shown: Shown::new(&lineage.line),
        keys: own,
        keys_in_tree: in_tree,
        members: members.collect(),
        has_more_members,
        roles: roles_of(app, id, &lineage).await?,
    };
    output.say(&whole.text(), &whole)
}

async fn roles_of(
    app: &App,
    id: OrganizationId,
    lineage: &Lineage,
) -> anyhow::Result<Vec<ShownRole>> {
    let all = roles::list(app, &start::asker()).await?;
    let own =
        |name: &RoleName| all.iter().any(|role| role.organization_id == id && role.name == *name);
    let shown = lineage.roles.iter().map(|(name, scopes)| ShownRole {
        name: name.clone(),
        scopes: scopes.to_string(),
        inherited: !own(name),
    });
    Ok(shown.collect())
}

impl Whole {
    fn text(&self) -> String {
        let Self { shown, keys, keys_in_tree, .. } = self;
        let keys = match keys_in_tree - keys {
            0 => keys.to_string(),
            below => format!("{keys}, and {below} below"),
        };
        let mut lines = vec![
            ("organization", shown.path.clone()),
            ("id", shown.id.to_string()),
            ("status", shown.status.to_owned()),
            ("created", words::moment(shown.created_at)),
            ("keys", keys),
        ];
        lines.extend(
            self.members.iter().map(|it| ("member", format!("{} ({})", it.email, it.role))),
        );
        if self.has_more_members {
            let path = words::argument(&shown.path);
            lines.push(("", format!("`keyturn member list --org {path}` shows them all")));
        }
        lines.extend(self.roles.iter().map(|role| {
            let from = if role.inherited { ", from above" } else { "" };
            ("role", format!("{}: {}{from}", role.name, role.scopes))
        }));
        words::lines(&lines)
    }
}
