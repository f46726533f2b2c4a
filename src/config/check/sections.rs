//! Checks the settings of each section.

use std::{num::NonZeroU32, ops::RangeInclusive, path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::ExposeSecret;
use tracing_subscriber::EnvFilter;

use super::{Checked, all, days, positive, seconds, within, wrong};
use crate::{
    config::{
        ApiKeys, Database, GithubKeys, Http, KeyEncryptionKey, Leaks, Log, LogFormat, Mail,
        Metrics, RecordUsage, RefreshTokens, Signing, Tls,
        secret::DatabaseUrl,
        settings::{
            ApiKeySettings, DatabaseSettings, HttpSettings, LeakSettings, LogSettings,
            MailSettings, MetricsSettings, RefreshTokenSettings, RetentionSettings,
            SigningSettings, TlsSettings,
        },
        url::{Url, is_host_name},
    },
    domain::{Kept, Network, Retention},
};

pub(super) fn tls(settings: &TlsSettings) -> Checked<Option<Tls>> {
    match (settings.certificate.as_str(), settings.key.as_str()) {
        ("", "") => Ok(None),
        (_, "") => wrong("tls.key", "is missing: tls.certificate needs it"),
        ("", _) => wrong("tls.certificate", "is missing: tls.key needs it"),
        (certificate, key) => Ok(Some(Tls { certificate: certificate.into(), key: key.into() })),
    }
}

pub(super) fn database(settings: DatabaseSettings) -> Checked<Database> {
    let DatabaseUrl(url) = settings.url;
    let schemes = ["sqlite:", "postgres:", "postgresql:"];
    if !schemes.iter().any(|scheme| url.expose_secret().starts_with(scheme)) {
        return wrong("database.url", "must begin with sqlite: or postgres://");
    }
    let connections = within("database.connections", settings.connections, 1..=10_000)?;
    let statement = settings.statement_timeout_seconds;
    let statement = within("database.statement_timeout_seconds", statement, 1..=60)?;
    let lifetime = settings.connection_lifetime_seconds;
    let lifetime = within("database.connection_lifetime_seconds", lifetime, 10..=3600)?;
    Ok(Database {
        url,
        migrate_at_start: settings.migrate_at_start,
        connections: positive("database.connections", connections)?,
        statement_timeout: Duration::from_secs(statement.into()),
        connection_lifetime: Duration::from_secs(lifetime.into()),
    })
}

pub(super) fn metrics(settings: MetricsSettings) -> Checked<Metrics> {
    let token = settings.token.0;
    if (1..16).contains(&token.expose_secret().len()) {
        return wrong("metrics.token", "is too short: 16 characters at least");
    }
    Ok(Metrics {
        networks: networks("metrics.networks", &settings.networks)?,
        token: Some(token).filter(|token| !token.expose_secret().is_empty()),
    })
}

pub(super) fn retention(settings: &RetentionSettings) -> Checked<Retention> {
    let kept = |days_setting, count, rows_setting, rows| {
        let age = Some(days(days_setting, count)?);
        Ok(Kept { age, rows: Some(within(rows_setting, rows, KEPT_ROWS)?) })
    };
    let usage = (settings.usage_days, settings.usage_rows);
    let refusals = (settings.refusals_days, settings.refusals_rows);
    let (audit_days, audit_rows) = (settings.audit_days, settings.audit_rows);
    let audit = Kept {
        age: unless_zero(audit_days, |count| days("retention.audit_days", count))?,
        rows: unless_zero(audit_rows, |rows| within("retention.audit_rows", rows, KEPT_ROWS))?,
    };
    Ok(Retention {
        usage: kept("retention.usage_days", usage.0, "retention.usage_rows", usage.1)?,
        refusals: kept(
            "retention.refusals_days",
            refusals.0,
            "retention.refusals_rows",
            refusals.1,
        )?,
        audit,
    })
}

/// Fewer would be gone before anyone has looked at them.
const KEPT_ROWS: RangeInclusive<u32> = 1000..=1_000_000_000;

fn unless_zero<T>(value: u32, check: impl FnOnce(u32) -> Checked<T>) -> Checked<Option<T>> {
    if value == 0 { Ok(None) } else { check(value).map(Some) }
}

pub(super) fn networks(setting: &'static str, texts: &[String]) -> Checked<Vec<IpNet>> {
    let networks: Vec<Network> = all(setting, texts)?;
    Ok(networks.into_iter().map(|network| network.0).collect())
}

pub(super) fn http(settings: &HttpSettings) -> Checked<Http> {
    let origin = |text: &String| match Url::parse(text) {
        Some(url) if url.path.is_empty() => Ok(without_default_port(text).to_owned()),
        _ => wrong(
            "http.cors_origins",
            format!("`{text}` is not an origin like https://app.example.com"),
        ),
    };
    let keep_alive = within("http.keep_alive_seconds", settings.keep_alive_seconds, 1..=3600)?;
    Ok(Http {
        trusted_proxies: networks("http.trusted_proxies", &settings.trusted_proxies)?,
        cors_origins: settings.cors_origins.iter().map(origin).collect::<Checked<_>>()?,
        keep_alive: Duration::from_secs(keep_alive.into()),
    })
}

/// As browsers send an origin (RFC 6454, section 6.2).
fn without_default_port(origin: &str) -> &str {
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(origin)
}

pub(super) fn api_keys(settings: ApiKeySettings) -> Checked<ApiKeys> {
    let prefix = settings.prefix;
    let is_plain = prefix.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    if !is_plain || !(2..=8).contains(&prefix.len()) {
        return wrong("api_keys.prefix", "must be 2 to 8 of a-z and 0-9");
    }
    let longest_lifetime = days("api_keys.longest_lifetime_days", settings.longest_lifetime_days)?;
    let default_lifetime = days("api_keys.default_lifetime_days", settings.default_lifetime_days)?;
    if default_lifetime > longest_lifetime {
        return wrong(
            "api_keys.default_lifetime_days",
            "must not be more than api_keys.longest_lifetime_days",
        );
    }
    if !is_host_name(&settings.audit_email_domain) {
        return wrong("api_keys.audit_email_domain", "must be a domain like keys.example.com");
    }
    let unused = settings.disable_unused_after_days;
    let unused =
        if unused == 0 { None } else { Some(days("api_keys.disable_unused_after_days", unused)?) };
    Ok(ApiKeys {
        prefix,
        disable_unused_after: unused,
        default_lifetime,
        longest_lifetime,
        may_never_expire: settings.may_never_expire,
        expiry_may_change: settings.expiry_may_change,
        most_per_tree: NonZeroU32::new(settings.most_per_tree),
        audit_email_domain: settings.audit_email_domain,
    })
}

pub(super) fn leaks(settings: LeakSettings) -> Leaks {
    let github_keys = match settings.github_keys {
        none if none.is_empty() => GithubKeys::Nowhere,
        url if url.contains("://") => GithubKeys::Url(url),
        file => GithubKeys::File(file.into()),
    };
    Leaks { github_keys }
}

pub(super) fn refresh_tokens(settings: &RefreshTokenSettings) -> Checked<RefreshTokens> {
    const DAY: u32 = 24 * 60 * 60;
    let (lifetime, idle) = (settings.lifetime_days, settings.idle_days);
    let lifetime = within("refresh_tokens.lifetime_days", lifetime, 1..=3650)?;
    let idle = within("refresh_tokens.idle_days", idle, 1..=3650)?;
    if idle > lifetime {
        return wrong("refresh_tokens.idle_days", "must not be more than lifetime_days");
    }
    let grace = within("refresh_tokens.grace_seconds", settings.grace_seconds, 0..=300)?;
    Ok(RefreshTokens {
        for_api_keys: settings.for_api_keys,
        rotate_for_api_keys: settings.rotate_for_api_keys,
        lifetime: lifetime * DAY,
        idle: idle * DAY,
        grace: seconds(grace),
    })
}

pub(super) fn signing(settings: SigningSettings) -> Checked<Signing> {
    let max_age = settings.jwks_max_age_seconds;
    let given = settings.key_encryption_key.0;
    let key_encryption_key = if !given.expose_secret().is_empty() {
        KeyEncryptionKey::Given(given)
    } else if settings.key_encryption_key_file.is_empty() {
        return wrong(
            "signing.key_encryption_key_file",
            "must name a file, which the first start makes",
        );
    } else {
        KeyEncryptionKey::File(PathBuf::from(settings.key_encryption_key_file))
    };
    Ok(Signing {
        key_encryption_key,
        rotate_every: days("signing.rotate_every_days", settings.rotate_every_days)?,
        jwks_max_age: seconds(within("signing.jwks_max_age_seconds", max_age, 300..=3600)?),
    })
}

pub(super) fn mail(settings: MailSettings) -> Checked<Option<Mail>> {
    let smtp_url = settings.smtp_url.0;
    match (smtp_url.expose_secret().is_empty(), settings.from.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => wrong("mail.smtp_url", "is missing: mail.from needs it"),
        (false, true) => wrong("mail.from", "is missing: mail.smtp_url needs it"),
        (false, false) => Ok(Some(Mail { smtp_url, from: settings.from })),
    }
}

/// Whether a proof needs a nonce.
pub(super) fn dpop(nonce: &str) -> Checked<bool> {
    match nonce {
        "off" => Ok(false),
        "required" => Ok(true),
        other => wrong("dpop.nonce", format!("`{other}` is neither off nor required")),
    }
}

pub(super) fn usage(record: &str) -> Checked<RecordUsage> {
    match record {
        "before-reply" => Ok(RecordUsage::BeforeReply),
        "soon" => Ok(RecordUsage::Soon),
        other => wrong("usage.record", format!("`{other}` is neither before-reply nor soon")),
    }
}

pub(super) fn log(settings: LogSettings) -> Checked<Log> {
    let format = match settings.format.as_str() {
        "auto" => LogFormat::Auto,
        "json" => LogFormat::Json,
        "human" => LogFormat::Human,
        other => return wrong("log.format", format!("`{other}` is not auto, json or human")),
    };
    // A misspelt level alone would be taken for the name of a module.
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let bare = settings.level.split(',').map(str::trim).filter(|part| !part.contains('='));
    let misspelt = bare.into_iter().find(|part| !levels.contains(part));
    if let Some(other) = misspelt {
        return wrong("log.level", format!("`{other}` is not one of {}", levels.join(", ")));
    }
    if let Err(error) = EnvFilter::try_new(&settings.level) {
        return wrong("log.level", format!("{error}; write it like info,sqlx=warn"));
    }
    Ok(Log { format, level: settings.level })
}
