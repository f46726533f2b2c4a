//! Who asks: the credential in use, where it is from, and the server it is for.

use anyhow::{Context as _, anyhow};

use super::{
    Server,
    credential::Credential,
    failure::Failure,
    fingerprint::fingerprint,
    proof_key,
    server_url::ServerUrl,
    settings::{Alone, Folder, Settings},
};
use crate::{config, domain::KEYTURN_CLI, signing::ProofKey};

pub(super) const KEY_VARIABLE: &str = "KEYTURN_API_KEY";
const URL_VARIABLE: &str = "KEYTURN_URL";
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Environment,
    File,
}

pub(super) struct Holder {
    pub(super) url: ServerUrl,
    pub(super) client_id: String,
    pub(super) credential: Credential,
    pub(super) source: Source,
    /// What the holder calls the credential.
    pub(super) name: Option<String>,
    /// Names the credential, and a refresh token's successors alike: what is kept for the one is
    /// good for the others.
    pub(super) lineage: String,
    /// To which tokens are bound, where there is one.
    pub(super) proof_key: Option<ProofKey>,
    /// `None` for a user without a home, who can keep nothing.
    pub(super) folder: Option<Folder>,
}

impl Holder {
    pub(super) fn find(asked: &Server) -> anyhow::Result<Self> {
        let folder = Folder::find();
        let settings = folder.as_ref().map_or_else(|| Ok(Settings::empty()), Settings::read)?;
        let url = server_url(asked, &settings)?;
        let client_id = match &asked.client_id {
            Some(id) => id.clone(),
            None => settings.text(Settings::CLIENT_ID)?.unwrap_or(KEYTURN_CLI).to_owned(),
        };
        let proof_key = folder.as_ref().map_or(Ok(None), proof_key::kept)?;
        let (source, name, credential, lineage) = if let Some(text) = set(KEY_VARIABLE)? {
            let credential: Credential = text.parse().context(KEY_VARIABLE)?;
            let lineage = fingerprint(&[credential.reveal()]);
            (Source::Environment, None, credential, lineage)
        } else {
            let credential = kept(&settings)?.ok_or(Failure::NoCredential)?;
            let lineage = lineage(&settings, &credential);
            let name = settings.text(Settings::NAME)?.map(str::to_owned);
            (Source::File, name, credential, lineage)
        };
        Ok(Self { url, client_id, credential, source, name, lineage, proof_key, folder })
    }

    /// What is kept now, maybe a successor that another process was given meanwhile.
    pub(super) fn reread(&self, alone: &Alone) -> anyhow::Result<Credential> {
        let settings = alone.read()?;
        let credential = kept(&settings)?.ok_or(Failure::NoCredential)?;
        if lineage(&settings, &credential) == self.lineage {
            return Ok(credential);
        }
        Err(anyhow!("another credential was set meanwhile: run the command again"))
    }

    /// Keeps the successor of a refresh token.
    pub(super) fn keep_successor(&self, alone: &Alone, token: &str) -> anyhow::Result<()> {
        let mut settings = alone.read()?;
        let mut rotated = yaml_serde::Mapping::new();
        rotated.insert("first".into(), self.lineage.as_str().into());
        rotated.insert("last".into(), fingerprint(&[token]).into());
        settings.set(Settings::CREDENTIAL, token);
        settings.set(Settings::ROTATED, rotated);
        settings.write(alone)
    }
}

pub(super) fn server_url(asked: &Server, settings: &Settings) -> anyhow::Result<ServerUrl> {
    if let Some(url) = &asked.url {
        return ServerUrl::parse(url).context("--url");
    }
    if let Some(url) = set(URL_VARIABLE)? {
        return ServerUrl::parse(&url).context(URL_VARIABLE);
    }
    match settings.text(Settings::URL)? {
        Some(url) => ServerUrl::parse(url).with_context(|| settings.path().display().to_string()),
        None => ServerUrl::parse(DEFAULT_URL),
    }
}

/// A variable that is empty is not set: so is a secret that a CI system does not hand out.
fn set(variable: &'static str) -> anyhow::Result<Option<String>> {
    let value = config::variable(variable).filter(|value| !value.is_empty());
    let value =
        value.map(|value| value.into_string().map_err(|_| anyhow!("{variable}: not UTF-8")));
    value.transpose()
}

fn kept(settings: &Settings) -> anyhow::Result<Option<Credential>> {
    let Some(text) = settings.text(Settings::CREDENTIAL)? else { return Ok(None) };
    settings.check_private()?;
    let credential = text.parse();
    credential.map(Some).with_context(|| settings.path().display().to_string())
}

/// Says `first` only of the very token that was written with it: a person may have put another one
/// into the file since.
fn lineage(settings: &Settings, credential: &Credential) -> String {
    let own = fingerprint(&[credential.reveal()]);
    match (settings.rotated("first"), settings.rotated("last")) {
        (Some(first), Some(last)) if last == own => first.to_owned(),
        _ => own,
    }
}
