//! Trust policies that keep something else from being deleted.

use crate::{
    domain::{Below, OrganizationId, RoleName, Sight, Trust},
    manage::{Obstacle, Rejection},
    store::{self, Page, Tx},
};

/// The first of an organization.
pub(in crate::manage) async fn of_organization(
    tx: &mut Tx,
    organization: OrganizationId,
    most: i64,
) -> Result<Vec<Obstacle>, Rejection> {
    let page = Page { after: None, most };
    let found = store::trusts::list(tx, Sight::Everything, Some(organization), None, page).await?;
    Ok(found.iter().map(obstacle).collect())
}

/// Those that give a role, in the organization that defines it or below.
pub(in crate::manage) async fn giving(
    tx: &mut Tx,
    organization: OrganizationId,
    role: &RoleName,
) -> Result<Vec<Obstacle>, Rejection> {
    let sight = Sight::Of { organization, below: Below::Included, user: None };
    let found = store::trusts::list(tx, sight, None, None, Page::ALL).await?;
    let gives = |trust: &&Trust| trust.terms.roles.iter().any(|it| it == role);
    Ok(found.iter().filter(gives).map(obstacle).collect())
}

fn obstacle(trust: &Trust) -> Obstacle {
    Obstacle { kind: "trust", id: trust.id.0, name: trust.name.to_string() }
}
