//! The resource server that asks what a token is worth: a client whose id and secret every run
//! knows.

use keyturn::{
    clock::Timestamp,
    domain::{
        Algorithm, Client, ClientId, ClientSecret, ClientTerms, OrganizationId, ResourceIdentifier,
        Secret, SecretId, SelfDescription, Version,
    },
    random::Random,
    store::{self, Store},
};

use crate::request::resource;

/// What it proves itself by: `id:secret`.
pub(crate) fn credentials() -> String {
    let (id, _, secret) = made();
    format!("{}:{}", id.0, secret.reveal())
}

pub(crate) async fn insert(
    store: &Store,
    organization_id: OrganizationId,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (id, secret_id, secret) = made();
    let client = Client {
        id,
        organization_id,
        name: "resource-server".parse()?,
        terms: ClientTerms {
            resources: Some(vec![ResourceIdentifier::from_uri(resource(Algorithm::Es256))?]),
            ..ClientTerms::default()
        },
        created_at: now,
        disabled_at: None,
        // Drawn by the store.
        status_index: 0,
        registration: None,
        description: SelfDescription::default(),
        version: Version::FIRST,
    };
    let secret = ClientSecret {
        id: secret_id,
        client_id: id,
        hash: secret.hash(),
        created_at: now,
        expires_at: None,
    };
    let mut tx = store.write().await?;
    store::clients::insert(&mut tx, client).await?;
    store::client_secrets::insert(&mut tx, &secret).await?;
    tx.commit(now).await?;
    Ok(())
}

fn made() -> (ClientId, SecretId, Secret) {
    // No key has this number.
    let random = Random::seeded(u64::MAX);
    let id = || random.id(Timestamp::UNIX_EPOCH);
    (ClientId(id()), SecretId(id()), Secret::for_client(&random))
}
