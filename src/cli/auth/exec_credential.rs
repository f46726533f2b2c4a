//! `keyturn auth exec-credential`: an access token in the shape that Kubernetes clients ask for.

use anyhow::{Context as _, bail};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::json;

use super::{Server, Wanted, fetch, output};
use crate::config;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    wanted: Wanted,
}

/// What the client says of itself; more than we need is in it.
const INFO_VARIABLE: &str = "KUBERNETES_EXEC_INFO";
const V1: &str = "client.authentication.k8s.io/v1";
const V1_BETA_1: &str = "client.authentication.k8s.io/v1beta1";

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let version = match config::variable(INFO_VARIABLE) {
        Some(info) => asked_version(&info.to_string_lossy())?,
        None => V1,
    };
    let token = fetch::access_token(&args.server, &args.wanted).await?.unbound()?;
    let credential = json!({
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {
            "token": token.bearer,
            "expirationTimestamp": token.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        },
    });
    output::print(&credential.to_string())
}

/// The client reads no other version than the one it asks for.
fn asked_version(info: &str) -> anyhow::Result<&'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        api_version: String,
    }
    let info: Info = serde_json::from_str(info)
        .with_context(|| format!("{INFO_VARIABLE} is not an ExecCredential"))?;
    match [V1, V1_BETA_1].into_iter().find(|version| *version == info.api_version) {
        Some(version) => Ok(version),
        None => bail!("{INFO_VARIABLE} asks for an apiVersion other than {V1} and {V1_BETA_1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_was_asked_for() {
        let asked = |version: &str| asked_version(&json!({ "apiVersion": version }).to_string());
        assert_eq!(asked(V1).unwrap(), V1);
        assert_eq!(asked(V1_BETA_1).unwrap(), V1_BETA_1);
        assert!(asked("client.authentication.k8s.io/v1alpha1").is_err());
        assert!(asked_version("{").is_err());
    }
}
