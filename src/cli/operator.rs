//! Names the person who runs a command, for the audit trail.

use std::fs;

use rustix::process::getuid;

use crate::config;

/// The caller of `sudo`, else the user that this process runs as. No other variable counts: they
/// say what a login shell has set, and every process can set them to anything.
pub(super) fn name() -> String {
    let sudo = config::variable("SUDO_USER").and_then(|name| name.into_string().ok());
    sudo.filter(|name| is_user_name(name)).unwrap_or_else(|| {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        name_of(getuid().as_raw(), &users)
    })
}

/// By the text of `/etc/passwd`. A user that is not in it is named by number.
fn name_of(uid: u32, users: &str) -> String {
    if uid == 0 {
        return "root".to_owned();
    }
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    });
    named.filter(|name| is_user_name(name)).map_or_else(|| format!("uid:{uid}"), str::to_owned)
}

fn is_user_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && !text.chars().any(|it| it.is_control() || it == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_list_of_users_and_else_by_number() {
        let users = "root:x:0:0:root:/:/bin/sh\nada:x:1000:1000:Ada:/srv/ada:/bin/sh\n:x:7:7";
        for (uid, name) in [(0, "root"), (1000, "ada"), (1001, "uid:1001"), (7, "uid:7")] {
            assert_eq!(name_of(uid, users), name);
        }
        assert_eq!(name_of(0, ""), "root");
    }

    #[test]
    fn what_is_no_name_is_not_taken_for_one() {
        for text in ["", "a:b", "a\nb", &"a".repeat(257)] {
            assert!(!is_user_name(text), "{text:?}");
        }
        assert!(is_user_name("DOMAIN\\ada lovelace"));
    }
}
