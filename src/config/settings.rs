//! Every setting: what it is for, how it is written, what it is when no one says.

use super::{
    declare::settings,
    secret::{DatabaseUrl, Secret},
};

settings! {
    /// The URL that callers use and that tokens name as their issuer: https, no slash at the end.
    /// Empty: `http://` and the address of `listen`, where that is a loopback address.
    issuer: String = "";
    /// The address and port to listen on.
    listen: String = "127.0.0.1:8080";

    [database]: DatabaseSettings {
        /// `sqlite:` and a file, or `postgres://user:password@host/database`.
        url: DatabaseUrl = "sqlite:keyturn.db";
        /// Bring the tables up to date at every start; if not, `keyturn migrate` does.
        migrate_at_start: bool = true;
        /// The most connections to the database at once.
        connections: u32 = 10;
        /// A statement that takes longer has failed, and its request is answered 503: 1 to 60.
        statement_timeout_seconds: u32 = 2;
        /// A connection to PostgreSQL is replaced after this time: 10 to 3600.
        connection_lifetime_seconds: u32 = 300;
    }

    [tls]: TlsSettings {
        /// A PEM file with the certificate, then those of its issuers; empty: no TLS here.
        certificate: String = "";
        /// A PEM file with the certificate's private key.
        key: String = "";
    }

    [http]: HttpSettings {
        /// The proxies in front, as addresses or networks such as `10.0.0.0/8`.
        /// Only from them is `X-Forwarded-For` believed.
        trusted_proxies: Vec<String> = &[];
        /// The web pages that may call from a browser: origins such as `https://app.example.com`.
        cors_origins: Vec<String> = &[];
        /// How long an idle connection is kept for the next request, as `Keep-Alive` says:
        /// 1 to 3600. More than the proxy in front keeps its own.
        keep_alive_seconds: u32 = 75;
    }

    [metrics]: MetricsSettings {
        /// The addresses or networks that may read `/metrics` directly, without a proxy between;
        /// all others are told 404.
        networks: Vec<String> = &["127.0.0.0/8", "::1/128"];
        /// Requests with this token as `Authorization: Bearer` may read it from anywhere, and then
        /// no others may. Empty: the networks decide.
        token: Secret = "";
    }

    [api_keys]: ApiKeySettings {
        /// What every secret begins with, before an underscore: 2 to 8 of a-z and 0-9.
        prefix: String = "ktk";
        /// How long a new key lives when its creator does not say.
        default_lifetime_days: u32 = 183;
        /// How long a new key may live.
        longest_lifetime_days: u32 = 365;
        /// Whether a key may be made that never expires.
        may_never_expire: bool = false;
        /// Whether the end of a key may be changed after it was made.
        expiry_may_change: bool = false;
        /// The most keys in an organization and all below it; 0: no limit.
        most_per_tree: u32 = 1000;
        /// Keys that were unused for so long are disabled; 0: never.
        disable_unused_after_days: u32 = 0;
        /// The domain of the e-mail addresses that stand for keys in audit logs.
        /// Empty: the host of the issuer.
        audit_email_domain: String = "";
    }

    [leaks]: LeakSettings {
        /// The public keys of GitHub's secret scanning: a file, or the URL they are fetched from,
        /// `https://api.github.com/meta/public_keys/secret_scanning`.
        /// Empty: reports from GitHub are not taken.
        github_keys: String = "";
    }

    [tokens]: TokenSettings {
        /// How long an access token lives: 30 to 360.
        lifetime_seconds: u32 = 360;
        /// By up to how many percent `expires_in` is shorter than that, by chance, so that many
        /// clients that began together do not all come back together: 0 to 10.
        expires_in_jitter_percent: u32 = 0;
        /// Whether an access token carries its key's audit e-mail address.
        email_claim: bool = false;
    }

    [refresh_tokens]: RefreshTokenSettings {
        /// Whether the exchange of an API key gives a refresh token, too.
        /// For registered clients each of them says so itself.
        for_api_keys: bool = false;
        /// Whether each use replaces it; if not, one is used again and again.
        rotate_for_api_keys: bool = false;
        /// How long it may be refreshed, however often that happens; never longer than its key.
        lifetime_days: u32 = 30;
        /// Unused for so long, it is dead.
        idle_days: u32 = 7;
        /// How long one that was replaced gives the same successor again, to a client that lost the
        /// answer or asked twice at once: 0 to 300, counted from the first answer that had the
        /// successor. For registered clients as well.
        grace_seconds: u32 = 30;
    }

    [registration]: RegistrationSettings {
        /// Whether programs register themselves as clients, at `/oauth2/register` (RFC 7591).
        /// `off`; `token`: with an access token of a key that may make clients (`clients:write`);
        /// `open`: everyone does.
        mode: String = "off";
        /// The id of the organization that they belong to: `keyturn org show` tells it.
        organization: String = "";
        /// The scopes that such a client may have, and has where it does not say.
        scopes: Vec<String> = &[];
        /// The resources that its tokens may be for; none: any.
        resources: Vec<String> = &[];
        /// The grant types that it may have: `client_credentials`, `refresh_token`,
        /// `urn:ietf:params:oauth:grant-type:jwt-bearer` or `…:token-exchange`, all in full.
        grant_types: Vec<String> = &["client_credentials"];
        /// The most of them at once: 1 to 1000000.
        most_clients: u32 = 1000;
        /// How many one source address may register in an hour, at each node.
        most_per_hour: u32 = 20;
        /// Those that got no token for so long are deleted: 1 to 3650.
        delete_unused_after_days: u32 = 30;
    }

    [dpop]: DpopSettings {
        /// `required`: a proof of possession carries a nonce of this server, which it gives out
        /// anew every two minutes. `off`: its time is enough, to a minute.
        nonce: String = "off";
    }

    [signing]: SigningSettings {
        /// The file with the key that encrypts the signing keys; made at the first start.
        key_encryption_key_file: String = "keys/key-encryption-key";
        /// That key itself, instead of a file: keep it out of this file, use the environment.
        key_encryption_key: Secret = "";
        /// How long a signing key signs before the next one does.
        rotate_every_days: u32 = 90;
        /// How long verifiers may keep a copy of the JWKS: 300 to 3600.
        /// A signing key is published at least this long before it signs.
        jwks_max_age_seconds: u32 = 900;
    }

    [usage]: UsageSettings {
        /// `before-reply`: no token leaves before its use is on disk.
        /// `soon`: answers first, writes within a second, and goes on while the disk is full.
        /// What counts only once (refresh tokens, assertions, proofs) is on disk before its reply
        /// with either, and gets 503 while nothing can be written.
        record: String = "before-reply";
    }

    [retention]: RetentionSettings {
        /// How long it is kept who used which key when.
        usage_days: u32 = 90;
        /// The most rows of that: 1000 to 1000000000. Beyond it the oldest go.
        usage_rows: u32 = 10_000_000;
        /// How long it is kept why a request was refused.
        refusals_days: u32 = 30;
        /// The most rows of that: 1000 to 1000000000. Beyond it the oldest go.
        refusals_rows: u32 = 1_000_000;
        /// How long the audit trail is kept; 0: without limit.
        audit_days: u32 = 365;
        /// The most rows of that: 1000 to 1000000000. Beyond it the oldest go; 0: none goes.
        audit_rows: u32 = 10_000_000;
    }

    [cache]: CacheSettings {
        /// The most API keys kept in memory.
        api_keys: u32 = 1_000_000;
        /// How long they are trusted when the database cannot say what has changed.
        stale_after_seconds: u32 = 10;
    }

    [mail]: MailSettings {
        /// The server that takes our mails: `smtps://user:password@host:465`, or
        /// `smtp://user:password@host:587?tls=required`. Empty: no mail is sent.
        smtp_url: Secret = "";
        /// Whom they are from: `keyturn@example.com`, or `keyturn <keyturn@example.com>`.
        from: String = "";
    }

    [outbound]: OutboundSettings {
        /// The addresses or networks that webhooks may lead to although they are not public, such
        /// as `10.0.0.0/8`; there also without TLS and on any port.
        allow: Vec<String> = &[];
    }

    [limits]: LimitSettings {
        /// How many failures a minute one source address has before it is told to wait, and one
        /// credential that is refused although it is proved, such as a revoked key.
        failures_per_minute: u32 = 60;
        /// The most connections of one source address at once, except those of
        /// `http.trusted_proxies`; 0: no limit.
        connections_per_address: u32 = 1000;
    }

    [log]: LogSettings {
        /// `json`, `human`, or `auto`: human on a terminal.
        format: String = "auto";
        /// `error`, `warn`, `info`, `debug` or `trace`, also by module: `info,sqlx=warn`. Where it
        /// is not set, `RUST_LOG` counts.
        level: String = "info";
    }
}
