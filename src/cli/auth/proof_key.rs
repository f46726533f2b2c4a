//! `keyturn auth proof-key`: a key pair of this user, to which access tokens are bound from then on
//! (RFC 9449). Anyone who copies a token, or the secret of a key that demands it, has nothing
//! without.

use std::{fs, io};

use anyhow::Context as _;
use serde_json::json;

use super::{output::Output, private, settings::Folder};
use crate::signing::ProofKey;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    output: Output,
}

/// Prints the thumbprint alone, for `keyturn key update NAME --proof`.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = Folder::needed()?;
    // Of two that make one at once, one does.
    let _alone = folder.alone()?;
    let path = folder.proof_key();
    let key = if let Some(key) = kept(&folder)? {
        key
    } else {
        let key = ProofKey::generate();
        private::replace(&path, &key.to_pem())
            .with_context(|| format!("cannot write {}", path.display()))?;
        key
    };
    let json = json!({ "thumbprint": key.thumbprint(), "file": path });
    args.output.say(key.thumbprint(), &json)
}

/// The key that is kept, if one is.
pub(super) fn kept(folder: &Folder) -> anyhow::Result<Option<ProofKey>> {
    let path = folder.proof_key();
    let text = match fs::read_to_string(&path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let shown = path.display();
    let then = format!("remove it if others use this machine, else run `chmod 600 {shown}`");
    private::check(&path, &then)?;
    let key = ProofKey::from_pem(&text).with_context(|| path.display().to_string())?;
    Ok(Some(key))
}
