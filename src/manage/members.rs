//! Gives users roles in organizations.

use serde_json::json;

use super::{
    Asker, Judged, Made, Rejection, audit,
    memberships::{WRITE, event, give_role, scopes_of, write},
    once, users,
};
use crate::{
    app::App,
    domain::{Email, Expected, Membership, Once, OrganizationId, RoleName, Text, User, UserId},
    store::{self, Page, Tx},
};

const READ: &str = "members:read";

/// A user with the role in one organization.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: User,
    pub membership: Membership,
}

/// Those who have a role in this very organization, by user.
pub async fn list(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
    page: Page<UserId>,
) -> Result<Vec<Member>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    asker.organization(&mut tx, organization).await?;
    let mut members = Vec::new();
    for membership in store::memberships::of_organization(&mut tx, organization, page).await? {
        let person = store::users::person(&mut tx, membership.user_id).await?;
        members.extend(person.map(|person| Member { user: person.user, membership }));
    }
    Ok(members)
}

pub async fn show(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
    user: UserId,
) -> Result<Member, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    asker.organization(&mut tx, organization).await?;
    find(&mut tx, organization, user).await
}

async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Member, Rejection> {
    let membership = store::memberships::find(tx, user, organization).await?;
    let membership = membership.ok_or(Rejection::NotFound("member"))?;
    let person = store::users::person(tx, user).await?.ok_or(Rejection::NotFound("member"))?;
    Ok(Member { user: person.user, membership })
}

/// Someone who is to have a role in an organization, known to keyturn or not.
pub struct NewMember {
    pub email: Email,
    /// For a user who is made now.
    pub name: Text,
    pub organization_id: OrganizationId,
    pub role: RoleName,
}

/// Makes someone a member who is none yet, and a user if there is none of this address.
pub async fn add(app: &App, asker: &Asker, new: NewMember) -> Result<Member, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let member = join(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(member)
}

/// [`add`], unless an earlier request made the member.
pub async fn add_once(
    app: &App,
    asker: &Asker,
    new: NewMember,
    once: &Once,
) -> Result<Made<Member>, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    asker.organization(&mut tx, new.organization_id).await?;
    if let Some(user) = once::made_before(&mut tx, asker, once).await? {
        return Ok(Made::Before(find(&mut tx, new.organization_id, user).await?));
    }
    let member = join(app, &mut tx, asker, new).await?;
    once::remember(app, &mut tx, asker, once, member.user.id).await?;
    app.commit(tx).await?;
    Ok(Made::New(member))
}

async fn join(app: &App, tx: &mut Tx, asker: &Judged, new: NewMember) -> Result<Member, Rejection> {
    asker.must(WRITE)?;
    // Before anything is said of who exists.
    asker.organization(tx, new.organization_id).await?;
    let known = store::users::find_by_email(tx, &new.email).await?;
    let user = if asker.authority.runs_server() {
        match known {
            Some(user) => user,
            None => users::add(app, tx, asker, new.email, new.name, None).await?,
        }
    } else {
        // The same whether or not there is a person of this address somewhere else.
        let Some(user) = known else { return Err(Rejection::UnknownPerson) };
        check_known(tx, asker, user.id).await?;
        user
    };
    let before = store::memberships::find(tx, user.id, new.organization_id).await?;
    if before.is_some() {
        return Err(Rejection::NameTaken("a member"));
    }
    let membership = give_role(app, tx, asker, user.id, new.organization_id, new.role).await?;
    Ok(Member { user, membership })
}

/// That the person is a member within the asker's reach already: no one of another tree is told of,
/// or taken in without being asked.
async fn check_known(tx: &mut Tx, asker: &Asker, user: UserId) -> Result<(), Rejection> {
    let person = store::users::person(tx, user).await?.ok_or(Rejection::UnknownPerson)?;
    for membership in person.memberships {
        if asker.reaches(tx, membership.organization_id).await? {
            return Ok(());
        }
    }
    Err(Rejection::UnknownPerson)
}

/// Gives the user a role in an organization and everything below it.
pub async fn set_role(
    app: &App,
    asker: &Asker,
    user_id: UserId,
    organization_id: OrganizationId,
    role: RoleName,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    give_role(app, &mut tx, asker, user_id, organization_id, role).await?;
    Ok(app.commit(tx).await?)
}

/// Gives a member another role.
pub async fn change_role(
    app: &App,
    asker: &Asker,
    organization_id: OrganizationId,
    user_id: UserId,
    expected: &Expected,
    role: RoleName,
) -> Result<Member, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    asker.organization(&mut tx, organization_id).await?;
    let before = find(&mut tx, organization_id, user_id).await?;
    if !expected.allows(before.membership.version) {
        return Err(Rejection::ChangedMeanwhile);
    }
    let wanted = Membership { role, ..before.membership.clone() };
    let membership = write(app, &mut tx, asker, Some(before.membership), wanted).await?;
    app.commit(tx).await?;
    Ok(Member { user: before.user, membership })
}

/// Ends a membership.
pub async fn remove(
    app: &App,
    asker: &Asker,
    organization_id: OrganizationId,
    user_id: UserId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let lineage = asker.organization(&mut tx, organization_id).await?;
    let before = find(&mut tx, organization_id, user_id).await?;
    if !expected.allows(before.membership.version) {
        return Err(Rejection::ChangedMeanwhile);
    }
    if let Some(bounds) = asker.authority.bounds() {
        bounds.check_scopes(&scopes_of(&lineage, &before.membership.role))?;
    }
    if !store::memberships::remove(&mut tx, &before.membership).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "from": before.membership.role });
    audit(app, &mut tx, asker, event("member.removed", user_id, organization_id, detail));
    Ok(app.commit(tx).await?)
}
