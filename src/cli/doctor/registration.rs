//! Clients that register themselves: whether they can, who may, and how many there are.

use super::report::Report;
use crate::{
    config::Config,
    domain::Admission,
    store::{self, Store},
};

const NAME: &str = "registration";

/// Nothing, where clients do not register themselves.
pub(super) async fn check(
    store: &Store,
    config: &Config,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(policy) = &config.registration else { return Ok(()) };
    let mut tx = store.read().await?;
    let organization = store::organizations::find(&mut tx, policy.organization_id).await?;
    let count = store::registrations::count(&mut tx).await?;
    let Some(organization) = organization else {
        let problem = format!(
            "there is no organization {} (setting registration.organization): no client can \
             register. `keyturn org show` tells the id of one",
            policy.organization_id
        );
        report.failed(NAME, problem);
        return Ok(());
    };
    let detail = format!(
        "{count} clients of {} that may be have registered themselves, in {}",
        policy.most, organization.name
    );
    match policy.admission {
        Admission::ByToken => report.ok(NAME, detail),
        Admission::Anybody => {
            report.warning(NAME, format!("{detail}; everyone may: registration.mode is open"));
        }
    }
    Ok(())
}
