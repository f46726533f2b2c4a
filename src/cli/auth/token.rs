//! `keyturn auth token` and `keyturn auth header`: a credential or an access token on the screen,
//! for scripts.

use serde_json::json;

use super::{
    Server, Wanted,
    failure::Failure,
    fetch,
    holder::Holder,
    output::{self, Output},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// An access token that the credential is good for, instead of the credential itself
    #[arg(long)]
    bearer: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct HeaderArgs {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    wanted: Wanted,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { bearer, server, wanted, output } = args;
    if bearer {
        let token = fetch::access_token(&server, &wanted).await?;
        let json = json!({
            "access_token": token.bearer,
            "expires_at": token.expires_at,
            "token_type": "Bearer",
        });
        return output.say(&token.bearer, &json);
    }
    if wanted.is_anything() {
        let what = "--resource, --scope, --organization and --fresh are for access tokens: \
                    add --bearer";
        return Err(Failure::WrongUsage(what).into());
    }
    let Holder { credential, .. } = Holder::find(&server)?;
    let json = json!({ "credential": credential.reveal(), "kind": credential.kind() });
    output.say(credential.reveal(), &json)
}

pub(super) async fn header(args: HeaderArgs) -> anyhow::Result<()> {
    let token = fetch::access_token(&args.server, &args.wanted).await?;
    output::print(&format!("Authorization: Bearer {}", token.bearer))
}
