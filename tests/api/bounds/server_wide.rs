//! What belongs to no organization is managed by keys of the one that was made first, and no other.

use keyturn::{
    domain::{Algorithm, Expected, JwtType, OrganizationId, Owner, Reach, Text},
    manage::{
        Asker, Page,
        api_keys::NewApiKey,
        audit_trail, organizations,
        resources::{self, NewResource},
        signing_keys,
        users::{self, NewUser},
    },
};

use super::{asker_with, narrowed, told, tree};
use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

fn owners_key(owner: Owner, reach: Reach) -> NewApiKey {
    let roles = match owner {
        Owner::Organization(_) => Some("owner".parse().unwrap()),
        Owner::User(_) => None,
    };
    NewApiKey { roles, reach, ..new_key(owner, "key") }
}

fn new_resource() -> NewResource {
    NewResource {
        identifier: "urn:new".parse().unwrap(),
        scopes: "read".parse().unwrap(),
        algorithm: Algorithm::Es256,
        jwt_type: JwtType::AccessToken,
        token_lifetime: None,
        is_default: false,
    }
}

fn new_user(email: &str) -> NewUser {
    let email = email.parse().unwrap();
    NewUser { email, name: Text::default(), password: None, membership: None }
}

/// What whoever asks is told of each thing that concerns the server; nothing where it was done.
async fn each(server: &TestServer, asker: &Asker) -> Vec<Option<String>> {
    fn word<T: std::fmt::Debug>(outcome: Result<T, keyturn::manage::Rejection>) -> Option<String> {
        outcome.is_err().then(|| told(outcome))
    }
    let app = &server.app;
    let identifier = "urn:new".parse().unwrap();
    let ada = users::find_by_email(app, &"ada@example.com".parse().unwrap()).await.unwrap().id;
    let known = signing_keys::list(app, &Asker::keyturn()).await.unwrap();
    vec![
        word(resources::register(app, asker, ANY, new_resource()).await),
        word(resources::remove(app, asker, &identifier, ANY).await),
        word(signing_keys::list(app, asker).await),
        word(signing_keys::rotate(app, asker, Algorithm::Es256).await),
        word(signing_keys::revoke(app, asker, &known[0].signing_key_id).await),
        word(users::create(app, asker, new_user("new@example.com")).await),
        word(users::list(app, asker, Page::ALL).await),
        word(users::show(app, asker, ada).await),
        word(users::update(app, asker, ada, ANY, users::Edit::default()).await),
        word(organizations::create(app, asker, "new".parse().unwrap(), None).await),
        word(audit_trail::verify(app, asker).await),
    ]
}

#[tokio::test]
async fn kx_19_only_the_first_organization_manages_the_server() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let ada = server.user("ada@example.com", &[(tree.other, "owner")]).await;
        let below =
            server.make_key(owners_key(Owner::Organization(tree.acme), Reach::Subtree)).await;
        let left = tree.left.to_string();
        let others = [
            asker_with(&server, owners_key(Owner::Organization(tree.other), Reach::Subtree)).await,
            asker_with(&server, owners_key(Owner::Organization(tree.left), Reach::Subtree)).await,
            asker_with(&server, owners_key(Owner::User(ada), Reach::Subtree)).await,
            narrowed(&server, &below, &[("organizationId", &left)]).await,
        ];

        for other in &others {
            let answers = each(&server, other).await;
            let refused = |answer: &Option<String>| {
                answer.as_ref().is_some_and(|text| text.contains("concerns the whole server"))
            };
            assert!(answers.iter().all(refused), "{}: {answers:#?}", server.engine);
        }
        server.set_role(ada, tree.acme, "owner").await;
        let acme = ("organizationId", &*tree.acme.to_string());
        let ada = server
            .make_key(NewApiKey {
                name: "ada".parse().unwrap(),
                ..owners_key(Owner::User(ada), Reach::Own)
            })
            .await;
        for (key, wishes) in [(&below, &[][..]), (&ada, &[acme])] {
            let first = narrowed(&server, key, wishes).await;
            let answers = each(&server, &first).await;
            undo(&server).await;
            assert_eq!(answers, vec![None; 11], "{}", server.engine);
        }
    }
}

/// So that the same can be made again.
async fn undo(server: &TestServer) {
    server.sql("delete from users where email = 'new@example.com'").await;
    server.sql("delete from organizations where name = 'new'").await;
    server.app.clock.advance(chrono::TimeDelta::days(1));
    server.app.load_signing_keys().await.unwrap();
}

#[tokio::test]
async fn kx_19_running_the_server_needs_the_scope_as_well() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        server.user("ada@example.com", &[(tree.acme, "viewer")]).await;
        let manager = new_key(Owner::Organization(tree.acme), "manager");
        let manager = asker_with(&server, manager).await;

        let answers = each(&server, &manager).await;

        let needs = [
            "resources:write",
            "resources:write",
            "signing-keys:read",
            "signing-keys:write",
            "signing-keys:write",
            "members:write",
            "members:read",
            "members:read",
            "members:write",
            "organizations:write",
            "audit:read",
        ];
        let needs = needs.map(|scope| Some(format!("this needs the scope {scope}")));
        assert_eq!(answers, needs, "{}", server.engine);
    }
}

/// Within one second the ids of two organizations say nothing of which was made first.
#[tokio::test]
async fn the_first_organization_stays_the_first_however_soon_others_follow() {
    for server in TestServer::on_each_engine().await {
        let first = server.root("first").await;
        for number in 0..20 {
            server.root(&number.to_string()).await;
        }

        let mut tx = server.app.store.read().await.unwrap();
        let found = keyturn::store::organizations::operators(&mut tx).await.unwrap();

        assert_eq!(found, Some(first), "{}", server.engine);
    }
}

#[tokio::test]
async fn an_organizations_owner_manages_what_lies_below_and_nothing_else() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let left = owners_key(Owner::Organization(tree.left), Reach::Subtree);
        let left = asker_with(&server, left).await;
        let edit = || organizations::Edit { enabled: Some(true), ..Default::default() };
        let nowhere = OrganizationId(keyturn::random::Random::System.id(app.clock.now()));

        let below =
            organizations::create(app, &left, "new".parse().unwrap(), Some(tree.leaf)).await;
        let below = below.unwrap();
        organizations::update(app, &left, below.id, ANY, edit()).await.unwrap();
        organizations::delete(app, &left, below.id, ANY).await.unwrap();
        for hidden in [tree.acme, tree.right, tree.other, nowhere] {
            let new = "new".parse().unwrap();
            let answers = [
                told(organizations::create(app, &left, new, Some(hidden)).await),
                told(organizations::show(app, &left, hidden).await),
                told(organizations::update(app, &left, hidden, ANY, edit()).await),
                told(organizations::delete(app, &left, hidden, ANY).await),
            ];
            assert_eq!(answers, ["there is no such organization"; 4], "{}", server.engine);
        }
        let listed = organizations::list(app, &left, None, Page::ALL).await.unwrap();
        let mut listed: Vec<_> = listed.iter().map(|it| it.name.to_string()).collect();
        listed.sort_unstable();
        assert_eq!(listed, ["leaf", "left"]);
    }
}
