//! `keyturn key show`: all there is to know of a key but its secret.

use super::shown::Shown;
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
    },
    domain::Owner,
    manage::api_keys,
};

pub(super) async fn run(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let key = named::api_key(app, name).await?;
    let mut names = Names::default();
    names.learn_owner(app, key.owner).await?;
    let acts_in = match key.owner {
        Owner::User(_) => api_keys::default_organization(app, &key).await?,
        Owner::Organization(_) => None,
    };
    let mut shown = Shown::new(app, &names, api_keys::show(app, &start::asker(), key.id).await?);
    if let Some(id) = acts_in {
        names.learn_organization(app, id).await?;
        shown.acts_in = Some(names.organization(id));
    }
    output.say(&shown.text(), &shown)
}
