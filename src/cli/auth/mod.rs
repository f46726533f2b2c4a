//! `keyturn auth`: for people and programs that hold a key. It talks to a server, and needs neither
//! its database nor its configuration.

mod access_token;
mod answer;
mod cache;
mod claims;
mod credential;
mod exec_credential;
mod failure;
mod fetch;
mod fingerprint;
mod git_credential;
mod holder;
mod logout;
mod private;
mod prompt;
mod proof_key;
mod server_url;
mod set_token;
mod settings;
mod status;
mod token;
mod wire;

use clap::Subcommand;

pub(super) use self::failure::Failure;
use super::output;
use crate::domain::is_blank;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keep a key or a refresh token, read from a prompt or from standard input
    SetToken(set_token::Args),
    /// Print what is kept, or with --bearer an access token for it
    Token(token::Args),
    /// Tell whose credential is in use and whether it works now
    Status(status::Args),
    /// Forget the credential and its access tokens on this machine
    Logout(logout::Args),
    /// Print an access token as a header, for `curl -H @-`
    Header(token::HeaderArgs),
    /// Make a key pair to which access tokens are bound from then on, and print its thumbprint
    ProofKey(proof_key::Args),
    /// Print an access token as Kubernetes clients ask for it
    ExecCredential(exec_credential::Args),
    /// Answer git, which asks for the access token by the protocol of its credential helpers
    GitCredential(git_credential::Args),
}

/// Which server, and who we are to it.
#[derive(clap::Args, Default)]
struct Server {
    /// The server (default: `KEYTURN_URL`, else what is kept, else <http://127.0.0.1:8080>)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The client that a refresh token was given to [default: what is kept, else keyturn-cli]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

/// What the access token shall be good for.
#[derive(clap::Args, Default)]
struct Wanted {
    /// The resource server that takes it [default: the server's default resource]
    #[arg(long, value_name = "URI", value_parser = said)]
    resource: Option<String>,
    /// A scope it carries, may be repeated [default: all that the key may have]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = said)]
    scopes: Vec<String>,
    /// The organization it acts in [default: the key's own]
    #[arg(long, value_name = "ID", value_parser = said)]
    organization: Option<String>,
    /// Ask the server even if an access token is kept that still lives
    #[arg(long)]
    fresh: bool,
}

/// A blank wish would be none, and the token more than was wished for.
fn said(text: &str) -> Result<String, &'static str> {
    if is_blank(text) {
        Err("it is blank: leave the option out, or name one")
    } else {
        Ok(text.to_owned())
    }
}

impl Wanted {
    fn is_anything(&self) -> bool {
        let Self { resource, scopes, organization, fresh } = self;
        resource.is_some() || !scopes.is_empty() || organization.is_some() || *fresh
    }

    /// With one space between, as the wire wants it (RFC 6749, section 3.3); `None` where none is
    /// named. In order, so that the same wish finds the same kept token.
    fn scope(&self) -> Option<String> {
        let mut scopes: Vec<_> =
            self.scopes.iter().flat_map(|scopes| scopes.split_whitespace()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        (!scopes.is_empty()).then(|| scopes.join(" "))
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::SetToken(args) => set_token::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Logout(args) => logout::run(&args),
        Command::Header(args) => token::header(args).await,
        Command::ProofKey(args) => proof_key::run(&args),
        Command::ExecCredential(args) => exec_credential::run(args).await,
        Command::GitCredential(args) => git_credential::run(args).await,
    }
}

/// For people at the terminal; what is printed for programs stays what they expect.
fn note(text: &str) {
    eprintln!("keyturn: {text}");
}
