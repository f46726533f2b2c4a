//! Keeps access tokens beside the settings, one file each. The file is its own lock: of many
//! processes that want the same token one fetches it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::{Wanted, access_token::AccessToken, fingerprint::fingerprint, holder::Holder, private};
use crate::{clock::Timestamp, signing::ProofKey};

/// The place of one token. No other process reads or fetches it until this is dropped.
pub(super) struct Slot {
    path: PathBuf,
    file: File,
}

impl Slot {
    /// Waits while another process fetches the token.
    pub(super) fn open(holder: &Holder, wanted: &Wanted) -> Option<io::Result<Self>> {
        let folder = holder.folder.as_ref()?.tokens();
        let path = folder.join(name(holder, wanted));
        let made = folder.parent().map_or(Ok(()), private::make_folder);
        let file = made
            .and_then(|()| private::make_folder(&folder))
            .and_then(|()| private::open_alone(&path));
        Some(file.map(|file| Self { path, file }))
    }

    /// `None` also where the file is damaged: it will be written anew.
    pub(super) fn token(&mut self, now: Timestamp) -> Option<AccessToken> {
        read(&mut self.file).filter(|token| token.is_fresh(now))
    }

    /// A process that is killed here leaves half a file, which says nothing.
    pub(super) fn keep(mut self, token: &AccessToken, now: Timestamp) -> io::Result<()> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(&serde_json::to_vec(token)?)?;
        remove_ended(&self.path, now)
    }

    /// Forgets the token if it is this one, or whichever it is.
    pub(super) fn forget(mut self, rejected: Option<&str>) -> io::Result<()> {
        let kept = read(&mut self.file);
        let is_rejected =
            |token: AccessToken| rejected.is_none_or(|rejected| rejected == token.bearer);
        if kept.is_some_and(is_rejected) { self.file.set_len(0) } else { Ok(()) }
    }
}

/// All that decides what a token is good for.
fn name(holder: &Holder, wanted: &Wanted) -> String {
    let Wanted { resource, organization, scopes: _, fresh: _ } = wanted;
    let fields =
        [resource.clone(), wanted.scope(), organization.clone()].map(Option::unwrap_or_default);
    let [resource, scope, organization] = fields.each_ref().map(String::as_str);
    let url = holder.url.as_str();
    let mut parts = vec![url, &holder.client_id, &holder.lineage, resource, scope, organization];
    parts.extend(holder.proof_key.as_ref().map(ProofKey::thumbprint));
    format!("{}.json", fingerprint(&parts))
}

fn read(file: &mut File) -> Option<AccessToken> {
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// So that the folder does not grow without end. A file that is held, or that says nothing
/// because it is about to be written, stays.
fn remove_ended(own: &Path, now: Timestamp) -> io::Result<()> {
    let Some(folder) = own.parent() else { return Ok(()) };
    for path in fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()) {
        if path == own {
            continue;
        }
        let Ok(mut file) = File::open(&path) else { continue };
        let has_ended = |token: AccessToken| token.expires_at <= now;
        if file.try_lock().is_ok() && read(&mut file).is_some_and(has_ended) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Tells whether there was any.
pub(super) fn forget_all(folder: &Path) -> io::Result<bool> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
