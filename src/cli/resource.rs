//! `keyturn resource`: who tokens may be meant for.

use anyhow::bail;
use chrono::TimeDelta;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{output::Output, start, words};
use crate::{
    app::App,
    clock::Timestamp,
    config::Config,
    domain::{Algorithm, Expected, JwtType, Resource, ResourceIdentifier, ScopeToken},
    manage::{
        Rejection,
        resources::{self, NewResource},
        signing_keys,
    },
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Register a resource server, or replace all that was said of it
    Register(RegisterArgs),
    /// Change some of what was said of a resource
    #[command(override_usage = "keyturn resource update [OPTIONS] <IDENTIFIER>")]
    Update(UpdateArgs),
    /// List all resources
    List,
    /// Issue no more tokens for a resource
    Remove { identifier: ResourceIdentifier },
}

#[derive(clap::Args)]
struct RegisterArgs {
    /// The audience of its tokens: a URI, or a plain name
    identifier: ResourceIdentifier,
    /// A scope that the resource knows, may be repeated; tokens for it carry no other
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<ScopeToken>,
    /// How its tokens are signed: `ES256`, `RS256` or `EdDSA`
    #[arg(long, default_value_t = Algorithm::Es256)]
    algorithm: Algorithm,
    /// `typ` in the header of its tokens: `at+jwt` (RFC 9068), or `JWT` for servers that take no
    /// other
    #[arg(long, value_name = "TYPE", default_value_t = JwtType::AccessToken)]
    jwt_type: JwtType,
    /// How long its tokens live, 30 to 360 [default: as configured]
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u16>,
    /// Mean this resource where a request names none; the first one always is meant
    #[arg(long)]
    default: bool,
}

#[derive(clap::Args)]
struct UpdateArgs {
    /// The audience of its tokens
    identifier: ResourceIdentifier,
    #[command(flatten)]
    changes: Changes,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// A scope that the resource knows, may be repeated; those not named it no longer knows
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeToken>,
    /// How its tokens are signed: `ES256`, `RS256` or `EdDSA`
    #[arg(long)]
    algorithm: Option<Algorithm>,
    /// `typ` in the header of its tokens: `at+jwt` or `JWT`
    #[arg(long, value_name = "TYPE")]
    jwt_type: Option<JwtType>,
    /// How long its tokens live, 30 to 360
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u16>,
    /// Its tokens live as long as is configured for all
    #[arg(long, conflicts_with = "lifetime")]
    usual_lifetime: bool,
    /// Mean this resource where a request names none
    #[arg(long)]
    default: bool,
}

#[derive(Serialize)]
struct Shown {
    identifier: ResourceIdentifier,
    scopes: String,
    algorithm: Algorithm,
    /// How tokens are signed now.
    current_algorithm: Algorithm,
    /// When its own algorithm begins to sign, where it does not yet.
    algorithm_from: Option<Timestamp>,
    jwt_type: JwtType,
    lifetime_seconds: i64,
    is_default: bool,
}

