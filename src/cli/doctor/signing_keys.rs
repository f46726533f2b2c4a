//! The signing keys: opened by the key-encryption key, one that signs, and the next in time.

use chrono::TimeDelta;

use super::{encryption::Found, report::Report, start};
use crate::{
    clock::Timestamp,
    config::{Config, KeyEncryptionKey},
    domain::{Algorithm, Rotation, SigningKey, SigningKeyState},
    signing::{Damage, DamagedKey, Signer},
    store::{self, Store},
};

const WHAT: &str = "signing keys";
/// A running server makes the next key within a minute.
const LATE: TimeDelta = TimeDelta::hours(1);

pub(super) async fn check(
    store: &Store,
    config: &Config,
    key: Found,
    now: Timestamp,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    let keys = store::signing_keys::list(&mut tx).await?;
    drop(tx);
    let kept = || keys.iter().filter(|key| key.state(now) != SigningKeyState::Gone);
    if kept().next().is_none() {
        report.warning(WHAT, "there are none yet: `keyturn serve` makes them when it starts");
        return Ok(());
    }
    let key = match key {
        Found::Key(key) => key,
        Found::Nothing => {
            report.failed("key-encryption key", missing(config));
            return Ok(());
        }
        Found::Unusable => {
            report.failed(WHAT, "cannot be opened without the key-encryption key");
            return Ok(());
        }
    };
    let signer = Signer::new(config.issuer.clone(), key);
    signer.load(kept().cloned().collect());
    let damaged = signer.damaged();
    if let Some(other) = only_others(&damaged, kept().count()) {
        report.failed(
            WHAT,
            format!(
                "none can be opened: {}; bring back the one that made them (setting \
                 signing.key_encryption_key_file)",
                other.why
            ),
        );
        return Ok(());
    }
    report_damaged(&damaged, report);
    let rotation = start::settings(config)?.rotation;
    for algorithm in Algorithm::ALL {
        let of_algorithm: Vec<_> = keys.iter().filter(|key| key.algorithm == algorithm).collect();
        // The third is made where a resource asks for it.
        if !of_algorithm.is_empty() || algorithm != Algorithm::EdDsa {
            let not_due = signer.not_due(now).into_iter().find(|(it, _)| *it == algorithm);
            if let Some((_, id)) = not_due {
                report.warning(WHAT, not_due_now(algorithm, &id, now));
                continue;
            }
            let signs = signer.has_active(algorithm, now);
            check_algorithm(algorithm, &of_algorithm, signs, rotation, now, report);
        }
    }
    Ok(())
}

fn not_due_now(algorithm: Algorithm, signing_key_id: &str, now: Timestamp) -> String {
    format!(
        "no {algorithm} key is due at {now}, so {signing_key_id} signs: the clock was set back, or \
         was ahead when the key was made; set it by NTP"
    )
}

fn missing(config: &Config) -> String {
    let KeyEncryptionKey::File(path) = &config.signing.key_encryption_key else {
        return "is missing".to_owned();
    };
    format!(
        "{} is missing, and it encrypted the signing keys in the database: bring it back from a \
         backup, or say where it is (setting signing.key_encryption_key_file)",
        path.display()
    )
}

/// One of them, where each was encrypted by another key than ours.
fn only_others(damaged: &[DamagedKey], all: usize) -> Option<&DamagedKey> {
    let is_other = |key: &DamagedKey| matches!(key.why, Damage::OtherKeyEncryptionKey { .. });
    damaged.first().filter(|_| damaged.len() == all && damaged.iter().all(is_other))
}

fn report_damaged(damaged: &[DamagedKey], report: &mut Report) {
    for DamagedKey { signing_key_id, algorithm, why } in damaged {
        report.failed(
            WHAT,
            format!(
                "{algorithm} {signing_key_id} cannot be used: {why}; restore a backup, or run \
                 `keyturn signing-key revoke {signing_key_id}`"
            ),
        );
    }
}

fn check_algorithm(
    algorithm: Algorithm,
    keys: &[&SigningKey],
    signs: bool,
    rotation: Rotation,
    now: Timestamp,
    report: &mut Report,
) {
    if !signs {
        report.failed(
            WHAT,
            format!("nothing can be signed with {algorithm}: `keyturn signing-key list` shows why"),
        );
        return;
    }
    let last = keys.iter().rfind(|key| key.revoked_at.is_none());
    let Some(last) = last else { return };
    if last.state(now) == SigningKeyState::Pending {
        let from = last.activates_at;
        report.ok(WHAT, format!("{algorithm} signs; the next key is made and signs from {from}"));
        return;
    }
    let due = last.activates_at + rotation.every - rotation.publish_lead();
    if due + LATE < now {
        report.warning(
            WHAT,
            format!("{algorithm} signs; the next key was due on {due}: a running server makes it"),
        );
    } else {
        report.ok(WHAT, format!("{algorithm} signs; the next key is made on {due}"));
    }
}
