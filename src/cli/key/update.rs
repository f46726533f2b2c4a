//! `keyturn key update`: changes what a key may do and how long; its secret stays.

use serde_json::json;

use super::{advice::with_advice, shown::Shown};
use crate::{
    app::App,
    cli::{
        expires::Expires,
        named::{self, Names},
        output::Output,
        proof::Proof,
        start,
    },
    domain::{Expected, Network, RoleName, Text, WhenLeaked},
    manage::api_keys::{self, Edit},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    #[command(flatten)]
    changes: Changes,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// What the key is for
    #[arg(short, long, value_name = "TEXT")]
    description: Option<Text>,
    /// A role that the key is to have, may be repeated; those not named it loses
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// A user's key may do all that the user may
    #[arg(long, conflicts_with = "roles")]
    all_roles: bool,
    /// Where the key may act: `own`, `subtree`, or organizations with commas between them
    #[arg(long)]
    reach: Option<String>,
    /// An address range the key may be used from, may be repeated; those not named are out
    #[arg(long, value_name = "RANGE")]
    cidr: Vec<Network>,
    /// The key may be used from anywhere
    #[arg(long, conflicts_with = "cidr")]
    any_address: bool,
    /// When the key expires, where `api_keys.expiry_may_change` allows it
    #[arg(long, value_name = "WHEN|never")]
    expires: Option<Expires>,
    /// What happens when the secret is reported as leaked: `notify`, `disable` or `revoke`
    #[arg(long, value_name = "WHAT")]
    when_leaked: Option<WhenLeaked>,
    /// What its holder has to prove (DPoP): `none`, the possession of `any` key, or of the key with
    /// this thumbprint, may be repeated; keys that are not named do no longer
    #[arg(long, value_name = "none|any|THUMBPRINT")]
    proof: Vec<Proof>,
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, &args.key).await?;
    let edit = edit(app, args.changes).await?;
    let asker = start::asker();
    let changed = api_keys::update(app, &asker, key.id, &Expected::Any, edit).await;
    let changed = changed.map_err(|error| with_advice(error, &key.name))?;
    let mut names = Names::default();
    names.learn_owner(app, changed.owner).await?;
    let shown = Shown::new(app, &names, api_keys::with_secrets(app, changed).await?);
    let text = format!("Key {} is, from its next token on:\n\n{}", key.name, shown.text());
    output.say(&text, &json!(shown))
}

async fn edit(app: &App, changes: Changes) -> anyhow::Result<Edit> {
    let roles = match (changes.all_roles, changes.roles) {
        (true, _) => Some(None),
        (false, roles) if roles.is_empty() => None,
        (false, roles) => Some(Some(roles.into_iter().collect())),
    };
    let reach = match changes.reach {
        Some(reach) => Some(named::reach(app, &reach).await?),
        None => None,
    };
    // No range at all means any address.
    let is_told = changes.any_address || !changes.cidr.is_empty();
    let networks = is_told.then(|| changes.cidr.into_iter().collect());
    Ok(Edit {
        description: changes.description,
        roles,
        reach,
        allowed_networks: networks,
        lifetime: changes.expires.map(|expires| expires.lifetime(app.clock.now())),
        when_leaked: changes.when_leaked,
        proof: Proof::demand(&changes.proof)?,
    })
}
