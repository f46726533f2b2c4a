//! Refresh tokens used by many at once on two servers, and by one whose server was killed.

use std::{collections::BTreeSet, io::Write as _, net::TcpStream, thread, time::Duration};

use keyturn::{
    domain::RefreshToken,
    store::{self, Options, Store},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{
    http::{Answer, Connection},
    postgres,
    support::{Place, Server, free_port, wait},
};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const THREADS: usize = 20;
const EACH: usize = 5;

/// A place whose keys are given refresh tokens that rotate, with the secret of its key.
fn prepared(database: Option<&str>) -> (Place, String) {
    let mut settings = vec![
        ("REFRESH_TOKENS__FOR_API_KEYS", "true"),
        ("REFRESH_TOKENS__ROTATE_FOR_API_KEYS", "true"),
        ("ISSUER", "http://127.0.0.1:8080"),
    ];
    settings.extend(database.map(|url| ("DATABASE__URL", url)));
    let (place, key) = Place::with_key_and(&settings);
    (place, key.secret)
}

/// One for each database that two servers can share; the last is a PostgreSQL whose transactions
/// are serializable unless they say otherwise.
async fn places() -> Vec<(&'static str, Place, String)> {
    let (place, secret) = prepared(None);
    let mut all = vec![("sqlite", place, secret)];
    if let Some(server) = postgres::server() {
        for (name, level) in [("postgres", "read committed"), ("strict postgres", "serializable")] {
            let url = server.database().await;
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let database: String = sqlx::query_scalar("select current_database()::text")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let set =
                format!("alter database {database} set default_transaction_isolation to '{level}'");
            sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut connection).await.unwrap();
            let (place, secret) = prepared(Some(&url));
            all.push((name, place, secret));
        }
    }
    all
}

fn refresh_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

fn first(server: &Server<'_>, secret: &str) -> String {
    let mut connection = Connection::open(server.address).unwrap();
    refresh_token(&connection.post("/auth/v1/token", FORM, &format!("pat={secret}")).unwrap())
}

fn form(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}

fn refresh(server: &Server<'_>, token: &str) -> Answer {
    let mut connection = Connection::open(server.address).unwrap();
    connection.post("/oauth2/token", FORM, &form(token)).unwrap()
}

/// A hundred uses of one token, from twenty connections to the servers in turn.
fn race(nodes: &[Server<'_>], token: &str) -> Vec<Answer> {
    thread::scope(|scope| {
        let ask = |node: &Server<'_>| {
            let mut connection = Connection::open(node.address).unwrap();
            let ask = |_| connection.post("/oauth2/token", FORM, &form(token)).unwrap();
            (0..EACH).map(ask).collect::<Vec<_>>()
        };
        let nodes = nodes.iter().cycle().take(THREADS);
        let all: Vec<_> = nodes.map(|node| scope.spawn(move || ask(node))).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn rt_11_inc_17_a_hundred_at_once_on_two_servers_get_one_successor_that_works() {
    for (name, place, secret) in places().await {
        let nodes = [place.serve(), place.serve()];
        let mut token = first(&nodes[0], &secret);
        let used = token.clone();

        for round in 0..3 {
            let answers = race(&nodes, &token);
            let successors: BTreeSet<_> = answers.iter().map(refresh_token).collect();
            assert_eq!((answers.len(), successors.len()), (100, 1), "{name} {round}");
            token = successors.into_iter().next().unwrap();
        }

        let works = refresh(&nodes[1], &token);
        let reused = refresh(&nodes[0], &used);
        let after = refresh(&nodes[1], &refresh_token(&works));
        assert_eq!((reused.status, after.status), (400, 400), "{name}: {}", after.body);
        assert_eq!(after.json()["error"], "invalid_grant", "{name}");
    }
}

/// The server dies after the use was committed, whether or not the answer has left.
#[tokio::test(flavor = "multi_thread")]
async fn rt_15_inc_03_whoever_lost_the_answer_to_kill_9_gets_the_same_successor() {
    let (place, secret) = prepared(None);
    let port = free_port();
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let mut token = None;
    for round in 0..3 {
        let server = place.serve_on(port);
        let used = token.take().unwrap_or_else(|| first(&server, &secret));
        let before = generation(&url, &used).await;
        let body = form(&used);
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{FORM}\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let used_up = async {
            while generation(&url, &used).await == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), used_up).await.expect("it is used up");
        server.kill();

        let server = place.serve_on(port);
        let again = refresh_token(&refresh(&server, &used));
        let once_more = refresh_token(&refresh(&server, &used));

        assert_eq!(again, once_more, "{round}");
        assert_eq!(generation(&url, &used).await, before + 1, "{round}: it was used up once");
        let next = refresh(&server, &again);
        assert_eq!(next.status, 200, "{round}: {}", next.body);
        token = Some(refresh_token(&next));
        server.kill();
    }
    let server = place.serve_on(port);
    wait(|| refresh(&server, token.as_ref().unwrap()).status == 200, || "locked out".to_owned());
}

/// Which generation of this token's family may be used now.
async fn generation(url: &str, token: &str) -> u32 {
    let token: RefreshToken = token.parse().unwrap();
    let store = Store::open(url, Options::default()).await.unwrap();
    let family = store::refresh_families::find(&store, token.family).await.unwrap();
    family.unwrap().generation
}
