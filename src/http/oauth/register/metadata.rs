//! What a client says of itself (RFC 7591, section 2; RFC 9449, section 5.2), in our words.

use secrecy::SecretString;
use serde_json::Value;

use super::members::Members;
use crate::{
    domain::{AskedTerms, Authentication, ClientId, GrantType, Scopes, SelfDescription, items},
    http::error::RegistrationError,
    manage::clients::itself::NewItself,
};

pub(super) struct Metadata {
    pub(super) said: NewItself,
    client_id: Option<String>,
    pub(super) client_secret: Option<SecretString>,
    /// The first that is there of the members that only the server says.
    ours: Option<&'static str>,
}

/// RFC 7592, section 2.2.
const OURS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

type Read<T> = Result<T, RegistrationError>;

impl Metadata {
    pub(super) fn read(mut members: Members) -> Read<Self> {
        check_algorithms(&members)?;
        if let Some(statement) = members.take("software_statement") {
            let parts = statement.as_str().map(|text| text.split('.').count());
            return Err(RegistrationError::statement(parts == Some(3)));
        }
        let client_secret = members.text("client_secret")?.map(SecretString::from);
        Ok(Self {
            client_id: members.text("client_id")?,
            client_secret,
            ours: OURS.into_iter().find(|name| members.take(name).is_some()),
            said: NewItself { terms: terms(&mut members)?, description: described(members)? },
        })
    }

    /// That a client which replaces what it said means itself.
    pub(super) fn check_whose(&self, id: ClientId) -> Read<()> {
        if let Some(ours) = self.ours {
            return Err(RegistrationError::metadata(format!("leave out {ours}")));
        }
        if self.client_id.as_deref().and_then(|text| text.parse().ok()) == Some(id) {
            Ok(())
        } else {
            Err(RegistrationError::metadata("client_id is the id of the client that asks"))
        }
    }
}

/// Whatever would be signed by it: a client cannot ask for no signature.
fn check_algorithms(members: &Members) -> Read<()> {
    let is_none = |value: &Value| value.as_str().is_some_and(|it| it.eq_ignore_ascii_case("none"));
    let unsigned = members.names().find(|(name, value)| name.ends_with("_alg") && is_none(value));
    unsigned.map_or(Ok(()), |(name, _)| {
        Err(RegistrationError::metadata(format!("{name} is the name of an algorithm that signs")))
    })
}

fn terms(members: &mut Members) -> Read<AskedTerms> {
    let grants = grants(members.texts("grant_types")?)?;
    check_response_types(&members.texts("response_types")?.unwrap_or_default())?;
    let scope = members.text("scope")?.map(|text| text.parse::<Scopes>());
    let bad = |bad| RegistrationError::metadata(format!("scope: {bad}"));
    let scopes = scope.transpose().map_err(bad)?;
    Ok(AskedTerms {
        authentication: authentication(members)?,
        grants,
        scopes,
        redirect_uris: redirect_uris(members)?,
        bound_tokens: members.truth("dpop_bound_access_tokens")?.unwrap_or(false),
    })
}

fn grants(said: Option<Vec<String>>) -> Read<Vec<GrantType>> {
    let Some(said) = said else {
        let problem = "say grant_types: authorization_code, which is meant where they are left \
                       out, is not there yet";
        return Err(RegistrationError::metadata(problem));
    };
    items("grant_types", &said).map_err(|bad| RegistrationError::metadata(bad.to_string()))
}

/// They come with grants that go through a browser (RFC 7591, section 2.1): there are none.
fn check_response_types(said: &[String]) -> Read<()> {
    if said.is_empty() {
        return Ok(());
    }
    let problem = "response_types do not go with these grant_types: leave them out";
    Err(RegistrationError::metadata(problem))
}

fn redirect_uris(members: &mut Members) -> Read<Vec<String>> {
    members.texts("redirect_uris").map(Option::unwrap_or_default).map_err(|error| match error {
        RegistrationError::Metadata { description, .. } => {
            RegistrationError::Metadata { error: "invalid_redirect_uri", description }
        }
        other => other,
    })
}

fn authentication(members: &mut Members) -> Read<Authentication> {
    let method = members.text("token_endpoint_auth_method")?;
    let jwks = members.take("jwks").map(|set| set.to_string());
    let (uri, algorithm) =
        (members.text("jwks_uri")?, members.text("token_endpoint_auth_signing_alg")?);
    let said = Authentication::said(method.as_deref(), jwks, uri, false, algorithm.as_deref());
    let said = said.map_err(|bad| RegistrationError::metadata(bad.to_string()))?;
    Ok(said.unwrap_or_default())
}

fn described(mut members: Members) -> Read<SelfDescription> {
    Ok(SelfDescription {
        client_name: members.text("client_name")?,
        client_uri: members.text("client_uri")?,
        logo_uri: members.text("logo_uri")?,
        policy_uri: members.text("policy_uri")?,
        tos_uri: members.text("tos_uri")?,
        contacts: members.texts("contacts")?.unwrap_or_default(),
        software_id: members.text("software_id")?,
        software_version: members.text("software_version")?,
    })
}
