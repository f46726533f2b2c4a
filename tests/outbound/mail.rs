//! Mails as a mail server gets them.

use keyturn::{
    domain::Email,
    outbound::{Letter, Mail, MailFailed},
};
use uuid::Uuid;

use super::{now, peers::MailServer};

async fn send(server: &MailServer, text: &str) -> Result<(), MailFailed> {
    let mail = Mail::new(&server.url().into(), "keyturn <keyturn@example.com>").unwrap();
    let to: Email = "ada@example.com".parse().unwrap();
    let (id, subject) = (Uuid::from_u128(7), "API key ci of acme expires in 7 days");
    mail.send(Letter { id, to: &to, subject, text, written_at: now() }).await
}

#[tokio::test]
async fn a_mail_arrives_with_all_that_it_has_to_say() {
    let server = MailServer::start();

    send(&server, "It ends soon.\n.\nRotate it.\n").await.unwrap();
    send(&server, "It ends soon.\n").await.unwrap();

    let mails = server.mails();
    let mail = &mails[0];
    for part in [
        "MAIL FROM:<keyturn@example.com>",
        "RCPT TO:<ada@example.com>",
        "From: keyturn <keyturn@example.com>",
        "To: ada@example.com",
        "Subject: API key ci of acme expires in 7 days",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
        "It ends soon.\r\n..\r\nRotate it.",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let id =
        |mail: &str| mail.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
    assert_eq!(id(mail), id(&mails[1]), "a mail that is sent again is the same mail");
    assert!(id(mail).unwrap().ends_with("@example.com>"));
}

#[tokio::test]
async fn what_a_mail_server_refuses_is_told_without_its_words() {
    for (answer, expected) in [
        ("550 hidden: no such user", MailFailed::Refused),
        ("451 hidden: later", MailFailed::RefusedForNow),
    ] {
        let server = MailServer::that_says(answer);

        let failed = send(&server, "text").await.unwrap_err();

        assert_eq!(failed, expected);
        assert!(!failed.to_string().contains("hidden"));
    }
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mail = Mail::new(&format!("smtp://{free}").into(), "keyturn@example.com").unwrap();
    let to: Email = "ada@example.com".parse().unwrap();
    let letter = Letter { id: Uuid::nil(), to: &to, subject: "a", text: "b", written_at: now() };

    assert_eq!(mail.send(letter).await, Err(MailFailed::NoConnection));
}
