//! `keyturn auth token` and `keyturn auth header`: a credential or an access token on the screen,
//! for scripts.

use serde_json::json;

use super::{
    Server, Wanted,
    failure::Failure,
    fetch,
    holder::Holder,
    output::{self, Output},
    wire,
};
use crate::{clock::Clock, random::Random, signing::ProvedRequest};

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
    /// The URL that is to be asked, where the token is bound to the key of `proof-key`
    #[arg(long = "for", value_name = "URL")]
    target: Option<String>,
    /// The method it is to be asked by
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "target")]
    method: String,
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
            "token_type": token.scheme(),
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
    let HeaderArgs { target, method, server, wanted } = args;
    let holder = Holder::find(&server)?;
    let token = fetch::obtain(&holder, &wanted).await?;
    let header = format!("Authorization: {} {}", token.scheme(), token.bearer);
    let (Some(key), Some(_)) = (&holder.proof_key, &token.bound_to) else {
        return output::print(&header);
    };
    let what = "the token is bound to the key of `keyturn auth proof-key`, and every request needs a \
                proof: say by --for which URL is to be asked";
    let url = target.as_deref().ok_or(Failure::WrongUsage(what))?;
    let access_token = Some(token.bearer.as_str());
    let request = ProvedRequest { method: &method, url, access_token };
    let clock = Clock::system();
    let nonce = wire::nonce_of(key, url, &token, &clock).await?;
    let proof = key.prove(&request, nonce.as_deref(), clock.now(), &Random::System)?;
    output::print(&format!("{header}\nDPoP: {proof}"))
}
