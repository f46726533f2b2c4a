//! `keyturn key show`: all there is to know of a key but its secret.

use super::shown::Shown;
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
    },
    manage::api_keys,
};

pub(super) async fn run(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, name).await?;
    let mut names = Names::default();
    names.learn_owner(app, key.owner).await?;
    let shown = Shown::new(app, &names, api_keys::show(app, &start::asker(), key.id).await?);
    output.say(&shown.text(), &shown)
}
