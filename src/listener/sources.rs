//! How many connections each source address has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

/// Counts connections by IPv4 address, or by the /64 network that one IPv6 customer has.
pub(super) struct Sources {
    most: usize,
    /// Proxies, behind which there are many.
    unlimited: Vec<IpNet>,
    open: Mutex<HashMap<Source, usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4(u32),
    V6(u64),
}

/// Held by a connection for as long as it is open.
pub(super) struct Place(Option<(Arc<Sources>, Source)>);

impl Sources {
    pub(super) fn new(most: usize, unlimited: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { most, unlimited, open: Mutex::default() })
    }

    /// `None` where this source has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        if self.unlimited.iter().any(|network| network.contains(&address)) {
            return Some(Place(None));
        }
        let source = match address {
            IpAddr::V4(address) => Source::V4(address.to_bits()),
            IpAddr::V6(address) => Source::V6((address.to_bits() >> 64) as u64),
        };
        let mut open = self.open();
        let count = open.entry(source).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(self), source))))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((sources, source)) = &self.0 else { return };
        let mut open = sources.open();
        if let Some(count) = open.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                open.remove(source);
            }
        }
    }
}
