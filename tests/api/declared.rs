//! What a declared state does to the database: all of it or nothing, once, and over nobody's head.

use keyturn::{
    app::App,
    declare::{File, Plan, State},
    domain::{Actor, Algorithm, Expected, OrganizationId, Owner, Version},
    manage::{
        Asker, Rejection, api_keys, audit_trail,
        declared::{self, Begun, Present, Refused},
        members, organizations, resources, roles, signing_keys, users,
    },
    store::{Page, audit_events},
};

use super::support::TestServer;

const ACME: &str = r#"
[[organization]]
path = "acme"
[[role]]
organization = "acme"
name = "deployer"
scopes = ["deploy", "read"]
[[resource]]
identifier = "api"
scopes = ["deploy", "read"]
[[user]]
email = "ada@example.com"
name = "Ada"
[[member]]
organization = "acme"
user = "ada@example.com"
role = "deployer"
[[key]]
organization = "acme"
name = "ci"
roles = ["deployer"]
write_secret_to = "ci"
"#;

fn operator() -> Asker {
    Asker::operator("olga")
}

async fn read(app: &App) -> Present {
    declared::read(app, &operator()).await.unwrap()
}

/// What there is, and the plan to make it what the text says.
async fn planned(app: &App, text: &str) -> (Present, Plan) {
    let present = read(app).await;
    let wanted = File::read(text).unwrap().over(&present.state).unwrap().state;
    let plan = Plan::between(&present.state, &wanted);
    (present, plan)
}

async fn begin(app: &App, text: &str) -> Result<Begun, Refused> {
    let (present, plan) = planned(app, text).await;
    declared::begin(app, &operator(), present, &plan).await
}

/// Makes everything what the text says. Gives the secrets of new keys.
async fn apply(app: &App, text: &str) -> Vec<String> {
    let begun = begin(app, text).await.unwrap();
    let secrets = begun.secrets.iter().map(|made| made.secret.reveal().to_owned()).collect();
    begun.commit(app).await.unwrap();
    secrets
}

async fn events(app: &App) -> Vec<audit_events::Recorded> {
    let all = audit_events::Filter::default();
    audit_trail::list(app, &Asker::keyturn(), &all, Page::ALL).await.unwrap()
}

/// What of a thing counts its changes up.
async fn versions(app: &App) -> Vec<Version> {
    let asker = operator();
    let organizations = organizations::list(app, &asker, None, Page::ALL).await.unwrap();
    let roles = roles::list(app, &asker).await.unwrap();
    let resources = resources::list(app, &asker).await.unwrap();
    let people = users::list(app, &asker, Page::ALL).await.unwrap();
    let keys = api_keys::list(app, &asker, &api_keys::Filter::default(), Page::ALL).await.unwrap();
    let mut versions: Vec<_> = organizations.iter().map(|it| it.version).collect();
    versions.extend(roles.iter().map(|it| it.version));
    versions.extend(resources.iter().map(|it| it.version));
    versions.extend(people.iter().map(|it| it.user.version));
    versions.extend(people.iter().flat_map(|it| it.memberships.iter().map(|it| it.version)));
    versions.extend(keys.iter().map(|it| it.key.version));
    versions
}

async fn organization(app: &App, name: &str) -> OrganizationId {
    let all = organizations::list(app, &operator(), None, Page::ALL).await.unwrap();
    all.iter().find(|it| it.name.as_str() == name).unwrap().id
}

