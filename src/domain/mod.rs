//! What keyturn is about: organizations, people, keys, secrets, rights. No I/O, no clock of its
//! own, no framework.

mod api_key;
mod audit;
mod change;
mod id;
mod name;
mod network;
mod organization;
mod password;
mod policy;
mod resource;
mod rights;
mod role;
mod scope;
mod secret;
mod signing_key;
mod usage;
mod user;

pub use api_key::{ApiKey, ApiKeySecret, MalformedReach, Owner, Presented, Reach, Status};
pub use audit::{Actor, AuditEvent};
pub use change::Change;
pub use id::{ApiKeyId, MalformedId, OrganizationId, SecretId, UserId};
pub use name::{KeyName, MalformedName, OrganizationName};
pub use network::{MalformedNetworks, Networks};
pub use organization::{Lineage, Organization};
pub use password::{MalformedPassword, Password, PasswordHash};
pub use policy::{ExpiryRefused, Issuer, KeyPolicy, Lifetime};
pub use resource::{MalformedResource, Resource, ResourceIdentifier};
pub use rights::{OutOfReach, acting_organization, granted_scopes, held_roles};
pub use role::{MalformedRole, Role, RoleName, Roles};
pub use scope::{MalformedScope, NotGranted, Scopes};
pub use secret::{MalformedSecret, Secret, SecretHash, SecretPrefix};
pub use signing_key::{Algorithm, Rotation, SigningKey, SigningKeyState, UnknownAlgorithm};
pub use usage::{Circumstances, Origin, RefusalRecord, Use, UserAgent};
pub use user::{Email, MalformedEmail, Membership, Person, User};
