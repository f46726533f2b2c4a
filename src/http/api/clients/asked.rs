//! What callers send of clients.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::words::{Exchange, Method, Refresh};
use crate::{
    domain::{
        Authentication, ClientTerms, ExchangeRule, GrantType, KeyName, OrganizationId, ScopeToken,
        Scopes,
    },
    http::api::{
        extract::{Parsed, present},
        moment::Moment,
        problem::Problem,
        proof::AskedProof,
        texts::{Name, Scope, few},
    },
    manage::{
        Asker,
        clients::{Edit, NewClient, TermsEdit},
    },
};

/// Which clients to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListClients {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    pub(super) cursor: Option<String>,
    /// Clients of this organization.
    pub(super) organization_id: Option<Uuid>,
}

/// What can be said of a client when it is made and when it is changed.
macro_rules! said_of_a_client {
    ($(#[$about:meta])* $name:ident { $($(#[$say:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$say])* $field: $kind,)*
            #[schema(inline)]
            token_endpoint_auth_method: Option<Method>,
            /// With `private_key_jwt`: its public keys, a JWK Set (RFC 7517, section 5).
            #[schema(value_type = Option<Object>)]
            jwks: Option<Map<String, Value>>,
            /// With `private_key_jwt`: where its public keys are fetched from; https.
            #[schema(max_length = 2000)]
            jwks_uri: Option<String>,
            /// With `private_key_jwt`: whether its assertions may also be for the token endpoint,
            /// or for several, as older libraries write them.
            compat_aud: Option<bool>,
            /// With `private_key_jwt`: the only algorithm that its assertions may be signed by.
            /// Left out: any that fits the key.
            #[schema(example = "PS256")]
            token_endpoint_auth_signing_alg: Option<String>,
            /// As the token endpoint is asked for them.
            #[schema(value_type = Option<Vec<String>>, example = json!(["client_credentials"]))]
            grant_types: Option<Vec<String>>,
            /// No token that it obtains has others; for itself it has these.
            #[schema(value_type = Option<Vec<Scope>>, max_items = 100, example = json!(["read"]))]
            scopes: Option<Vec<String>>,
            /// Whom its tokens may be for; `null`: for any resource.
            #[serde(default, deserialize_with = "present")]
            #[schema(value_type = Option<Vec<String>>, max_items = 50)]
            resources: Option<Option<Vec<String>>>,
            /// Compared to the letter: https, http on a loopback address, or a scheme with a dot.
            #[schema(max_items = 20)]
            redirect_uris: Option<Vec<String>>,
            /// `null`: as long as those of the resource.
            #[serde(default, deserialize_with = "present")]
            #[schema(value_type = Option<u32>, minimum = 30, maximum = 360)]
            token_lifetime_seconds: Option<Option<u32>>,
            /// `null`: it is given no refresh tokens. Goes with the grant type `refresh_token`;
            /// left out where that is new: they rotate, live a month, and a week unused.
            #[serde(default, deserialize_with = "present")]
            #[schema(value_type = Option<Refresh>)]
            refresh: Option<Option<Refresh>>,
            #[schema(inline)]
            proof: Option<AskedProof>,
            /// What it may exchange beside what is its own (RFC 8693).
            #[schema(max_items = 50)]
            exchanges: Option<Vec<Exchange>>,
            /// When it ends, with all that it got. Left out of a new one, or `null`: never; made
            /// by a token whose key ends, with that key.
            #[serde(default, deserialize_with = "present")]
            #[schema(value_type = Option<Moment>)]
            expires_at: Option<Option<Moment>>,
        }

        impl $name {
            fn authentication(&mut self) -> Result<Option<Authentication>, Problem> {
                let method = self.token_endpoint_auth_method.map(Method::as_str);
                let jwks = self.jwks.take().map(|set| Value::Object(set).to_string());
                let compat_aud = self.compat_aud.unwrap_or(false);
                let algorithm = self.token_endpoint_auth_signing_alg.take();
                let (uri, algorithm) = (self.jwks_uri.take(), algorithm.as_deref());
                let said = Authentication::said(method, jwks, uri, compat_aud, algorithm);
                said.map_err(|bad| Problem::invalid(bad.to_string()))
            }

            fn terms(mut self) -> Result<TermsEdit, Problem> {
                let resources = |named: &[String]| few("resources", named, 50);
                Ok(TermsEdit {
                    authentication: self.authentication()?,
                    grants: self.grant_types.map(|all| grants(&all)).transpose()?,
                    scopes: self.scopes.map(|all| scopes(&all)).transpose()?,
                    resources: self.resources.map(|it| it.as_deref().map(resources).transpose()).transpose()?,
                    redirect_uris: self.redirect_uris,
                    token_lifetime: self.token_lifetime_seconds,
                    refresh: self.refresh.map(|it| it.map(Into::into)),
                    proof: self.proof.map(AskedProof::into_demand).transpose()?,
                    exchanges: self.exchanges.map(rules).transpose()?,
                    expires_at: self.expires_at.map(|at| at.map(|at| at.0)),
                })
            }
        }
    };
}

fn grants(named: &[String]) -> Result<Vec<GrantType>, Problem> {
    few("grant_types", named, 20)
}

fn scopes(named: &[String]) -> Result<Scopes, Problem> {
    few::<ScopeToken, _>("scopes", named, 100)
}

fn rules(asked: Vec<Exchange>) -> Result<Vec<ExchangeRule>, Problem> {
    asked.into_iter().enumerate().map(|(place, rule)| rule.read(place)).collect()
}

said_of_a_client! {
    /// A client that is to be made.
    NewClientBody {
        /// Unique among the clients of its organization.
        #[schema(value_type = Name, example = "shop")]
        name: Parsed<KeyName>,
        /// In which it acts; left out: the one the token acts in.
        organization_id: Option<Uuid>,
    }
}

said_of_a_client! {
    /// What is to be otherwise. What is left out stays. A client that has no secret by its new way
    /// to authenticate loses those it has.
    ChangeClient {
        #[schema(value_type = Option<Name>)]
        name: Option<Parsed<KeyName>>,
        /// `false`: it gets no tokens, and those it got are dead to all who ask here.
        enabled: Option<bool>,
    }
}

impl NewClientBody {
    pub(super) fn into_new(self, asker: &Asker) -> Result<NewClient, Problem> {
        let acting = asker.authority.bounds().map(|bounds| bounds.organization);
        let organization_id = self.organization_id.map(OrganizationId).or(acting);
        Ok(NewClient {
            organization_id: organization_id
                .ok_or_else(|| Problem::invalid("organization_id is missing"))?,
            name: self.name.0.clone(),
            terms: self.terms()?.over(ClientTerms::default()),
        })
    }
}

impl ChangeClient {
    pub(super) fn into_edit(mut self) -> Result<Edit, Problem> {
        let name = self.name.take().map(|name| name.0);
        Ok(Edit { name, enabled: self.enabled, terms: self.terms()? })
    }
}

/// A further secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddSecret {
    /// Left out: it works until it is removed.
    pub(super) expires_at: Option<Moment>,
}
