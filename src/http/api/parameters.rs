//! Refuses the query parameters that an operation does not take, by what its description says.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use url::form_urlencoded;
use utoipa::openapi::{
    OpenApi,
    path::{Operation, Parameter, ParameterIn, PathItem},
};

use super::{description::parameters, problem::Problem};
use crate::http::input::nearest;

/// What each operation takes.
pub(super) type Taken = Arc<[Takes]>;

pub(super) struct Takes {
    method: Method,
    /// With the parameters of the path in braces.
    path: String,
    parameters: Vec<String>,
}

pub(super) fn taken(api: &OpenApi) -> Taken {
    let all = api.paths.paths.iter().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        let methods = [
            (Method::GET, get),
            (Method::PUT, put),
            (Method::POST, post),
            (Method::DELETE, delete),
            (Method::PATCH, patch),
        ];
        let known = methods.into_iter().filter_map(|(method, it)| Some((method, it.as_ref()?)));
        known.map(|(method, operation)| Takes::new(method, path, operation))
    });
    all.collect()
}

impl Takes {
    fn new(method: Method, path: &str, operation: &Operation) -> Self {
        let of_query = |it: &&Parameter| matches!(it.parameter_in, ParameterIn::Query);
        let parameters = parameters(operation).filter(of_query).map(|it| it.name.clone());
        Self { method, path: path.to_owned(), parameters: parameters.collect() }
    }

    fn is_of(&self, method: &Method, path: &str) -> bool {
        let mut asked = path.split('/');
        let fits = self.path.split('/').all(|segment| {
            asked.next().is_some_and(|it| it == segment || segment.starts_with('{'))
        });
        self.method == *method && fits && asked.next().is_none()
    }

    /// What is wrong with a name that is not taken.
    fn unknown(&self, name: &str) -> Problem {
        let name: String = name.chars().take(64).collect();
        let known = || self.parameters.iter().map(String::as_str);
        let advice = match (nearest(known(), &name), &self.parameters[..]) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, []) => "this operation takes none".to_owned(),
            (None, all) => format!("this operation takes `{}`", all.join("`, `")),
        };
        Problem::invalid(format!("unknown parameter `{name}`; {advice}"))
    }
}

/// A slip in a name must not look as if it had been heeded.
pub(super) async fn check(
    State(all): State<Taken>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let is_asked = |it: &&Takes| it.is_of(method, request.uri().path());
    if !query.is_empty()
        && let Some(takes) = all.iter().find(is_asked)
    {
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        if let Some(name) = names.find(|name| !takes.parameters.iter().any(|it| it == name)) {
            return Err(takes.unknown(&name));
        }
    }
    Ok(next.run(request).await)
}
