//! `keyturn auth git-credential`: an access token by the protocol of git's credential helpers, for
//! the hosts that take our tokens and for no other.

use std::{
    fmt::Write as _,
    io::{self, Read as _},
};

use anyhow::Context as _;

use super::{
    Server, Wanted, access_token::AccessToken, cache::Slot, fetch, holder::Holder, output,
    server_url::ServerUrl,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A host that takes the tokens, with its port if it has one, may be repeated [default: the
    /// server's own]
    #[arg(long = "host", value_name = "HOST[:PORT]")]
    hosts: Vec<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    wanted: Wanted,
    /// What git wants: get, store or erase; it puts the word there itself
    operation: String,
}

/// Many a git server takes a token as the password of this user.
const DEFAULT_USER: &str = "oauth2";
const LONGEST: u64 = 64 * 1024;

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_to_string(&mut text).context("cannot read from git")?;
    let asked = Asked::read(&text);
    // Git asks every helper about every host: saying nothing lets it ask the next.
    match args.operation.as_str() {
        "get" => {
            let holder = Holder::find(&args.server)?;
            if !is_ours(&asked, &args.hosts, &holder) {
                return Ok(());
            }
            let token = fetch::obtain(&holder, &args.wanted).await?.unbound()?;
            output::print(&answer(&asked, &token))
        }
        "erase" => {
            let holder = Holder::find(&args.server)?;
            if is_ours(&asked, &args.hosts, &holder) {
                erase(&asked, &holder, &args.wanted)?;
            }
            Ok(())
        }
        // `store`: what git offers to keep is what we gave it. Others are of a later git, and a
        // helper ignores what it does not know.
        _ => Ok(()),
    }
}

/// What git says; attributes that decide nothing here are left out.
#[derive(Default)]
struct Asked<'a> {
    protocol: &'a str,
    host: &'a str,
    username: Option<&'a str>,
    /// Of an erased credential, whichever way it was sent.
    rejected: Option<&'a str>,
    /// Git can send any Authorization header, not only Basic.
    knows_authtype: bool,
}

impl<'a> Asked<'a> {
    fn read(text: &'a str) -> Self {
        let mut asked = Self::default();
        let lines = text.lines().take_while(|line| !line.is_empty());
        for (name, value) in lines.filter_map(|line| line.split_once('=')) {
            match name {
                "protocol" => asked.protocol = value,
                "host" => asked.host = value,
                "username" => asked.username = Some(value),
                "password" | "credential" => asked.rejected = Some(value),
                "capability[]" if value == "authtype" => asked.knows_authtype = true,
                _ => (),
            }
        }
        asked
    }
}

/// Compared to the letter, port included: another port is another server.
fn is_ours(asked: &Asked<'_>, hosts: &[String], holder: &Holder) -> bool {
    let own_port = match asked.protocol {
        "https" => ":443",
        // In clear a token stays on this machine.
        "http" if ServerUrl::parse(&format!("http://{}", asked.host)).is_ok() => ":80",
        _ => return false,
    };
    let bare = |host: &str| {
        let host = host.to_ascii_lowercase();
        host.strip_suffix(own_port).map(str::to_owned).unwrap_or(host)
    };
    let host = bare(asked.host);
    if hosts.is_empty() {
        return host == bare(holder.url.authority());
    }
    hosts.iter().any(|named| bare(named) == host)
}

fn answer(asked: &Asked<'_>, token: &AccessToken) -> String {
    let bearer = &token.bearer;
    let mut answer = if asked.knows_authtype {
        format!("capability[]=authtype\nauthtype=Bearer\ncredential={bearer}\nephemeral=1\n")
    } else {
        let user = asked.username.unwrap_or(DEFAULT_USER);
        format!("username={user}\npassword={bearer}\n")
    };
    let _ = writeln!(answer, "password_expiry_utc={}", token.expires_at.timestamp());
    answer
}

/// The host took no notice of what is left of the token's life: the next one is fetched.
fn erase(asked: &Asked<'_>, holder: &Holder, wanted: &Wanted) -> anyhow::Result<()> {
    match Slot::open(holder, wanted) {
        Some(slot) => slot?.forget(asked.rejected).context("cannot forget the access token"),
        None => Ok(()),
    }
}
