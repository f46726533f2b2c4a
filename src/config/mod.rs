//! The configuration: defaults, under `keyturn.toml`, under the environment. No one else reads
//! either.

mod check;
mod declare;
mod error;
mod example;
pub mod key_file;
mod overlay;
mod secret;
mod sections;
mod service_links;
mod settings;
mod url;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use toml::Table;

use self::settings::Settings;
pub use self::{
    error::ConfigError,
    sections::{
        ApiKeys, Cache, Database, GithubKeys, Http, KeyEncryptionKey, Leaks, Limits, Log,
        LogFormat, Mail, Metrics, RecordUsage, RefreshTokens, Signing, Tls, Tokens,
    },
};

/// Read where no one names a file, if it is there.
const DEFAULT_FILE: &str = "keyturn.toml";

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// An https URL (http on loopback addresses) without a slash at its end.
    pub issuer: String,
    pub listen: SocketAddr,
    pub database: Database,
    /// `None` where the server speaks plain HTTP.
    pub tls: Option<Tls>,
    pub http: Http,
    pub metrics: Metrics,
    pub api_keys: ApiKeys,
    pub leaks: Leaks,
    pub tokens: Tokens,
    pub refresh_tokens: RefreshTokens,
    /// `None` where clients do not register themselves.
    pub registration: Option<crate::domain::RegistrationPolicy>,
    /// Whether a proof of possession has to carry a nonce of this server.
    pub proofs_need_nonce: bool,
    pub signing: Signing,
    pub usage: RecordUsage,
    pub retention: crate::domain::Retention,
    pub cache: Cache,
    /// `None` where no mail is sent.
    pub mail: Option<Mail>,
    /// Where requests may go although the addresses are not public.
    pub outbound_allow: Vec<IpNet>,
    pub limits: Limits,
    pub log: Log,
    /// The files that variables named for values, such as a password.
    pub value_files: Vec<PathBuf>,
    /// The same as TOML, secrets masked.
    description: String,
}

impl Config {
    /// A file that is named must be there; without a name `keyturn.toml` is read if it exists.
    /// Unknown settings are refused, in the file and among the variables that begin with
    /// `KEYTURN_`, except those that Kubernetes sets for a Service.
    pub fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
                String::new()
            }
            Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        };
        Self::read(path, &text, variables)
    }

    fn read(
        path: &Path,
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let malformed = |error| malformed(path, text, &error);
        // Read as settings first: only the text knows the line of a mistake.
        toml::from_str::<Settings>(text).map_err(malformed)?;
        let mut table: Table = toml::from_str(text).map_err(malformed)?;
        let value_files = overlay::overlay(&mut table, &example::defaults(), variables)?;
        let settings = table.try_into().expect("each value has the type of its setting");
        Ok(Self { value_files, ..check::check(settings)? })
    }

    /// The text of `keyturn.example.toml`.
    pub fn example() -> String {
        example::example()
    }

    /// What is in force as TOML, secrets masked.
    pub fn describe(&self) -> &str {
        &self.description
    }
}

impl Default for Config {
    fn default() -> Self {
        check::check(Settings::default()).expect("the defaults are right")
    }
}

/// The variables of this process. One that is not Unicode keeps a mark where it is not: it need
/// not be ours, and if it is, [`Config::load`] refuses it.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (lossy(name), lossy(value)))
}

/// One variable of this process that is no setting of the server.
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    ConfigError::Malformed {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: last_line.chars().count() + 1,
        problem: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests;
