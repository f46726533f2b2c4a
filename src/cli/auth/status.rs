//! `keyturn auth status`: whose credential is in use, from where, and whether it works now.

use serde::Serialize;

use super::{
    Server, Wanted,
    access_token::AccessToken,
    claims::Claims,
    failure::Said,
    fetch,
    holder::{Holder, KEY_VARIABLE, Source},
    output::Output,
};
use crate::clock::Timestamp;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Shown {
    works: bool,
    kind: &'static str,
    /// Its prefix; the secret is never shown here.
    credential: String,
    name: Option<String>,
    from: String,
    url: String,
    error: Option<String>,
    #[serde(flatten)]
    token: Option<Token>,
}

/// Of the access token that the server gave just now.
#[derive(Serialize)]
struct Token {
    key_id: Option<Said>,
    subject: Said,
    organization_id: Said,
    roles: Vec<Said>,
    scopes: Said,
    expires_at: Timestamp,
}

/// Ends like the exchange: what failed is told, and decides the exit code.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { server, output } = args;
    let holder = Holder::find(&server)?;
    let fresh = Wanted { fresh: true, ..Wanted::default() };
    let obtained = fetch::obtain(&holder, &fresh).await;
    let shown = Shown {
        works: obtained.is_ok(),
        kind: holder.credential.kind(),
        credential: holder.credential.shown(),
        name: holder.name.clone(),
        from: from(&holder),
        url: holder.url.to_string(),
        error: obtained.as_ref().err().map(crate::cli::with_causes),
        token: obtained.as_ref().ok().map(Token::of),
    };
    output.say(&text(&shown), &shown)?;
    obtained.map(|_| ())
}

fn from(holder: &Holder) -> String {
    match (holder.source, &holder.folder) {
        (Source::File, Some(folder)) => folder.settings().display().to_string(),
        _ => KEY_VARIABLE.to_owned(),
    }
}

impl Token {
    fn of(token: &AccessToken) -> Self {
        let claims = Claims::of(&token.bearer);
        Self {
            key_id: claims.key_id().map(Said::new),
            subject: Said::new(&claims.sub),
            organization_id: Said::new(&claims.org),
            roles: claims.roles.iter().map(|role| Said::new(role)).collect(),
            scopes: Said::new(&claims.scope),
            expires_at: token.expires_at,
        }
    }
}

fn text(shown: &Shown) -> String {
    let name = shown.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let mut lines = vec![
        ("Credential", format!("{} {}{name}, from {}", shown.kind, shown.credential, shown.from)),
        ("Server", shown.url.clone()),
        ("Works", if shown.works { "yes" } else { "no" }.to_owned()),
    ];
    if let Some(token) = &shown.token {
        let roles: Vec<_> = token.roles.iter().map(ToString::to_string).collect();
        lines.extend([
            match &token.key_id {
                Some(id) => ("Key", id.to_string()),
                None => ("Subject", token.subject.to_string()),
            },
            ("Organization", token.organization_id.to_string()),
            ("Roles", roles.join(", ")),
            ("Scopes", token.scopes.to_string()),
            ("Token ends", token.expires_at.to_string()),
        ]);
    }
    let lines = lines.iter().map(|(name, value)| format!("{name:13} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
