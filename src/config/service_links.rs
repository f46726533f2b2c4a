//! The variables that Kubernetes puts into every pod for each Service in its namespace: those of a
//! Service called `keyturn`, or `keyturn-database`, begin like settings and are none.

use std::net::IpAddr;

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// Tells whether this is one of `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT`, `NAME_SERVICE_PORT_HTTP`,
/// `NAME_PORT`, `NAME_PORT_80_TCP` and `NAME_PORT_80_TCP_{PROTO,PORT,ADDR}`, with a value that such a
/// variable has.
pub(super) fn is_service_link(variable: &str, value: &str) -> bool {
    if variable.ends_with("_SERVICE_HOST") {
        return value.parse::<IpAddr>().is_ok();
    }
    if variable.ends_with("_SERVICE_PORT") || variable.contains("_SERVICE_PORT_") {
        return is_port(value);
    }
    if variable.ends_with("_PORT") && is_url(value) {
        return true;
    }
    let Some((_, rest)) = variable.rsplit_once("_PORT_").filter(|(_, rest)| starts_with_port(rest))
    else {
        // `…_PORT_80_TCP_PORT` has the word twice.
        return variable.strip_suffix("_PORT").is_some_and(|first| {
            first.rsplit_once("_PORT_").is_some_and(|(_, rest)| starts_with_port(rest))
        }) && is_port(value);
    };
    match rest.split('_').nth(2) {
        None => is_url(value),
        Some("PROTO") => PROTOCOLS.contains(&value),
        Some("ADDR") => value.parse::<IpAddr>().is_ok(),
        Some("PORT") => is_port(value),
        Some(_) => false,
    }
}

/// `80_TCP`, and maybe more.
fn starts_with_port(rest: &str) -> bool {
    let mut parts = rest.split('_');
    let port = parts.next().is_some_and(is_port);
    port && parts.next().is_some_and(|it| PROTOCOLS.contains(&it.to_ascii_lowercase().as_str()))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// `tcp://10.96.0.7:8080`
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| PROTOCOLS.contains(&scheme))
}