impl Shown {
    /// `default` is the resource that is meant where a request names none.
    fn new(
        app: &App,
        resource: &Resource,
        default: Option<&ResourceIdentifier>,
        pending: &[(Algorithm, Timestamp)],
    ) -> Self {
        let from = pending.iter().find(|(algorithm, _)| *algorithm == resource.algorithm);
        let until_then = from.map(|_| resource.algorithm_until_then());
        let lifetime = resource.token_lifetime.unwrap_or(app.settings.token_lifetime);
        Self {
            is_default: Some(&resource.identifier) == default,
            identifier: resource.identifier.clone(),
            scopes: resource.scopes.to_string(),
            algorithm: resource.algorithm,
            current_algorithm: until_then.unwrap_or(resource.algorithm),
            algorithm_from: from.map(|(_, at)| *at),
            jwt_type: resource.jwt_type,
            lifetime_seconds: lifetime.num_seconds(),
        }
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    match command {
        Command::Register(args) => {
            // The first resource of an algorithm comes with a signing key.
            let app = start::manage_signing_keys(config).await?;
            register(&app, args, output).await
        }
        Command::Update(args) => {
            let app = start::manage_signing_keys(config).await?;
            update(&app, args, output).await
        }
        Command::List => list(&start::manage(config).await?, output).await,
        Command::Remove { identifier } => {
            let app = start::manage(config).await?;
            resources::remove(&app, &start::asker(), &identifier, &Expected::Any).await?;
            let json = json!({ "identifier": identifier, "status": "removed" });
            output.say(&format!("Resource {identifier} is removed."), &json)
        }
    }
}

async fn register(app: &App, args: RegisterArgs, output: Output) -> anyhow::Result<()> {
    let new = NewResource {
        identifier: args.identifier,
        scopes: args.scopes.into_iter().collect(),
        algorithm: args.algorithm,
        jwt_type: args.jwt_type,
        token_lifetime: args.lifetime.map(|seconds| TimeDelta::seconds(seconds.into())),
        is_default: args.default,
    };
    set(app, &Expected::Any, new, output).await
}

async fn update(app: &App, args: UpdateArgs, output: Output) -> anyhow::Result<()> {
    let UpdateArgs { identifier, changes } = args;
    let before = match resources::show(app, &start::asker(), &identifier).await {
        Err(Rejection::NotFound(_)) => {
            bail!("there is no resource {identifier}: `keyturn resource list` shows them all")
        }
        found => found?,
    };
    let lifetime = changes.lifetime.map(|seconds| TimeDelta::seconds(seconds.into()));
    let kept = before.token_lifetime.filter(|_| !changes.usual_lifetime);
    let new = NewResource {
        identifier,
        scopes: match changes.scopes {
            none if none.is_empty() => before.scopes,
            named => named.into_iter().collect(),
        },
        algorithm: changes.algorithm.unwrap_or(before.algorithm),
        jwt_type: changes.jwt_type.unwrap_or(before.jwt_type),
        token_lifetime: lifetime.or(kept),
        is_default: changes.default,
    };
    // What is not named stays as it was read.
    set(app, &Expected::OneOf(vec![before.version]), new, output).await
}

async fn set(
    app: &App,
    expected: &Expected,
    new: NewResource,
    output: Output,
) -> anyhow::Result<()> {
    let made = resources::register(app, &start::asker(), expected, new).await?;
    let all = resources::list(app, &start::asker()).await?;
    let shown = Shown::new(app, &made, default(&all), &signing_keys::pending(app).await?);
    let soon = shown.algorithm_from.map(|from| {
        let Shown { algorithm, current_algorithm, .. } = &shown;
        let from = words::moment(from);
        format!(
            "\nVerifiers have to learn the first {algorithm} key before it signs: until {from} \
             tokens are signed by {current_algorithm}."
        )
    });
    let text = format!(
        "Resource {} takes {} tokens of type {} that live {} seconds, with the scopes: {}.{}",
        shown.identifier,
        shown.algorithm,
        shown.jwt_type,
        shown.lifetime_seconds,
        shown.scopes,
        soon.unwrap_or_default()
    );
    output.say(&text, &shown)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let all = resources::list(app, &start::asker()).await?;
    let pending = signing_keys::pending(app).await?;
    let shown = all.iter().map(|it| Shown::new(app, it, default(&all), &pending));
    let shown: Vec<_> = shown.collect();
    let none = "There are no resources yet: `keyturn resource register IDENTIFIER --scope SCOPE`.";
    output.list(
        none,
        ["RESOURCE", "ALGORITHM", "TYPE", "SECONDS", "DEFAULT", "SCOPES"],
        &shown,
        |it| {
            let default = if it.is_default { "yes" } else { "" };
            [
                it.identifier.to_string(),
                match it.algorithm_from {
                    Some(from) => {
                        let (now, from) = (it.current_algorithm, words::moment(from));
                        format!("{now}, {} from {from}", it.algorithm)
                    }
                    None => it.algorithm.to_string(),
                },
                it.jwt_type.to_string(),
                it.lifetime_seconds.to_string(),
                default.to_owned(),
                it.scopes.clone(),
            ]
        },
    )
}

fn default(all: &[Resource]) -> Option<&ResourceIdentifier> {
    Resource::default_of(all).map(|it| &it.identifier)
}
