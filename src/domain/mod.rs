//! What keyturn is about: organizations, people, keys, secrets, rights. No I/O, no clock of its
//! own, no framework.

mod api_key;
mod audit;
mod authority;
mod change;
mod id;
mod message;
mod name;
mod network;
mod once;
mod organization;
mod password;
mod policy;
mod resource;
mod retention;
mod rights;
mod role;
mod scope;
mod secret;
mod signing_key;
mod text;
mod usage;
mod user;
mod version;
mod webhook;

pub use api_key::{
    ApiKey, ApiKeySecret, MalformedReach, Owner, Presented, Reach, Status, UnknownReaction,
    WhenLeaked,
};
pub use audit::{Actor, AuditEvent, MalformedActor};
pub use authority::{Authority, Below, Bounds, Sight, Wider};
pub use change::Change;
pub use id::{ApiKeyId, MalformedId, MessageId, OrganizationId, SecretId, UserId, WebhookId};
pub use message::{Channel, Message, Recipient};
pub use name::{KeyName, MalformedName, OrganizationName};
pub use network::{MalformedNetworks, Networks};
pub use once::{MalformedOnce, Once};
pub use organization::{Lineage, Organization};
pub use password::{MalformedPassword, Password, PasswordHash};
pub use policy::{ExpiryRefused, Issuer, KeyPolicy, Lifetime};
pub use resource::{MalformedResource, Resource, ResourceIdentifier};
pub use retention::{Kept, Retention};
pub use rights::{OutOfReach, acting_organization, held_roles, held_scopes};
pub use role::{MalformedRole, Role, RoleName, Roles};
pub use scope::{MalformedScope, NotGranted, Scopes};
pub use secret::{MalformedSecret, Secret, SecretHash, SecretPrefix};
pub use signing_key::{Algorithm, Rotation, SigningKey, SigningKeyState, UnknownAlgorithm};
pub use text::{MalformedText, Text};
pub use usage::{Circumstances, Origin, RefusalRecord, Step, Use, UserAgent};
pub use user::{Email, MalformedEmail, Membership, Person, User};
pub use version::{Expected, Version};
pub use webhook::{EventName, Events, SecretOrigin, UnknownEvent, Webhook};
