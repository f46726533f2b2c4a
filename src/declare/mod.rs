//! What keyturn is to look like, by the names that people use: read from a file, compared with what
//! there is, written as a file. Pure; `manage::declared` reads the database and changes it.

mod compare;
mod file;
mod name;
mod state;
mod thing;

pub use self::{
    compare::{Field, NewDefault, Plan, Planned, Step},
    file::{File, Malformed, Place, Problem, Wanted, write},
    name::{ClientOf, KeyOf, MalformedPath, MemberOf, OrganizationPath, OwnerName, RoleOf},
    state::{ApiKey, Client, Member, Organization, Reach, Resource, Role, State, User},
    thing::Thing,
};

#[cfg(test)]
mod tests;
