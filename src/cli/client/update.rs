//! `keyturn client update`: changes what a client may do; its secrets stay.

use anyhow::ensure;

use super::{shown::Shown, terms::Terms};
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
    },
    domain::{Expected, KeyName},
    manage::clients::{self, Edit},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The client's name, or its id
    #[arg(value_name = "NAME|ID")]
    client: String,
    /// What it is to be called
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<KeyName>,
    /// Of what may be repeated, those not named are taken away
    #[command(flatten)]
    terms: Terms,
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let Args { client, new_name, terms } = args;
    let client = named::client(app, &client).await?;
    let terms = terms.edit(&client.terms, app.clock.now())?;
    let is_otherwise = terms.clone().over(client.terms.clone()) != client.terms;
    ensure!(is_otherwise || new_name.is_some(), "this changes nothing: `--help` says what can be");
    let edit = Edit { name: new_name, enabled: None, terms };
    // What is not named stays as it was read.
    let expected = Expected::OneOf(vec![client.version]);
    let changed = clients::update(app, &start::asker(), client.id, &expected, edit).await?;
    let needs_secret = changed.terms.authentication.has_secret();
    let listed = clients::with_secrets(app, changed).await?;
    let has_none = needs_secret && listed.secrets.is_empty();
    let shown = Shown::new(app, &Names::read(app).await?, listed);
    let mut text = format!("Client {} is, from now on:\n\n{}", shown.name, shown.text());
    if has_none {
        text += "\n\nIt has no secret yet: `keyturn client secret add` makes one.";
    }
    output.say(&text, &shown)
}
