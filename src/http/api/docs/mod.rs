//! The description of the API as a page for people. It needs no script.

mod curl;
mod operation;
mod prose;
mod shape;

use askama::Template;
use utoipa::openapi::{OpenApi, RefOr};

pub(super) use self::shape::Shapes;
use self::{
    operation::{Shown, shown},
    prose::Prose,
    shape::Member,
};

pub(super) const STYLE: &str = include_str!("style.css");

/// askama escapes what the description says.
#[derive(Template)]
#[template(path = "api_docs.html")]
struct Page {
    title: String,
    version: String,
    paragraphs: Vec<Prose>,
    groups: Vec<Group>,
    shapes: Vec<ShownShape>,
}

/// The operations of one tag.
struct Group {
    anchor: String,
    name: String,
    description: Prose,
    operations: Vec<Shown>,
}

/// What an answer or a body is made of.
struct ShownShape {
    name: String,
    description: Prose,
    members: Vec<Member>,
}

pub(super) fn html(api: &OpenApi) -> String {
    let components = api.components.clone().unwrap_or_default();
    let shapes = Shapes::new(&components);
    let server = api.servers.iter().flatten().next().map_or("", |server| server.url.as_str());
    let tags = api.tags.iter().flatten();
    let groups = tags.map(|tag| Group {
        anchor: tag.name.to_lowercase().replace(' ', "-"),
        name: tag.name.clone(),
        description: Prose::new(tag.description.as_deref().unwrap_or_default()),
        operations: operations(api, &tag.name, &shapes, server),
    });
    let listed = components.schemas.iter().filter_map(|(name, schema)| {
        let members = shapes.members(schema);
        let description = Prose::new(&shapes.description(schema));
        (!members.is_empty()).then(|| ShownShape { name: name.clone(), description, members })
    });
    let text = api.info.description.as_deref().unwrap_or_default();
    let page = Page {
        title: api.info.title.clone(),
        version: api.info.version.clone(),
        paragraphs: text.split("\n\n").map(Prose::new).collect(),
        groups: groups.collect(),
        shapes: listed.collect(),
    };
    page.render().expect("writing to a text does not fail")
}

fn operations(api: &OpenApi, tag: &str, shapes: &Shapes<'_>, server: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for (path, item) in &api.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            if operation.tags.iter().flatten().any(|it| it == tag) {
                found.push(shown(method, path, operation, shapes, server));
            }
        }
    }
    found
}

/// What stands there, not what it refers to.
fn direct<T>(it: &RefOr<T>) -> Option<&T> {
    match it {
        RefOr::T(it) => Some(it),
        RefOr::Ref(_) => None,
    }
}
