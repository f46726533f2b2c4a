//! Turns what was written into what is meant, or says what to change.

mod registration;
mod sections;

use std::{net::SocketAddr, num::NonZeroU32, ops::RangeInclusive, time::Duration};

use chrono::TimeDelta;

use super::{Cache, Config, ConfigError, Limits, Tokens, settings::Settings, url::Url};
use crate::domain::{Item, items};

type Checked<T> = Result<T, ConfigError>;

pub(super) fn check(mut settings: Settings) -> Checked<Config> {
    let listen = address(&settings.listen)?;
    let tls = sections::tls(&settings.tls)?;
    settings.issuer = issuer(&settings, listen, tls.is_some())?;
    if settings.api_keys.audit_email_domain.is_empty() {
        settings.api_keys.audit_email_domain = host_of(&settings.issuer);
    }
    let description = toml::to_string(&settings).expect("settings are what TOML can hold");
    let tokens = &settings.tokens;
    let lifetime = within("tokens.lifetime_seconds", tokens.lifetime_seconds, 30..=360)?;
    let jitter = tokens.expires_in_jitter_percent;
    let expires_in_jitter = within("tokens.expires_in_jitter_percent", jitter, 0..=10)?;
    let cache = &settings.cache;
    let most_cached = within("cache.api_keys", cache.api_keys, 1..=1_000_000_000)?;
    let stale_after = within("cache.stale_after_seconds", cache.stale_after_seconds, 1..=3600)?;
    let failures = settings.limits.failures_per_minute;
    Ok(Config {
        tls,
        http: sections::http(&settings.http)?,
        metrics: sections::metrics(settings.metrics)?,
        retention: sections::retention(&settings.retention)?,
        api_keys: sections::api_keys(settings.api_keys)?,
        leaks: sections::leaks(settings.leaks),
        tokens: Tokens {
            lifetime: seconds(lifetime),
            expires_in_jitter,
            email_claim: tokens.email_claim,
        },
        refresh_tokens: sections::refresh_tokens(&settings.refresh_tokens)?,
        registration: registration::check(&settings.registration)?,
        proofs_need_nonce: sections::dpop(&settings.dpop.nonce)?,
        signing: sections::signing(settings.signing)?,
        usage: sections::usage(&settings.usage.record)?,
        cache: Cache {
            api_keys: most_cached as usize,
            stale_after: Duration::from_secs(stale_after.into()),
        },
        mail: sections::mail(settings.mail)?,
        outbound_allow: sections::networks("outbound.allow", &settings.outbound.allow)?,
        limits: Limits {
            failures_per_minute: positive("limits.failures_per_minute", failures)?,
            connections_per_address: NonZeroU32::new(settings.limits.connections_per_address),
        },
        log: sections::log(settings.log)?,
        database: sections::database(settings.database)?,
        issuer: settings.issuer,
        listen,
        value_files: Vec::new(),
        description,
    })
}

const LOCALHOST: &str = "localhost:";

fn wrong<T>(setting: &'static str, problem: impl Into<String>) -> Checked<T> {
    Err(ConfigError::Wrong { setting, problem: problem.into() })
}

/// A list, item by item.
fn all<T: Item, L: FromIterator<T>>(setting: &str, texts: &[String]) -> Checked<L> {
    items(setting, texts).map_err(ConfigError::Item)
}

fn within(setting: &'static str, value: u32, range: RangeInclusive<u32>) -> Checked<u32> {
    if range.contains(&value) {
        return Ok(value);
    }
    wrong(setting, format!("{value} is not from {} to {}", range.start(), range.end()))
}

fn positive(setting: &'static str, value: u32) -> Checked<NonZeroU32> {
    NonZeroU32::new(value).map_or_else(|| wrong(setting, "must be at least 1"), Ok)
}

fn seconds(count: u32) -> TimeDelta {
    TimeDelta::seconds(count.into())
}

fn days(setting: &'static str, count: u32) -> Checked<TimeDelta> {
    within(setting, count, 1..=36_500).map(|count| TimeDelta::days(count.into()))
}

fn address(listen: &str) -> Checked<SocketAddr> {
    let numbers = match listen.strip_prefix(LOCALHOST) {
        Some(port) => format!("127.0.0.1:{port}"),
        None => listen.to_owned(),
    };
    if let Ok(address) = numbers.parse() {
        return Ok(address);
    }
    let port = listen.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let port = port.unwrap_or(8080);
    wrong(
        "listen",
        format!(
            "`{listen}` is not an IP address and a port: write 127.0.0.1:{port} for this machine \
             alone, or 0.0.0.0:{port} for every address"
        ),
    )
}

fn issuer(settings: &Settings, listen: SocketAddr, has_tls: bool) -> Checked<String> {
    const EXAMPLE: &str = "say the URL that callers use, like https://keys.example.com";
    let issuer = settings.issuer.as_str();
    if issuer.is_empty() {
        let scheme = if has_tls { "https" } else { "http" };
        if !listen.ip().is_loopback() || listen.port() == 0 {
            return wrong(
                "issuer",
                format!(
                    "cannot be guessed from listen = {listen}: set KEYTURN_ISSUER to the URL that \
                     callers use, like https://keys.example.com, or to \
                     {scheme}://localhost:{} to try it on this machine",
                    listen.port()
                ),
            );
        }
        let is_named = settings.listen.starts_with(LOCALHOST);
        let host = if is_named { settings.listen.clone() } else { listen.to_string() };
        return Ok(format!("{scheme}://{host}"));
    }
    let Some(url) = Url::parse(issuer) else {
        return wrong(
            "issuer",
            format!("is not a plain URL in lower case without query and fragment: {EXAMPLE}"),
        );
    };
    if url.scheme != "https" && !url.is_loopback() {
        return wrong("issuer", "must begin with https://, except on a loopback address");
    }
    if url.path.ends_with('/') {
        return wrong("issuer", "must not end with a slash: verifiers compare it to the letter");
    }
    Ok(issuer.to_owned())
}

/// An e-mail address needs a name where the issuer may do with a loopback address.
fn host_of(issuer: &str) -> String {
    match Url::parse(issuer) {
        Some(url) if !url.is_loopback() => url.host.to_owned(),
        _ => "localhost".to_owned(),
    }
}
