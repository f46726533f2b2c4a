//! What people are used to from other programs.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Stdio,
};

use rustix::process::Signal;

use super::{
    support::{Place, said, wait},
    terminal::Terminal,
};

/// Every command, as words: `["key", "create"]`, with its help.
fn helps(place: &Place, above: &[String]) -> Vec<(Vec<String>, String)> {
    let words = above.iter().map(String::as_str).chain(["--help"]);
    let help = place.succeeds(&words.collect::<Vec<_>>());
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<_> = names.filter(|name| !["", "help"].contains(name)).collect();
    let below = names.into_iter().flat_map(|name| helps(place, &[above, &[name.into()]].concat()));
    let below: Vec<_> = below.collect();
    std::iter::once((above.to_vec(), help)).chain(below).collect()
}

#[test]
fn fx_26i_help_fits_on_a_screen_of_100_columns() {
    for (command, help) in helps(&Place::new(), &[]) {
        let long = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{command:?}");
    }
}

#[test]
fn fx_26h_every_command_that_ends_something_takes_yes() {
    let ends = |command: &[String]| {
        let name = command.last().map(String::as_str);
        name.is_some_and(|name| ["delete", "remove", "revoke"].contains(&name))
    };
    let helps = helps(&Place::new(), &[]);
    let found = helps.iter().filter(|(command, _)| ends(command));
    let without: Vec<_> = found.clone().filter(|(_, help)| !help.contains("--yes")).collect();
    assert!(found.count() > 8 && without.is_empty(), "{without:?}");
}

#[test]
fn fx_26h_a_person_is_asked_before_something_ends_and_a_script_is_not() {
    let (place, key) = Place::with_key();
    let status = || place.json(&["key", "show", &key.name])["status"].clone();
    let typed = |arguments: &[&str], answer: &str| {
        let mut terminal = Terminal::open();
        terminal.person.write_all(answer.as_bytes()).unwrap();
        let mut command = place.command(arguments);
        command.stdin(terminal.stdio()).stderr(terminal.stdio()).stdout(Stdio::null());
        let succeeded = command.status().unwrap().success();
        drop(command);
        let Terminal { mut person, program } = terminal;
        drop(program);
        let mut screen = Vec::new();
        // Ends with an error when no program has the terminal open any more.
        let _ = person.read_to_end(&mut screen);
        (succeeded, String::from_utf8(screen).unwrap())
    };

    let (succeeded, screen) = typed(&["key", "revoke", &key.name], "n\n");
    assert!(!succeeded && screen.contains("nothing was changed"), "{screen}");
    assert!(screen.contains("`keyturn key revoke ci` cannot be undone. Continue? [y/N]"));
    assert_eq!(status(), "active");

    let (succeeded, screen) = typed(&["key", "revoke", &key.name], "y\n");
    assert!(succeeded, "{screen}");
    assert_eq!(status(), "revoked");

    let (succeeded, screen) = typed(&["key", "delete", "--yes", &key.name], "");
    assert!(succeeded && !screen.contains("Continue?"), "{screen}");
    place.key("script");
    place.succeeds(&["key", "delete", "script"]);
}

#[test]
fn fx_26c_a_variable_names_the_configuration_file_unless_the_command_line_does() {
    let mut place = Place::new();
    fs::write(place.path().join("named.toml"), "[api_keys]\nprefix = \"one\"\n").unwrap();
    fs::write(place.path().join("other.toml"), "[api_keys]\nprefix = \"two\"\n").unwrap();
    place.set("CONFIG", "named.toml");

    assert!(place.succeeds(&["config", "check"]).contains("prefix = \"one\""));
    let named = ["config", "check", "--config", "other.toml"];
    assert!(place.succeeds(&named).contains("prefix = \"two\""));
}

#[test]
fn fx_26e_log_lines_have_no_colour_where_none_is_wanted() {
    let (place, _) = Place::with_key();
    let first_line = |place: &Place| {
        let mut terminal = Terminal::open();
        let server = place.serve_logging_to(terminal.stdio());
        let mut line = Vec::new();
        let mut byte = [0];
        while byte != *b"\n" {
            terminal.person.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        server.kill();
        line
    };
    assert!(first_line(&place).contains(&b'\x1b'));

    let mut place = place;
    place.set_for_the_system("NO_COLOR", "1");
    assert!(!first_line(&place).contains(&b'\x1b'));
}

#[test]
fn fx_26f_a_second_interrupt_ends_the_server_at_once() {
    let (place, _) = Place::with_key();
    let mut server = place.serve();
    let mut slow = TcpStream::connect(server.address).unwrap();
    let begun = "POST /auth/v1/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npat";
    slow.write_all(begun.as_bytes()).unwrap();
    // The server reads it before this one is answered.
    assert_eq!(server.get("/healthz").unwrap().status, 200);

    server.signal(Signal::INT);
    wait(|| server.printed("log").contains("stopping"), || server.printed("log"));
    assert_eq!(server.ended(), None, "a request is under way");
    server.signal(Signal::INT);

    let mut code = None;
    let has_ended = || {
        code = server.ended();
        code.is_some()
    };
    wait(has_ended, || "the server goes on".to_owned());
    assert_eq!(code, Some(Some(130)));
}

#[test]
fn fx_26g_a_listener_that_speaks_no_tls_is_not_healthy() {
    let (place, _) = Place::with_key();
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    for (name, text) in ["certificate.pem", "key.pem"].into_iter().zip(crate::tls::pair()) {
        fs::write(place.path().join(name), text).unwrap();
    }
    let mut check = place.command(&["healthcheck"]);
    check.env("KEYTURN_LISTEN", deaf.local_addr().unwrap().to_string());
    check.env("KEYTURN_TLS__CERTIFICATE", "certificate.pem").env("KEYTURN_TLS__KEY", "key.pem");

    let output = check.output().unwrap();

    assert!(!output.status.success());
    assert!(said(&output).contains("does not answer"), "{}", said(&output));
}

#[test]
fn fx_26j_migrate_tells_what_it_did() {
    let place = Place::new();
    assert!(place.succeeds(&["migrate"]).starts_with("The database is created: "));
    assert!(place.succeeds(&["migrate"]).starts_with("The database is up to date: it has all "));
}
