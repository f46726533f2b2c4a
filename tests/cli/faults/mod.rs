//! Databases that fail under a running server, one system call or one message after the other: what
//! was acknowledged stays, nothing good is denied, and the server recovers by itself.
#![expect(clippy::disallowed_methods, reason = "how far to go is said by a variable")]

mod failover;
mod poolers;
mod promises;
mod shim;

use std::env;

use self::{
    promises::{Callers, OPERATIONS, SETTINGS},
    shim::{EIO, ENOSPC, Fault, Plan},
};
use super::{
    postgres,
    proxy::{Proxy, Target},
    support::{Place, free_port},
};

/// The most calls of one operation that are failed one by one.
fn most_calls() -> i64 {
    env::var("KEYTURN_FAULT_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn fx_41_every_write_to_the_disk_may_fail() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim::built_in(folder.path()) else { return };
    let plan = Plan::new(folder.path());
    let (mut place, good) = Place::with_key_and(&SETTINGS);
    place.set_for_the_system("LD_PRELOAD", library.to_str().unwrap());
    place.set_for_the_system("SHIM_PLAN", plan.path());
    let mut callers = Callers::of(&place, good, place.serve_on(free_port()));

    let mut struck = 0;
    for (run, error) in [(1, EIO), (1, ENOSPC), (4, ENOSPC)] {
        for operation in OPERATIONS {
            callers.begin();
            for call in 1..=most_calls() {
                let what = format!("{operation:?}, call {call}, {run} of {error}");
                plan.strike(call, run, Fault::Fails(error));
                callers.attempt(operation, &what);
                if !plan.calm() {
                    break;
                }
                struck += 1;
                callers.check(&what);
            }
            callers.check_revoked_beside(&format!("after {operation:?}, {run} of {error}"));
        }
    }
    println!("{struck} writes were failed");
    assert!(struck > 12, "only {struck} writes were failed");
    callers.check_after_restart();
}

#[test]
fn fx_41_a_disk_that_stands_still_is_waited_for_no_longer_than_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim::built_in(folder.path()) else { return };
    let plan = Plan::new(folder.path());
    let (mut place, good) = Place::with_key_and(&SETTINGS);
    place.set_for_the_system("LD_PRELOAD", library.to_str().unwrap());
    place.set_for_the_system("SHIM_PLAN", plan.path());
    let mut callers = Callers::of(&place, good, place.serve_on(free_port()));

    for operation in OPERATIONS {
        callers.begin();
        let what = format!("{operation:?} on a disk that stands still");
        plan.strike(2, 1, Fault::Stalls(6_500));
        let began = std::time::Instant::now();
        callers.attempt(operation, &what);
        assert!(began.elapsed().as_secs() < 20, "{what}: {:?}", began.elapsed());
        plan.calm();
        callers.check(&what);
    }
    callers.check_after_restart();
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_41_every_message_to_the_database_may_be_lost() {
    let Some(server) = postgres::server() else { return };
    let (target, url) = Target::of(&server.database().await);
    let proxy = Proxy::to(target);
    let url = url(proxy.address);
    let settings = [&SETTINGS[..], &[("DATABASE__URL", &url)]].concat();
    let (place, good) = Place::with_key_and(&settings);
    let mut callers = Callers::of(&place, good, place.serve_on(free_port()));

    let mut struck = 0;
    for operation in OPERATIONS {
        callers.begin();
        for piece in 1..=2 * most_calls() {
            let what = format!("{operation:?}, piece {piece}");
            proxy.cut_after(piece);
            callers.attempt(operation, &what);
            if !proxy.calm() {
                break;
            }
            struck += 1;
            callers.check(&what);
        }
        callers.check_revoked_beside(&format!("after {operation:?}"));
    }
    println!("{struck} connections were cut");
    assert!(struck > 12, "only {struck} connections were cut");
    callers.check_after_restart();
}
