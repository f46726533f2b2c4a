//! What is in the way of a deletion, line by line.

use anyhow::anyhow;

use super::words;
use crate::manage::{Obstacle, Rejection};

/// The refusal with every obstacle on a line of its own, and the command that clears it.
pub(super) fn one_a_line(error: Rejection, what: &str) -> anyhow::Error {
    let Rejection::StillUsed(obstacles) = error else {
        return anyhow::Error::new(error).context(what.to_owned());
    };
    let lines = obstacles.iter().map(line).collect::<Vec<_>>();
    let rows: Vec<_> = lines.iter().map(|(what, way)| (what.as_str(), way.clone())).collect();
    let list = words::lines(&rows).replace('\n', "\n    ");
    anyhow!("{what} cannot be deleted while these are there, and perhaps more:\n    {list}")
}

/// What it is, and what takes it out of the way.
fn line(Obstacle { kind, id, name }: &Obstacle) -> (String, String) {
    let way = match *kind {
        "api_key" => format!("keyturn key delete {id}"),
        "client" => format!("keyturn client delete {id}"),
        "organization" => format!("keyturn org delete {id}"),
        "member" => format!("keyturn member remove {name} --org NAME"),
        "trust" => format!("keyturn trust delete {id}"),
        _ => id.to_string(),
    };
    (format!("{} {name}", kind.replace('_', " ")), way)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_obstacle_has_a_line_and_a_way() {
        let obstacle = |kind, name: &str| Obstacle { kind, id: Uuid::nil(), name: name.to_owned() };
        let in_the_way = vec![obstacle("organization", "team"), obstacle("api_key", "ci")];

        let text = one_a_line(Rejection::StillUsed(in_the_way), "organization acme").to_string();

        let id = Uuid::nil();
        let expected = format!(
            "organization acme cannot be deleted while these are there, and perhaps more:\n    \
             organization team  keyturn org delete {id}\n    \
             api key ci         keyturn key delete {id}"
        );
        assert_eq!(text, expected);
    }
}
