//! Changes a key: ends it, stops it, gives it other roles, another secret, another end.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    app::App,
    cli::{expires::Expires, named, output::Output, start},
    domain::{Expected, RoleName, Roles},
    manage::api_keys::{self, Edit, OldSecret, Rotation},
};

#[derive(clap::Args)]
pub(super) struct RolesArgs {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    /// A role that the key is to have, may be repeated; those not named it loses
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
}

#[derive(clap::Args)]
pub(super) struct RotateArgs {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    /// How many hours the old secret goes on working: 0 to 168
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    old_secret_lives: u16,
}

#[derive(clap::Args)]
pub(super) struct ExpiresArgs {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    /// The first day on which the key no longer works, a number of days, or `never`
    #[arg(value_name = "DATE|DAYS|never")]
    expires: Expires,
}

pub(super) async fn revoke(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, name).await?;
    api_keys::revoke(app, &start::asker(), key.id, &Expected::Any).await?;
    let json = json!({ "id": key.id, "name": key.name, "status": "revoked" });
    output.say(&format!("Key {} is revoked for ever.", key.name), &json)
}

pub(super) async fn set_enabled(
    app: &App,
    name: &str,
    enabled: bool,
    output: Output,
) -> anyhow::Result<()> {
    let key = named::api_key(app, name).await?;
    let key = api_keys::set_enabled(app, &start::asker(), key.id, &Expected::Any, enabled).await?;
    let status = key.status(app.clock.now());
    let json = json!({ "id": key.id, "name": key.name, "status": status });
    let word = format!("{status:?}").to_lowercase();
    output.say(&format!("Key {} is {word}.", key.name), &json)
}

pub(super) async fn roles(app: &App, args: RolesArgs, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let roles = Roles::from_iter(args.roles);
    let text = format!("Key {} has the roles {roles} from its next token on.", key.name);
    let json = json!({ "id": key.id, "name": key.name, "roles": roles });
    let edit = Edit { roles: Some(Some(roles)), ..Edit::default() };
    api_keys::update(app, &start::asker(), key.id, &Expected::Any, edit).await?;
    output.say(&text, &json)
}

pub(super) async fn rotate(app: &App, args: &RotateArgs, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let grace = TimeDelta::hours(args.old_secret_lives.into());
    let rotation = Rotation { old_secret: OldSecret::DiesAfter(grace), lifetime: None };
    let rotated = api_keys::rotate(app, &start::asker(), key.id, &Expected::Any, rotation).await?;
    let dies_at = app.clock.now() + grace;
    let secret = rotated.secret.reveal();
    let json = json!({
        "id": key.id,
        "name": key.name,
        "secret": secret,
        "old_secret_dies_at": dies_at,
    });
    let text = format!(
        "The old secret of {} works until {dies_at}. The new one, shown this once:\n\n{secret}",
        key.name
    );
    output.say(&text, &json)
}

pub(super) async fn expires(app: &App, args: &ExpiresArgs, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let lifetime = args.expires.lifetime(app.clock.now());
    let edit = Edit { lifetime: Some(lifetime), ..Edit::default() };
    let key = api_keys::update(app, &start::asker(), key.id, &Expected::Any, edit).await?;
    let end = key.expires_at.map_or("never expires".to_owned(), |end| format!("expires at {end}"));
    let json = json!({ "id": key.id, "name": key.name, "expires_at": key.expires_at });
    output.say(&format!("Key {} {end}.", key.name), &json)
}
