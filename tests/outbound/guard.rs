//! Where requests may go (against server-side request forgery), and what they carry.

use std::{
    net::{IpAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::TimeDelta;
use keyturn::{
    clock::Clock,
    outbound::{BODY_LIMIT, Names, Outbound, RefusedUrl, RequestFailed},
};

use super::{
    now, outbound, outbound_to_loopback,
    peers::{Reaction, Receiver},
};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn sf_02_a_name_that_leads_elsewhere_a_moment_later_leads_nowhere() {
    let receiver = Receiver::start(Reaction::status(204));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let outbound = outbound(&["127.0.0.1/32"], move |_| {
        let is_first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        vec![address(if is_first { "127.0.0.1" } else { "127.0.0.2" })]
    });
    let url = format!("http://flips.example:{}/", receiver.address.port());

    let first = outbound.post(&url, &[], "{}".to_owned()).await;
    let asked_for_the_first = asked.load(Ordering::SeqCst);
    let second = outbound.post(&url, &[], "{}".to_owned()).await;

    assert_eq!((first, asked_for_the_first), (Ok(204), 1), "one look-up, for what is connected to");
    assert_eq!(second, Err(RequestFailed::Refused(RefusedUrl::Address)));
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn sf_02_one_forbidden_address_among_others_is_enough_to_refuse() {
    let receiver = Receiver::start(Reaction::status(204));
    let port = receiver.address.port();
    let refused = Err(RequestFailed::Refused(RefusedUrl::Address));
    for second in ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "1.1.1.1"] {
        let both = move |_: &str| vec![address("127.0.0.1"), address(second)];
        let outbound = outbound(&["127.0.0.1/32"], both);

        let url = format!("http://both.example:{port}/");

        let answer = outbound.post(&url, &[], String::new()).await;

        assert_eq!(answer, refused, "{second}");
    }
    for special in ["127.0.0.1", "192.168.0.1", "fd00::1", "64:ff9b::a00:1"] {
        let mixed = move |_: &str| vec![address("1.1.1.1"), address(special)];

        let answer = outbound(&[], mixed).get("https://mixed.example/", BODY_LIMIT).await;

        assert_eq!(answer, Err(RequestFailed::Refused(RefusedUrl::Address)), "{special}");
    }
    assert_eq!(receiver.received().len(), 0);
}

/// The connection to a literal address asks no resolver: the guard must have looked before.
#[tokio::test]
async fn sf_03_a_literal_address_is_looked_at_in_every_spelling() {
    let receiver = Receiver::start(Reaction::status(204));
    let port = receiver.address.port();
    let asked_of_nobody = |name: &str| panic!("{name} was looked up");
    let strict = outbound(&["10.0.0.0/8"], asked_of_nobody);
    let lax = outbound(&["127.0.0.1/32"], asked_of_nobody);
    for spelling in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127。0。0。1"]
    {
        let url = format!("http://{spelling}:{port}/");

        let refused = strict.post(&url, &[], String::new()).await;
        let reached = lax.post(&url, &[], String::new()).await;

        assert_eq!(refused, Err(RequestFailed::Refused(RefusedUrl::Address)), "{spelling}");
        assert_eq!(reached, Ok(204), "{spelling}");
    }
    assert_eq!(receiver.received().len(), 6);
}

#[tokio::test]
async fn sf_02_localhost_by_its_name_is_refused_as_well() {
    let system = Outbound::new(Vec::new(), Names::System, Clock::fixed(now()));

    let answer = system.get("https://localhost/", BODY_LIMIT).await;

    assert_eq!(answer, Err(RequestFailed::Refused(RefusedUrl::Address)));
}

#[tokio::test]
async fn a_name_nobody_knows_and_a_port_nobody_listens_on_are_told_apart() {
    let outbound = outbound_to_loopback();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let unknown = outbound.post("http://nowhere.example/", &[], String::new()).await;
    let nobody = outbound.post(&format!("http://{free}/"), &[], String::new()).await;

    assert_eq!(unknown, Err(RequestFailed::UnknownName));
    assert_eq!(nobody, Err(RequestFailed::NoConnection));
}

#[tokio::test]
async fn sf_04_no_redirect_is_followed() {
    let goal = Receiver::start(Reaction::status(204));
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            goal.url()
        );
        let receiver = Receiver::start(Reaction::Send(answer));
        let outbound = outbound_to_loopback();

        let posted = outbound.post(&receiver.url(), &[], "{}".to_owned()).await;
        let fetched = outbound.get(&receiver.url(), BODY_LIMIT).await;

        assert_eq!(posted, Ok(status));
        assert_eq!(fetched.unwrap().status, status);
    }
    assert_eq!(goal.received().len(), 0);
}

#[tokio::test]
async fn sf_06_a_request_carries_its_headers_and_nothing_that_was_not_asked_for() {
    let cookie = "HTTP/1.1 204 No Content\r\nset-cookie: a=b; path=/\r\n\r\n";
    let receiver = Receiver::start(Reaction::Send(cookie.to_owned()));
    let outbound = outbound_to_loopback();
    let headers = [("webhook-id", "msg_1".to_owned())];

    for _ in 0..2 {
        outbound.post(&receiver.url(), &headers, "{}".to_owned()).await.unwrap();
    }

    for request in receiver.received() {
        let mut names: Vec<_> =
            request.head.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-length", "host", "user-agent", "webhook-id"]);
        assert_eq!(request.header("user-agent"), "keyturn");
        assert_eq!(request.body, "{}");
    }
}

#[tokio::test]
async fn sf_07_a_document_that_failed_is_not_asked_for_again_for_half_a_minute() {
    let receiver = Receiver::start(Reaction::Send("no HTTP\r\n\r\n".to_owned()));
    let clock = Clock::fixed(now());
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    let outbound = Outbound::new(allow, Names::System, clock.clone());

    let first = outbound.get(&receiver.url(), BODY_LIMIT).await;
    clock.advance(TimeDelta::seconds(29));
    let second = outbound.get(&receiver.url(), BODY_LIMIT).await;
    receiver.react(Reaction::status(200));
    clock.advance(TimeDelta::seconds(1));
    let third = outbound.get(&receiver.url(), BODY_LIMIT).await;

    assert_eq!(first, Err(RequestFailed::Broken));
    assert_eq!(second, Err(RequestFailed::FailedJustNow));
    assert_eq!(third.unwrap().status, 200);
    assert_eq!(receiver.received().len(), 2);
}
