//! Checks the settings of clients that register themselves.

use super::{Checked, all, days, positive, within, wrong};
use crate::{
    config::settings::RegistrationSettings,
    domain::{Admission, ClientTerms, GrantType, RefreshTerms, RegistrationPolicy, ScopeToken},
};

pub(super) fn check(settings: &RegistrationSettings) -> Checked<Option<RegistrationPolicy>> {
    let admission = match settings.mode.as_str() {
        "off" => return Ok(None),
        "token" => Admission::ByToken,
        "open" => Admission::Anybody,
        other => {
            return wrong("registration.mode", format!("`{other}` is not off, token or open"));
        }
    };
    let Ok(organization_id) = settings.organization.parse() else {
        let problem = "is not the id of an organization, as `keyturn org show` tells it";
        return wrong("registration.organization", problem);
    };
    let scopes = all::<ScopeToken, _>("registration.scopes", &settings.scopes)?;
    let resources: Vec<_> = all("registration.resources", &settings.resources)?;
    let grants: Vec<GrantType> = all("registration.grant_types", &settings.grant_types)?;
    if grants.is_empty() {
        return wrong("registration.grant_types", "names none: no client could get a token");
    }
    let most = ClientTerms {
        refresh: grants.contains(&GrantType::RefreshToken).then(RefreshTerms::default),
        resources: (!resources.is_empty()).then_some(resources),
        grants,
        scopes,
        ..ClientTerms::default()
    };
    let most = match most.checked() {
        Ok(most) => most,
        Err(bad) => return wrong("registration", bad.to_string()),
    };
    let unused = settings.delete_unused_after_days;
    let unused = within("registration.delete_unused_after_days", unused, 1..=3650)?;
    Ok(Some(RegistrationPolicy {
        admission,
        organization_id,
        grants: most.grants,
        scopes: most.scopes,
        resources: most.resources,
        most: within("registration.most_clients", settings.most_clients, 1..=1_000_000)?,
        most_per_hour: positive("registration.most_per_hour", settings.most_per_hour)?,
        unused_after: days("registration.delete_unused_after_days", unused)?,
    }))
}
