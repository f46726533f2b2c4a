//! The limit on open files: it is raised at the start, and one source does not use it up.

use std::{fs, io::Read as _, net::TcpStream};

use super::support::{Place, wait};

#[test]
fn fx_17f_the_soft_limit_is_raised_and_one_source_leaves_room_for_others() {
    let (place, key) = Place::with_key();
    let server = place.serve_under("ulimit -Sn 100; ulimit -Hn 400");
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.process())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("400"), "{files}");
    // More than there are files. What is beyond the half is closed at once.
    let held: Vec<_> = (0..500).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    for mut caller in &held[300..] {
        assert!(matches!(caller.read(&mut [0]), Ok(0) | Err(_)));
    }

    // Places are free when others have ended.
    drop(held);
    let answers = || server.get("/readyz").is_some_and(|answer| answer.status == 200);
    wait(answers, || server.printed("log"));
    assert_eq!(server.exchange(&key).status, 200);
    assert!(!server.printed("log").contains("cannot accept"), "{}", server.printed("log"));
    server.stop();
}
