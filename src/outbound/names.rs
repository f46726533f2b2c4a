//! Looks names up once, and looks at every address before anything is connected to it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{
    RefusedUrl, RequestFailed,
    address::{Allowed, Rule},
};

/// What a test says of a name.
pub type Tell = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Where the addresses of a name are asked for.
#[derive(Clone)]
pub enum Names {
    System,
    Told(Arc<Tell>),
}

impl Names {
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, RequestFailed> {
        let found = match self {
            Self::System => {
                let found = tokio::net::lookup_host((name, 0)).await;
                found.map_err(|_| RequestFailed::UnknownName)?.map(|found| found.ip()).collect()
            }
            Self::Told(tell) => tell(name),
        };
        if found.is_empty() { Err(RequestFailed::UnknownName) } else { Ok(found) }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Told(_) => "Told",
        })
    }
}

/// What a client connects by: it gets no address that was not looked at, so a name that leads
/// elsewhere a moment later leads nowhere.
pub(super) struct Vetted {
    pub(super) names: Names,
    pub(super) allowed: Allowed,
    pub(super) rule: Rule,
}

impl Resolve for Vetted {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, allowed, rule) = (self.names.clone(), self.allowed.clone(), self.rule);
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?;
            // One address that is not public shows what the name is for.
            if !found.iter().all(|address| allowed.may(rule, *address)) {
                return Err(RequestFailed::Refused(RefusedUrl::Address).into());
            }
            // The client puts in the port of the URL.
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
