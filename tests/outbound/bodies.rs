//! How much of an answer is read, and for how long.

use keyturn::outbound::{BODY_LIMIT, RequestFailed};

use super::{
    outbound_to_loopback,
    peers::{Reaction, Receiver},
};

fn whole(headers: &str, body: &str) -> Reaction {
    Reaction::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}"))
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_limit_and_with_its_kind() {
    let body = "x".repeat(100);
    let headers = "content-length: 100\r\ncontent-type: Application/JSON; charset=utf-8";
    let receiver = Receiver::start(whole(headers, &body));

    let answer = outbound_to_loopback().get(&receiver.url(), 100).await.unwrap();

    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    assert_eq!(answer.body, body.as_bytes());
}

#[tokio::test]
async fn sf_05_an_answer_beyond_the_limit_is_refused_whatever_it_announces() {
    let big = "x".repeat(BODY_LIMIT + 1);
    let announced = whole(&format!("content-length: {}", big.len()), &big);
    let endless = Reaction::SendAndHang(format!("HTTP/1.1 200 OK\r\n\r\n{big}"));
    let in_parts = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{big}\r\n",
        big.len()
    );
    for reaction in [announced, endless, Reaction::SendAndHang(in_parts)] {
        let receiver = Receiver::start(reaction);

        let answer = outbound_to_loopback().get(&receiver.url(), BODY_LIMIT).await;

        assert_eq!(answer, Err(RequestFailed::TooMuch));
    }
}

#[tokio::test]
async fn sf_05_nothing_is_unpacked() {
    let receiver = Receiver::start(whole("content-encoding: gzip\r\ncontent-length: 4", "bomb"));

    let answer = outbound_to_loopback().get(&receiver.url(), BODY_LIMIT).await.unwrap();

    assert_eq!(answer.body, b"bomb");
    assert_eq!(receiver.received()[0].header("accept-encoding"), "");
}

#[tokio::test]
async fn sf_05_who_does_not_answer_in_time_is_left() {
    let silent = Receiver::start(Reaction::hang());
    let slow = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc".to_owned();
    let slow = Receiver::start(Reaction::SendAndHang(slow));
    let outbound = outbound_to_loopback();

    let (silent, slow, posted) = (silent.url(), slow.url(), silent.url());
    let (silent, slow, posted) = tokio::join!(
        outbound.get(&silent, BODY_LIMIT),
        outbound.get(&slow, BODY_LIMIT),
        outbound.post(&posted, &[], String::new()),
    );

    assert_eq!((silent, slow), (Err(RequestFailed::TooSlow), Err(RequestFailed::TooSlow)));
    assert_eq!(posted, Err(RequestFailed::TooSlow));
}

#[tokio::test]
async fn of_the_answer_to_a_post_only_the_status_is_waited_for() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc".to_owned();
    let receiver = Receiver::start(Reaction::SendAndHang(endless));

    let posted = outbound_to_loopback().post(&receiver.url(), &[], String::new()).await;

    assert_eq!(posted, Ok(200));
}
