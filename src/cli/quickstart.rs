//! `keyturn quickstart`: everything a first token needs, and a server that gives it.

use std::path::Path;

use super::{door::Door, output::print, serve, start};
use crate::{
    config::Config,
    manage::quickstart::{self, Made},
};

pub(super) async fn run(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let door = Door::open(config, file).await?;
    let (app, writer) = start::open(config).await?;
    // Before the rest: without its signing key a resource is of no use.
    start::load(&app).await?;
    let made = quickstart::make(&app, &start::asker()).await?;
    print(&made.map_or_else(|| again(config), |made| first(config, &made)))?;
    serve::serve(config, door, app, writer).await
}

fn first(config: &Config, made: &Made) -> String {
    let issuer = &config.issuer;
    let database = database(config);
    let Made { owner, password, resource, api_key } = made;
    let (name, secret, password) = (&api_key.key.name, api_key.secret.reveal(), password.reveal());
    let (email, audience) = (&owner.email, &resource.identifier);
    format!(
        r#"keyturn made an organization, a resource and an API key in {database}.
What is secret below is shown this once.

  API key    {name}
  secret     {secret}
  owner      {email}
  password   {password}

Turn the key into a token that lives {seconds} seconds:

TOKEN=$(curl -sS {issuer}/auth/v1/api-key/token \
  --data-urlencode 'name={name}' \
  --data-urlencode 'secret={secret}' | jq -r .access_token)

Verify the token (pip install 'pyjwt[crypto]'):

TOKEN=$TOKEN python3 -c 'import jwt, os; t = os.environ["TOKEN"]; k = jwt.PyJWKClient("{issuer}/.well-known/jwks.json").get_signing_key_from_jwt(t); print(jwt.decode(t, k, algorithms=["ES256"], audience="{audience}", issuer="{issuer}", leeway=30))'

docs/VERIFYING.md does the same in Node, Go, Rust, Java and Spring Boot.

Serving on {issuer} until Ctrl-C; `keyturn quickstart` or `keyturn serve` goes on from here.
"#,
        seconds = config.tokens.lifetime.num_seconds(),
    )
}

fn again(config: &Config) -> String {
    let (issuer, database) = (&config.issuer, database(config));
    format!(
        "There is an organization in {database} already: keyturn serves what is there.\n\
         A secret is shown only once. Create another key while this server runs:\n\n    \
         keyturn key create NAME --role manager\n\n\
         Serving on {issuer} until Ctrl-C.\n"
    )
}

/// The URL may hold a password; what is in force is shown without it.
fn database(config: &Config) -> String {
    let shown = config.describe().lines().find_map(|line| line.strip_prefix("url = "));
    shown.unwrap_or("the database").trim_matches('"').to_owned()
}
