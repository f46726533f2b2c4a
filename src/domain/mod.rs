//! What keyturn is about: organizations, people, keys, secrets, rights. No I/O, no clock of its
//! own, no framework.

mod api_key;
mod audit;
mod authority;
mod ceiling;
mod change;
mod client;
mod delegate;
mod family;
mod given;
mod id;
mod items;
mod jwt_type;
mod message;
mod name;
mod network;
mod once;
mod organization;
mod password;
mod policy;
mod printable;
mod proof_key;
mod refresh_token;
mod resource;
mod retention;
mod rights;
mod role;
mod scope;
mod secret;
mod signature_algorithm;
mod signing_key;
mod source;
mod text;
mod trust;
mod uri;
mod usage;
mod user;
mod version;
mod webhook;

pub use api_key::{
    ApiKey, ApiKeySecret, MalformedReach, Owner, Presented, Reach, Status, UnknownReaction,
    WhenLeaked, audit_email,
};
pub use audit::{Actor, AuditEvent, MalformedActor};
pub use authority::{Authority, Below, Bounds, OnlyAt, Sight, Wider};
pub use ceiling::Ceiling;
pub use change::Change;
pub use client::{
    Admission, AskedTerms, Authentication, BadDescription, BadKeySet, BadRedirectUri, BadTerms,
    Client, ClientSecret, ClientTerms, ExchangeRule, GrantType, KEYTURN_CLI, KeySource,
    KnownClient, RedirectUri, RefreshTerms, Registration, RegistrationPolicy, SelfDescription,
    TOKEN_ENDPOINT, TooMuch, UnknownGrantType,
};
pub use delegate::Delegate;
pub use family::{Family, Granted, Turn};
pub use given::{Credential, Given};
pub use id::{
    ApiKeyId, ClientId, FamilyId, MalformedId, MessageId, OrganizationId, SecretId, TrustId,
    UserId, WebhookId,
};
pub use items::{BadItem, Item, is_blank, items};
pub use jwt_type::{JwtType, UnknownJwtType};
pub use message::{Channel, Message, Recipient};
pub use name::{KeyName, MalformedName, OrganizationName};
pub use network::{MalformedNetwork, Network, Networks};
pub use once::{MalformedOnce, Once};
pub use organization::{Lineage, Organization};
pub use password::{MalformedPassword, Password, PasswordHash};
pub use policy::{ExpiryRefused, KeyPolicy, Lifetime, RefreshPolicy};
pub use printable::{Printable, deceives, printable, printable_lines};
pub use proof_key::{MalformedProofDemand, MalformedThumbprint, ProofDemand, Thumbprint};
pub use refresh_token::{MalformedRefreshToken, RefreshToken};
pub use resource::{MalformedResource, Resource, ResourceIdentifier};
pub use retention::{Kept, Retention};
pub use rights::{OutOfReach, acting_organization, held_roles, held_scopes};
pub use role::{MalformedRole, Role, RoleName, Roles};
pub use scope::{MalformedScope, MalformedScopeToken, NotGranted, ScopeToken, Scopes};
pub use secret::{MalformedSecret, Secret, SecretHash, SecretPrefix, are_equal};
pub use signature_algorithm::{SignatureAlgorithm, UnknownSignatureAlgorithm};
pub use signing_key::{Algorithm, Rotation, SigningKey, SigningKeyState, UnknownAlgorithm};
pub use source::{MalformedSource, Source};
pub use text::{MalformedText, Text};
pub use trust::{
    Algorithms, ClaimName, Conditions, Finding, FlawedTrust, MOST_SOURCES_PER_TREE,
    MalformedClaimName, MalformedConditions, MalformedPattern, Pattern, Trust, TrustTerms,
};
pub use uri::Issuer;
pub use uri::normal_uri;
pub use usage::{Circumstances, Origin, RefusalRecord, Step, Use, UserAgent};
pub use user::{Email, MalformedEmail, Membership, Person, User};
pub use version::{Expected, Version};
pub use webhook::{EventName, Events, SecretOrigin, UnknownEvent, Webhook};
