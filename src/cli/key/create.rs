//! `keyturn key create`: makes a key and shows its secret, this once.

use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::json;

use super::{advice::with_advice, secret};
use crate::{
    app::App,
    cli::{
        expires::Expires,
        named::{self, Names},
        output::Output,
        proof::Proof,
        secret_file::SecretFile,
        start, words,
    },
    domain::{
        ApiKey, Email, KeyName, Lifetime, Network, Owner, ProofDemand, Reach, RoleName, Roles,
        Status, Text, WhenLeaked,
    },
    manage::{
        Rejection,
        api_keys::{self, NewApiKey},
    },
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// What the key is called; this never changes
    name: KeyName,
    /// What the key is for
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: Text,
    /// The organization that owns the key [default: the only one]
    #[arg(long, value_name = "NAME|ID", conflicts_with = "user")]
    org: Option<String>,
    /// The user who owns the key
    #[arg(long, value_name = "EMAIL")]
    user: Option<Email>,
    /// What the key may do, may be repeated [default: viewer, for a user's key all the user may]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// Where the key may act: `own`, `subtree`, or organizations with commas between them
    /// [default: own; for a user's key subtree, wherever its user may act]
    #[arg(long)]
    reach: Option<String>,
    /// When the key stops working: a span (90d), a date, an RFC 3339 moment, or `never`
    /// [default: as configured]
    #[arg(long, value_name = "WHEN|never")]
    expires: Option<Expires>,
    /// An address range the key may be used from, may be repeated [default: anywhere]
    #[arg(long, value_name = "RANGE")]
    cidr: Vec<Network>,
    /// What happens when the secret is reported as leaked: `notify`, `disable` or `revoke`
    #[arg(long, value_name = "WHAT", default_value = WhenLeaked::Revoke.as_str())]
    when_leaked: WhenLeaked,
    /// What its holder has to prove (DPoP): `none`, the possession of `any` key, or of the key with
    /// this thumbprint, may be repeated
    #[arg(long, value_name = "none|any|THUMBPRINT", default_value = "none")]
    proof: Vec<Proof>,
    /// Write the secret into this new file, as JSON, instead of showing it
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let new = new_key(app, &args).await?;
    let wanted = new.owner;
    let owner = Names::default().learn_owner(app, wanted).await?;
    // Before the key: a secret that cannot be kept must not be made.
    let file = args.file.as_deref().map(SecretFile::create).transpose()?;
    let created = match api_keys::create(app, &start::asker(), new).await {
        Ok(created) => created,
        Err(error) => {
            file.map(SecretFile::remove).transpose()?;
            return Err(refused(app, error, &args.name, wanted).await?);
        }
    };
    let key = &created.key;
    let json = json!({
        "id": key.id,
        "name": key.name,
        "description": key.description,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    });
    secret::hand_over(app, key, &created.secret, file, (describe(app, key, &owner), json), output)
}

async fn new_key(app: &App, args: &Args) -> anyhow::Result<NewApiKey> {
    let owner = if let Some(email) = &args.user {
        Owner::User(named::user(app, email).await?.id)
    } else {
        let organization = named::organization_or_only(app, args.org.as_deref()).await?;
        Owner::Organization(organization.id)
    };
    let roles = match owner {
        Owner::User(_) if args.roles.is_empty() => None,
        Owner::Organization(_) if args.roles.is_empty() => {
            Some(Roles::from_iter([RoleName::viewer()]))
        }
        _ => Some(args.roles.iter().cloned().collect()),
    };
    let now = app.clock.now();
    Ok(NewApiKey {
        owner,
        name: args.name.clone(),
        description: args.description.clone(),
        roles,
        reach: match &args.reach {
            Some(reach) => named::reach(app, reach).await?,
            None => Reach::usual(owner),
        },
        allowed_networks: args.cidr.iter().copied().collect(),
        when_leaked: args.when_leaked,
        proof: Proof::demand(&args.proof)?,
        lifetime: args.expires.map_or(Lifetime::Default, |expires| expires.lifetime(now)),
    })
}

/// A name is taken also by a key that has ended, and that one is not rotated.
async fn refused(
    app: &App,
    error: Rejection,
    name: &KeyName,
    owner: Owner,
) -> anyhow::Result<anyhow::Error> {
    if !matches!(error, Rejection::NameTaken(_)) {
        return Ok(with_advice(error, name));
    }
    let named = api_keys::named(app, name).await?;
    let Some(taken) = named.iter().find(|key| key.owner == owner) else {
        return Ok(with_advice(error, name));
    };
    // The name alone may be that of several owners' keys.
    let key = if named.len() > 1 { taken.id.to_string() } else { words::argument(name.as_str()) };
    let advice = match taken.status(app.clock.now()) {
        Status::Revoked => {
            format!("that one is revoked, `keyturn key delete {key}` frees its name")
        }
        Status::Expired => {
            format!("`keyturn key rotate {key} --expires 90d` gives that one a new end")
        }
        Status::Disabled => format!("`keyturn key enable {key}` lets that one work again"),
        Status::Active => format!("`keyturn key rotate {key}` gives that one a new secret"),
    };
    Ok(anyhow!("key {name}: {error}: choose another, or {advice}"))
}

fn describe(app: &App, key: &ApiKey, owner: &str) -> String {
    let roles = key.roles.as_ref().map_or("all its owner may".to_owned(), ToString::to_string);
    let end = words::end(key.expires_at, app.clock.now());
    let proof = match key.proof {
        ProofDemand::None => "",
        _ => "\nThe secret alone is refused: a request has to carry a proof of possession (DPoP).",
    };
    format!("Key {} of {owner} (roles: {roles}) {end}.\nIts id is {}.{proof}", key.name, key.id)
}