#[tokio::test]
async fn each_change_is_in_the_audit_trail_and_a_second_time_there_is_none() {
    for server in TestServer::on_each_engine().await {
        let before = events(&server.app).await.len();
        let secrets = apply(&server.app, ACME).await;
        let (after, versions_after) = (events(&server.app).await, versions(&server.app).await);

        let (present, plan) = planned(&server.app, ACME).await;
        assert!(plan.list().is_empty(), "{}: {:?}", server.engine, plan.list());
        let begun = declared::begin(&server.app, &operator(), present, &plan).await.unwrap();
        begun.commit(&server.app).await.unwrap();

        let new = &after[..after.len() - before];
        let mut actions: Vec<_> = new.iter().map(|it| it.event.action.as_ref()).collect();
        actions.reverse();
        assert_eq!(
            actions,
            [
                "organization.created",
                "role.defined",
                "resource.registered",
                "user.created",
                "member.role_set",
                "api_key.created",
            ]
        );
        let olga = Actor::Operator("olga".to_owned());
        assert!(new.iter().all(|it| it.event.actor == olga), "{}", server.engine);
        let text: String = new.iter().map(|it| it.event.detail.to_string()).collect();
        assert!(!text.contains(&secrets[0]), "{}", server.engine);
        assert_eq!(events(&server.app).await.len(), after.len(), "{}", server.engine);
        assert_eq!(versions(&server.app).await, versions_after, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_key_that_was_declared_works_with_what_it_was_given() {
    for server in TestServer::on_each_engine().await {
        let secrets = apply(&server.app, ACME).await;

        let answer = server.exchange("ci", &secrets[0].parse().unwrap()).await;

        assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        assert_eq!(server.claims(&answer).await["scope"], "deploy read");
    }
}

#[tokio::test]
async fn what_is_refused_in_the_middle_leaves_nothing() {
    let beyond = "[[key]]\norganization = \"acme\"\nname = \"x\"\nroles = [\"nobodys\"]\n\
                  write_secret_to = \"x\"\n";
    for server in TestServer::on_each_engine().await {
        let (before, empty) = (events(&server.app).await.len(), State::default());

        let refused = begin(&server.app, &format!("{ACME}{beyond}")).await.err().unwrap();

        assert_eq!(refused.thing, "key x of acme");
        assert!(matches!(refused.rejection, Rejection::UnknownRole(_)), "{refused:?}");
        assert_eq!(read(&server.app).await.state, empty, "{}", server.engine);
        assert_eq!(events(&server.app).await.len(), before, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_rehearsal_leaves_nothing_not_even_a_signing_key() {
    let text = ACME.replace("identifier = \"api\"", "identifier = \"api\"\nalgorithm = \"EdDSA\"");
    for server in TestServer::on_each_engine().await {
        let app = &server.app;
        let (present, plan) = planned(app, &text).await;
        declared::rehearse(app, &operator(), present, &plan).await.unwrap();
        let begun = begin(app, &text).await.unwrap();
        drop(begun);

        assert_eq!(read(app).await.state, State::default(), "{}", server.engine);
        let missing = declared::missing_signing_keys(app, &plan).await.unwrap();
        assert_eq!(missing, [Algorithm::EdDsa], "{}", server.engine);
        apply(app, &text).await;
        let keys = signing_keys::list(app, &operator()).await.unwrap();
        assert!(keys.iter().any(|key| key.algorithm == Algorithm::EdDsa), "{}", server.engine);
    }
}

/// Somebody else's change between the plan and its execution.
async fn meddle(server: &TestServer, what: &str) {
    let (app, asker, any) = (&server.app, operator(), &Expected::Any);
    let acme = organization(app, "acme").await;
    let ada = users::find_by_email(app, &"ada@example.com".parse().unwrap()).await.unwrap().id;
    match what {
        "organization" => server.enable_organization(acme, false).await,
        "role" => {
            let scopes = "read".parse().unwrap();
            let name = "deployer".parse().unwrap();
            let new = roles::Definition { organization_id: acme, name, scopes };
            roles::define(app, &asker, any, new).await.unwrap();
        }
        "resource" => server.resource("api", "read").await,
        "user" => server.enable_user(ada, false).await,
        "member" => server.set_role(ada, acme, "owner").await,
        "member removed" => members::remove(app, &asker, acme, ada, any).await.unwrap(),
        "key" => {
            let found = api_keys::named(app, &"ci".parse().unwrap()).await.unwrap();
            server.disable(found[0].id).await;
        }
        "new" => drop(server.key(Owner::Organization(acme), "new").await),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_change_made_since_the_plan_is_not_lost() {
    let cases = [
        ("organization", "path = \"acme\"", "path = \"acme\"\nenabled = false"),
        ("role", "[\"deploy\", \"read\"]\n[[resource]]", "[\"deploy\"]\n[[resource]]"),
        ("resource", "identifier = \"api\"", "identifier = \"api\"\ntoken_lifetime_seconds = 60"),
        ("user", "name = \"Ada\"", "name = \"Ada L.\""),
        ("member", "role = \"deployer\"\n", "role = \"viewer\"\n"),
        ("member removed", "role = \"deployer\"\n", "role = \"viewer\"\n"),
        ("key", "name = \"ci\"", "name = \"ci\"\nlocked = true"),
        ("new", "name = \"ci\"", "name = \"new\""),
    ];
    for (what, from, to) in cases {
        for server in TestServer::on_each_engine().await {
            let app = &server.app;
            apply(app, ACME).await;
            let (present, plan) = planned(app, &ACME.replace(from, to)).await;
            assert_eq!(plan.list().len(), 1, "{what}");
            meddle(&server, what).await;
            let theirs = read(app).await.state;

            let refused = declared::begin(app, &operator(), present, &plan).await.err().unwrap();

            let expected =
                matches!(refused.rejection, Rejection::ChangedMeanwhile | Rejection::NameTaken(_));
            assert!(expected, "{what} on {}: {refused:?}", server.engine);
            assert_eq!(read(app).await.state, theirs, "{what} on {}", server.engine);
        }
    }
}

#[tokio::test]
async fn what_was_changed_by_hand_is_changed_back() {
    let all = "\nenabled = true\nlocked = false\nwhen_leaked = \"disable\"\nreach = \"subtree\"\n\
               allowed_networks = [\"127.0.0.0/8\"]\ndescription = \"builds\"";
    let text = ACME
        .replace("path = \"acme\"", "path = \"acme\"\nenabled = true")
        .replace("name = \"Ada\"", "name = \"Ada\"\nenabled = true")
        .replace("name = \"ci\"", &format!("name = \"ci\"{all}"));
    for server in TestServer::on_each_engine().await {
        apply(&server.app, &text).await;
        let declared = read(&server.app).await.state;
        for what in ["organization", "role", "resource", "user", "member", "key"] {
            meddle(&server, what).await;
        }
        let ci = api_keys::named(&server.app, &"ci".parse().unwrap()).await.unwrap()[0].id;
        let lock = api_keys::set_locked(&server.app, &operator(), ci, &Expected::Any, true).await;
        lock.unwrap();

        let (present, plan) = planned(&server.app, &text).await;
        let changed: Vec<_> = plan.list().into_iter().map(|it| it.thing).collect();
        declared::begin(&server.app, &operator(), present, &plan)
            .await
            .unwrap()
            .commit(&server.app)
            .await
            .unwrap();

        assert_eq!(
            changed,
            [
                "organization acme",
                "role deployer of acme",
                "resource api",
                "user ada@example.com",
                "member ada@example.com of acme",
                "key ci of acme",
            ]
        );
        assert_eq!(read(&server.app).await.state, declared, "{}", server.engine);
    }
}

#[tokio::test]
async fn the_default_resource_changes_within_one_second_and_back() {
    let text = "[[resource]]\nidentifier = \"a\"\nscopes = []\n\
                [[resource]]\nidentifier = \"b\"\nscopes = []\n";
    for server in TestServer::on_each_engine().await {
        for default in ["b", "a", "b", "b"] {
            apply(&server.app, &format!("default_resource = \"{default}\"\n{text}")).await;

            let known = read(&server.app).await.state.default_resource;
            assert_eq!(known.unwrap().as_str(), default, "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn a_locked_key_is_unlocked_changed_and_locked_again_only_if_the_file_says_so() {
    let locked = ACME.replace("name = \"ci\"", "name = \"ci\"\nlocked = true");
    let edited = |text: &str| text.replace("name = \"ci\"", "name = \"ci\"\ndescription = \"x\"");
    for server in TestServer::on_each_engine().await {
        apply(&server.app, &locked).await;

        let refused = begin(&server.app, &edited(&locked)).await.err().unwrap();
        let unlocked = edited(&locked).replace("locked = true", "locked = false");
        apply(&server.app, &unlocked).await;

        assert!(matches!(refused.rejection, Rejection::Locked), "{refused:?}");
        let state = read(&server.app).await.state;
        let key = state.api_keys.values().next().unwrap();
        assert_eq!((key.description.as_str(), key.locked), ("x", false), "{}", server.engine);
    }
}

const TWO: &str = "[[organization]]\npath = \"zeta\"\n[[organization]]\npath = \"alpha\"\n";

async fn operators(app: &App) -> String {
    read(app).await.state.operators.unwrap().to_string()
}

#[tokio::test]
async fn fx_03_in_a_file_the_first_root_runs_the_server_and_not_the_alphabet() {
    for server in TestServer::on_each_engine().await {
        let (_, plan) = planned(&server.app, TWO).await;
        let told: Vec<_> = plan.list().into_iter().map(|it| it.thing).collect();

        apply(&server.app, TWO).await;

        assert!(told.contains(&"server operators".to_owned()), "{told:?}");
        assert_eq!(operators(&server.app).await, "zeta", "{}", server.engine);
        assert!(planned(&server.app, TWO).await.1.list().is_empty(), "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_03_a_file_says_who_runs_the_server_and_hands_it_on() {
    let said = |name: &str| format!("[server]\noperators = \"{name}\"\n{TWO}");
    for server in TestServer::on_each_engine().await {
        for name in ["alpha", "alpha", "zeta"] {
            apply(&server.app, &said(name)).await;
            assert_eq!(operators(&server.app).await, name, "{}", server.engine);
        }
        apply(&server.app, TWO).await;

        let state = read(&server.app).await.state;
        let exported = keyturn::declare::write(&state);

        assert_eq!(
            operators(&server.app).await,
            "zeta",
            "a file that says nothing changes nothing"
        );
        assert!(exported.contains("[server]\noperators = \"zeta\"\n"), "{exported}");
        assert!(planned(&server.app, &exported).await.1.list().is_empty());
    }
}

#[tokio::test]
async fn fx_03_a_file_cannot_let_anything_else_run_the_server() {
    let server = TestServer::start().await;
    let present = read(&server.app).await.state;
    let below = "[[organization]]\npath = \"zeta/team\"\n";
    for (name, complaint) in [("zeta/team", "without a parent"), ("beta", "no organization beta")] {
        let text = format!("[server]\noperators = \"{name}\"\n{TWO}{below}");

        let refused = File::read(&text).unwrap().over(&present).unwrap_err().to_string();

        assert!(refused.contains(complaint), "{refused}");
        assert!(refused.starts_with("line 2"), "{refused}");
    }
}
