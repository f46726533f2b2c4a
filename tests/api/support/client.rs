//! Requests of clients that have registered: resource servers, and those that obtain tokens.

use axum::{
    body::Body,
    http::{
        Request,
        header::{ACCEPT, AUTHORIZATION},
    },
};
use keyturn::{
    domain::{Authentication, ClientTerms, GrantType, OrganizationId},
    manage::clients::Registered,
};

use super::{Answer, OAUTH, TestServer, basic, encoded, post};

pub(crate) const INTROSPECT: &str = "/oauth2/introspect";
pub(crate) const REVOKE: &str = "/oauth2/revoke";

/// A client as it knows itself.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// Empty where it is public.
    pub(crate) secret: String,
}

impl From<Registered> for Client {
    fn from(made: Registered) -> Self {
        let secret = made.secret.map(|secret| secret.reveal().to_owned());
        Self { id: made.client.id.to_string(), secret: secret.unwrap_or_default() }
    }
}

impl Client {
    /// A form with its credentials: by HTTP Basic, or in the body where it is public.
    pub(crate) fn request(&self, path: &str, form: &[(&str, &str)]) -> Request<Body> {
        if self.secret.is_empty() {
            let form = [&[("client_id", self.id.as_str())], form].concat();
            return post(path, &encoded(&form));
        }
        let mut request = post(path, &encoded(form));
        let header = basic(&self.id, &self.secret).parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, header);
        request
    }
}

impl TestServer {
    /// A resource server for these.
    pub(crate) async fn resource_server(
        &self,
        organization: OrganizationId,
        name: &str,
        resources: &[&str],
    ) -> Client {
        let resources = resources.iter().map(|name| name.parse().unwrap()).collect();
        let terms = ClientTerms { resources: Some(resources), ..ClientTerms::default() };
        self.client(organization, name, terms).await.into()
    }

    /// A client that gets tokens for itself with the scopes `read` and `write`.
    pub(crate) async fn obtaining_client(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Client {
        let terms = ClientTerms {
            authentication: Authentication::ClientSecretBasic,
            grants: vec![GrantType::ClientCredentials],
            scopes: "read write".parse().unwrap(),
            ..ClientTerms::default()
        };
        self.client(organization, name, terms).await.into()
    }

    /// A token that the client gets for itself.
    pub(crate) async fn token_of(&self, client: &Client) -> String {
        let form = [("grant_type", "client_credentials"), ("audience", "api")];
        let answer = self.send(client.request(OAUTH, &form)).await;
        let token = answer.body["access_token"].as_str();
        token.unwrap_or_else(|| panic!("no token: {}", answer.text)).to_owned()
    }

    pub(crate) async fn introspect(&self, by: &Client, token: &str) -> Answer {
        self.send(by.request(INTROSPECT, &[("token", token)])).await
    }

    /// The signed form.
    pub(crate) async fn introspect_signed(&self, by: &Client, token: &str) -> Answer {
        let mut request = by.request(INTROSPECT, &[("token", token)]);
        let accepted = "application/token-introspection+jwt".parse().unwrap();
        request.headers_mut().insert(ACCEPT, accepted);
        self.send(request).await
    }

    pub(crate) async fn end_token(&self, by: &Client, token: &str) -> Answer {
        self.send(by.request(REVOKE, &[("token", token)])).await
    }
}
