//! What is known of each refusal beside its words: its code, and what the caller had proved.

use super::Refusal;

/// How much the caller had proved when it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: the caller cannot tell these apart.
    BeforeProof,
    /// That it holds the secret of the key.
    SecretProved,
    /// That it holds a credential of another kind, or one that no longer works.
    AfterProof,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) phase: Phase,
    /// A word for counting and for looking up.
    pub(super) code: &'static str,
}

impl Refusal {
    pub(super) fn facts(&self) -> Facts {
        use Phase::{AfterProof, BeforeProof, SecretProved};
        let (phase, code) = match self {
            Refusal::MalformedSecret(_) => (BeforeProof, "malformed_secret"),
            Refusal::UnknownSecret => (BeforeProof, "unknown_secret"),
            Refusal::WrongName(_) => (BeforeProof, "wrong_name"),
            Refusal::TooManyFailures(_) => (BeforeProof, "too_many_failures"),
            Refusal::UnknownClient => (BeforeProof, "unknown_client"),
            Refusal::WrongClientSecret(_) => (BeforeProof, "wrong_client_secret"),
            Refusal::WrongAssertion(..) => (BeforeProof, "wrong_assertion"),
            Refusal::OtherMethod(_) => (BeforeProof, "other_client_authentication"),
            Refusal::MalformedRefreshToken => (BeforeProof, "malformed_refresh_token"),
            Refusal::UnknownRefreshToken => (BeforeProof, "unknown_refresh_token"),
            Refusal::WrongMethod(..) => (SecretProved, "wrong_client_authentication"),
            Refusal::ResourceNotAllowed(_) => (SecretProved, "resource_not_allowed"),
            Refusal::KeyExpired(_) => (SecretProved, "key_expired"),
            Refusal::KeyDisabled => (SecretProved, "key_disabled"),
            Refusal::KeyRevoked(_) => (SecretProved, "key_revoked"),
            Refusal::OwnerDisabled => (SecretProved, "owner_disabled"),
            Refusal::OwnerGone => (SecretProved, "owner_gone"),
            Refusal::AddressNotAllowed(..) => (SecretProved, "address_not_allowed"),
            Refusal::OrganizationOutOfReach(_) => (SecretProved, "organization_out_of_reach"),
            Refusal::NoOrganization => (SecretProved, "no_organization"),
            Refusal::OrganizationDisabled(_) => (SecretProved, "organization_disabled"),
            Refusal::UnknownResource(_) => (SecretProved, "unknown_resource"),
            Refusal::ScopeNotGranted(_) => (SecretProved, "scope_not_granted"),
            Refusal::AssertionUsed(_) => (AfterProof, "assertion_used"),
            Refusal::BadAssertion(..) => (AfterProof, "bad_assertion"),
            Refusal::ClientDisabled(_) => (AfterProof, "client_disabled"),
            Refusal::ClientExpired(..) => (AfterProof, "client_expired"),
            Refusal::GrantNotAllowed(..) => (AfterProof, "grant_not_allowed"),
            Refusal::TrustDisabled(_) => (AfterProof, "trust_disabled"),
            Refusal::TrustExpired(_) => (AfterProof, "trust_expired"),
            Refusal::InputExpired(_) => (AfterProof, "input_expired"),
            Refusal::SourceGone(_) => (AfterProof, "source_gone"),
            Refusal::NoSource => (AfterProof, "no_source"),
            Refusal::OthersToken(_) => (AfterProof, "others_token"),
            Refusal::RefreshTokenOfAnother(_) => (AfterProof, "refresh_token_of_another"),
            Refusal::RefreshTokenEnded(_) => (AfterProof, "refresh_token_ended"),
            Refusal::RefreshTokenExpired(_) => (AfterProof, "refresh_token_expired"),
            Refusal::RefreshTokenReused(_) => (AfterProof, "refresh_token_reused"),
            Refusal::NoRefreshTokens => (AfterProof, "no_refresh_tokens"),
            Refusal::SecretReplaced(_) => (AfterProof, "secret_replaced"),
            Refusal::Distrusted(why) => (phase_of(why.is_after_proof()), why.code()),
            Refusal::TurnedAway(why) => (phase_of(why.is_after_proof()), why.code()),
            Refusal::NotExchanged(why) => (AfterProof, why.code()),
            Refusal::Unproved(why) => (AfterProof, why.code()),
        };
        Facts { phase, code }
    }
}

fn phase_of(is_after_proof: bool) -> Phase {
    if is_after_proof { Phase::AfterProof } else { Phase::BeforeProof }
}
