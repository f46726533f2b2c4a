//! Makes what a new installation needs: all of it, or nothing.

use super::{
    Asker, Rejection,
    api_keys::{self, Created, NewApiKey},
    memberships, organizations,
    resources::{self, NewResource},
    users,
};
use crate::{
    app::App,
    domain::{
        Algorithm, Expected, JwtType, Lifetime, Networks, Owner, Password, Reach, Resource,
        RoleName, Roles, User, WhenLeaked,
    },
    store,
};

pub struct Made {
    pub owner: User,
    /// For the one time that anyone sees it.
    pub password: Password,
    pub resource: Resource,
    pub api_key: Created,
}

/// Characters of a password that keyturn makes up: 119 bits.
const PASSWORD: usize = 20;

/// Makes an organization with an owner, a resource and a key. `None` where there is an organization
/// already. One transaction: anyone who is interrupted starts from nothing.
pub async fn make(app: &App, asker: &Asker) -> Result<Option<Made>, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    if store::organizations::operators(&mut tx).await?.is_some() {
        return Ok(None);
    }
    let name = "quickstart".parse().expect("a name");
    let organization = match organizations::add(app, &mut tx, asker, name, None).await {
        // Another process was quicker since we looked.
        Err(Rejection::NameTaken(_)) => return Ok(None),
        added => added?,
    };
    let password = generate_password(app);
    let hash = app.passwords.hash(password.clone()).await?;
    let email = "owner@localhost".parse().expect("an address");
    let name = "Owner".parse().expect("a text");
    let owner = users::add(app, &mut tx, asker, email, name, Some(&hash)).await?;
    memberships::give_role(app, &mut tx, asker, owner.id, organization.id, RoleName::owner())
        .await?;

    let resource = NewResource {
        identifier: "https://api.example.com".parse().expect("a URI"),
        scopes: "read write".parse().expect("scopes"),
        algorithm: Algorithm::Es256,
        jwt_type: JwtType::AccessToken,
        token_lifetime: None,
        is_default: true,
    };
    let resource = resources::set(app, &mut tx, asker, &Expected::Absent, resource).await?;
    let api_key = NewApiKey {
        owner: Owner::Organization(organization.id),
        name: "quickstart".parse().expect("a name"),
        description: "Made by keyturn quickstart".parse().expect("a text"),
        roles: Some(Roles::from_iter(["manager".parse().expect("a role")])),
        reach: Reach::Own,
        allowed_networks: Networks::default(),
        lifetime: Lifetime::Default,
        when_leaked: WhenLeaked::Revoke,
        proof: None,
    };
    let api_key = api_keys::add(app, &mut tx, asker, api_key).await?;
    app.commit(tx).await?;
    Ok(Some(Made { owner, password, resource, api_key }))
}

/// A password beyond guessing, for its owner to change.
pub fn generate_password(app: &App) -> Password {
    Password::new(app.random.base62(PASSWORD).into()).expect("20 characters are enough")
}
