//! Hands a new secret over, the only time that anyone sees it, and says what to do with it.

use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{output::Output, secret_file::SecretFile, words},
    domain::{ApiKey, Secret},
};

/// Into the file, if there is one; else with the answer, which so far says this.
pub(super) fn hand_over(
    app: &App,
    key: &ApiKey,
    secret: &Secret,
    file: Option<SecretFile>,
    (text, mut json): (String, Value),
    output: Output,
) -> anyhow::Result<()> {
    let secret = secret.reveal();
    let advice = advice(app, key, file.as_ref());
    let Some(file) = file else {
        json["secret"] = secret.into();
        let text = format!("{text}\nIts secret, shown this once:\n\n{secret}\n\n{advice}");
        return output.say(&text, &json);
    };
    let path = file.path().display().to_string();
    let content = json!({
        "id": key.id,
        "name": key.name,
        "description": key.description,
        "secret": secret,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    });
    file.write(&serde_json::to_string_pretty(&content)?)?;
    json["file"] = path.clone().into();
    output.say(&format!("{text}\nIts secret is in {path}.\n\n{advice}"), &json)
}

fn advice(app: &App, key: &ApiKey, file: Option<&SecretFile>) -> String {
    let name = words::argument(key.name.as_str());
    let issuer = &app.settings.issuer;
    let (variable, keep) = match file {
        Some(file) => (
            format!("SECRET=$(jq -r .secret '{}')", file.path().display()),
            "Only you can read that file: keep it so. The secret is not shown again elsewhere.",
        ),
        None => (
            "SECRET=…".to_owned(),
            "Keep it where secrets are kept (a CI's secret store, a password manager, `keyturn \
             auth set-token`), not in code. It is not shown again.",
        ),
    };
    let until = match key.expires_at {
        Some(_) => format!(
            "Before it expires, `keyturn key rotate {name} --expires 90d` makes its next secret."
        ),
        None => format!("It never expires: `keyturn key rotate {name}` now and then."),
    };
    format!(
        "Turn it into a token:\n\n  {variable}\n  curl -sS {issuer}/auth/v1/api-key/token \\\n    \
         --data-urlencode 'name={}' --data-urlencode \"secret=$SECRET\"\n\n{keep}\n{until}",
        key.name
    )
}
