//! A public client: known by its name alone. It gets its first tokens for a job of a CI.

use keyturn::domain::{Authentication, ClientTerms, GrantType, OrganizationId, RefreshTerms};

use super::{Answer, Ci, OAUTH, ProofKey, TestServer};

pub(crate) struct PublicApp {
    pub(crate) id: String,
    ci: Ci,
}

impl TestServer {
    /// A public client of this name, whose refresh tokens rotate or do not.
    pub(crate) async fn public_app(
        &self,
        organization: OrganizationId,
        name: &str,
        rotates: bool,
    ) -> PublicApp {
        let ci = Ci::at(&format!("https://{name}.example.com"));
        let rule = ci.rule(organization);
        ci.trusted_by(
            self,
            keyturn::manage::trusts::NewTrust { name: name.parse().unwrap(), ..rule },
        )
        .await;
        let terms = ClientTerms {
            authentication: Authentication::None,
            grants: vec![GrantType::JwtBearer, GrantType::RefreshToken],
            scopes: "read write".parse().unwrap(),
            refresh: Some(RefreshTerms { rotates, ..RefreshTerms::default() }),
            ..ClientTerms::default()
        };
        let id = self.client(organization, name, terms).await.client.id.to_string();
        PublicApp { id, ci }
    }
}

impl PublicApp {
    /// Its first tokens, for `api`; with a proof by this key, or none.
    pub(crate) async fn first(&self, server: &TestServer, key: Option<&ProofKey>) -> Answer {
        let (grant, job) = (GrantType::JwtBearer.as_str(), self.ci.job(server));
        let form = [("grant_type", grant), ("assertion", &job), ("audience", "api")];
        self.ask(server, key, &form).await
    }

    pub(crate) async fn refresh(
        &self,
        server: &TestServer,
        key: Option<&ProofKey>,
        token: &str,
    ) -> Answer {
        self.ask(server, key, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn ask(
        &self,
        server: &TestServer,
        key: Option<&ProofKey>,
        form: &[(&str, &str)],
    ) -> Answer {
        let form = [&[("client_id", &*self.id)], form].concat();
        match key {
            Some(key) => server.post_by(key, OAUTH, &form).await,
            None => server.post(OAUTH, &form).await,
        }
    }
}
