//! Reads what a token endpoint answers (RFC 6749, sections 5.1 and 5.2), strictly where it matters.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    access_token::{AccessToken, is_bearer},
    failure::{Failure, Said},
    server_url::ServerUrl,
};
use crate::clock::Timestamp;

pub(super) struct Granted {
    pub(super) token: AccessToken,
    /// The successor of the one that was sent, if the server replaces them.
    pub(super) refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    access_token: String,
    token_type: String,
    /// Seconds; without it the client cannot tell when to ask again.
    expires_in: u32,
    refresh_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    error: String,
    error_description: String,
}

/// `asked_at` is earlier than the server's clock read: the token never seems to live too long.
/// `proved`: the thumbprint of the key that was proved.
pub(super) fn granted(
    url: &ServerUrl,
    status: u16,
    body: &[u8],
    asked_at: Timestamp,
    proved: Option<&str>,
) -> Result<Granted, Failure> {
    if status != 200 {
        return Err(refused(url, status, body));
    }
    let strange =
        |problem: &str| Failure::Strange { url: url.to_string(), problem: problem.into() };
    // The error of the parser could quote the token.
    let body: Body =
        serde_json::from_slice(body).map_err(|_| strange("its answer is not a token's"))?;
    let bound_to = match (body.token_type.to_ascii_lowercase().as_str(), proved) {
        ("bearer", _) => None,
        ("dpop", Some(thumbprint)) => Some(thumbprint.to_owned()),
        _ => return Err(strange("its token is of no type that was asked for")),
    };
    if !is_bearer(&body.access_token) {
        return Err(strange("its token is not printable"));
    }
    let is_printable = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !body.refresh_token.as_ref().is_none_or(is_printable) {
        return Err(strange("its refresh token is not printable"));
    }
    let token = AccessToken {
        bearer: body.access_token,
        fetched_at: asked_at,
        expires_at: asked_at + TimeDelta::seconds(body.expires_in.into()),
        bound_to,
    };
    Ok(Granted { token, refresh_token: body.refresh_token })
}

/// RFC 9449, section 8.
pub(super) fn asks_for_a_nonce(status: u16, body: &[u8]) -> bool {
    let complaint: Complaint = serde_json::from_slice(body).unwrap_or_default();
    status == 400 && complaint.error == "use_dpop_nonce"
}

pub(super) fn refused(url: &ServerUrl, status: u16, body: &[u8]) -> Failure {
    let url = url.to_string();
    let complaint: Complaint = serde_json::from_slice(body).unwrap_or_default();
    let said = match (complaint.error.as_str(), complaint.error_description.as_str()) {
        ("", _) => Said::new(&format!("status {status}")),
        (error, "") => Said::new(error),
        (error, description) => Said::new(&format!("{description} ({error})")),
    };
    let is_about_the_credential =
        matches!(complaint.error.as_str(), "invalid_grant" | "invalid_client");
    match status {
        401 | 403 => Failure::Refused { url, said },
        400 if is_about_the_credential => Failure::Refused { url, said },
        // RFC 6749 has no word for it, but this is what such a status says.
        408 | 425 | 429 | 500.. => Failure::Unavailable { url, said },
        400 if !complaint.error.is_empty() => Failure::Rejected { url, said },
        _ => Failure::Strange { url, problem: said.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn exit(status: u16, body: &str) -> Exit {
        let url = ServerUrl::parse("https://id.example.com").unwrap();
        let at = crate::clock::timestamp(1_800_000_000).unwrap();
        let failure = granted(&url, status, body.as_bytes(), at, None).err().expect("a failure");
        assert!(!failure.to_string().contains("s3cret"), "{failure}");
        failure.exit()
    }

    #[test]
    fn a_refusal_tells_what_to_do() {
        assert_eq!(exit(401, r#"{"error":"invalid_client"}"#), Exit::Refused);
        assert_eq!(exit(403, "no"), Exit::Refused);
        assert_eq!(exit(400, r#"{"error":"invalid_grant"}"#), Exit::Refused);
        assert_eq!(exit(400, r#"{"error":"invalid_scope"}"#), Exit::Failed);
        assert_eq!(exit(429, ""), Exit::TryLater);
        assert_eq!(exit(503, "<html>"), Exit::TryLater);
        assert_eq!(exit(302, ""), Exit::Failed);
        assert_eq!(exit(404, ""), Exit::Failed);
    }

    #[test]
    fn an_answer_that_is_no_token_is_not_used() {
        assert_eq!(exit(200, "<html>s3cret"), Exit::Failed);
        let mac = r#"{"access_token":"s3cret","token_type":"mac","expires_in":360}"#;
        assert_eq!(exit(200, mac), Exit::Failed);
        assert_eq!(exit(200, &mac.replace("mac", "DPoP")), Exit::Failed, "nothing was proved");
        let lines = r#"{"access_token":"s3cret\nX: y","token_type":"Bearer","expires_in":360}"#;
        assert_eq!(exit(200, lines), Exit::Failed);
        let endless = r#"{"access_token":"s3cret","token_type":"Bearer"}"#;
        assert_eq!(exit(200, endless), Exit::Failed);
    }
}
