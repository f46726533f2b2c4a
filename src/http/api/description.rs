//! The description of the management API (OpenAPI 3.1): what each handler says of itself, and what
//! all have in common.

use std::{collections::BTreeSet, iter::once};

use utoipa::{
    OpenApi,
    openapi::{
        self, ComponentsBuilder, Content, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response,
        ResponseBuilder, Server, Type,
        path::{Operation, Parameter, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{problem::Problem, shapes};

#[derive(OpenApi)]
#[openapi(
    info(title = "keyturn management API", version = "1", license(name = "Apache-2.0 OR MIT"),
        description = "Everything an owner of API keys does.\n\n\
            Ask with a token of the server whose audience is the server itself: exchange a key \
            with `resource` set to the issuer, and send the token as `Authorization: Bearer`. \
            It can do what its key may do, within the organization it acts in; what lies out of \
            its sight does not exist for it. It gives no more than it has.\n\n\
            Moments are RFC 3339 in whole seconds. Lists come in parts: send `next_cursor` back as \
            `cursor` until it is `null`. Whatever changes has an `ETag`; send it as `If-Match` \
            when you change it, and no edit is lost. Parameters and members that are not described \
            are refused. What goes wrong is told as RFC 9457 problems. The header `X-Request-Id` \
            of every answer names the request in the audit trail."),
    tags(
        (name = "API keys", description = "Keys from their making to their end."),
        (name = "Clients", description = "OAuth clients: programs with a name of their own."),
        (name = "Explanations", description = "Why a key was refused, and what it would get now."),
        (name = "Usage", description = "How often keys are used, from where, with which outcome."),
        (name = "Organizations", description = "A tree whose branches inherit roles."),
        (name = "Members", description = "Who has which role in an organization."),
        (name = "Roles", description = "Named sets of scopes, inherited down the tree."),
        (name = "Users", description = "People who sign in."),
        (name = "Trust", description = "By which rules tokens of others are trusted."),
        (name = "Webhooks", description = "Where news of keys is sent, signed."),
        (name = "Audit trail", description = "Who did what to which thing."),
        (name = "Resources", description = "The servers that take tokens."),
        (name = "Signing keys", description = "The keys that tokens are signed with."),
    ),
    components(schemas(Problem))
)]
struct Description;

/// The schema of what goes wrong.
pub(super) const PROBLEM: &str = "Problem";

pub(super) fn begin() -> openapi::OpenApi {
    Description::openapi()
}

/// What a parameter means wherever there is one of this name, unless its handler says more.
const PARAMETERS: [(&str, &str); 4] = [
    ("id", "As the answer that made it says."),
    (
        "If-Match",
        "The `ETag` of the state that you have seen: if it is another by now, the answer is 412. \
         `*`: whatever it is.",
    ),
    (
        "Idempotency-Key",
        "1 to 255 printable characters of your choice. Sent again with the same, the request makes \
         nothing new.",
    ),
    ("cursor", "The `next_cursor` of the answer before."),
];

/// Adds what all operations have in common; the server, where it is known.
pub(super) fn complete(mut api: openapi::OpenApi, issuer: Option<&str>) -> openapi::OpenApi {
    let mut named = api.components.take().unwrap_or_default();
    shapes::complete(&mut named);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let components = ComponentsBuilder::from(named)
        .security_scheme("token", SecurityScheme::Http(scheme.build()))
        .response("Refused", refused())
        .response("Failed", failed());
    api.components = Some(components.build());
    api.servers = issuer.map(|issuer| vec![Server::new(issuer)]);

    let versioned: BTreeSet<_> = operations(&mut api)
        .filter(|operation| parameters(operation).any(|it| it.name == "If-Match"))
        .flat_map(|operation| operation.responses.responses.values().filter_map(shape))
        .collect();
    for item in api.paths.paths.values_mut() {
        tag_what_is_shown(item);
    }
    for operation in operations(&mut api) {
        complete_operation(operation, &versioned);
    }
    let used: BTreeSet<_> =
        operations(&mut api).flat_map(|it| it.tags.clone().unwrap_or_default()).collect();
    api.tags.iter_mut().for_each(|tags| tags.retain(|tag| used.contains(&tag.name)));
    api
}

/// What is changed by `If-Match` is shown with its tag.
fn tag_what_is_shown(item: &mut PathItem) {
    let changes = [&item.put, &item.patch, &item.delete].into_iter().flatten();
    let has_tag = changes.flat_map(parameters).any(|it| it.name == "If-Match");
    let shown = item.get.as_mut().and_then(|it| it.responses.responses.get_mut("200"));
    if let (true, Some(RefOr::T(response))) = (has_tag, shown) {
        with_tag(response);
    }
}

fn with_tag(response: &mut Response) {
    let text = "Which state this is: for `If-Match`.";
    response.headers.insert("ETag".to_owned(), header(text));
}

fn complete_operation(operation: &mut Operation, versioned: &BTreeSet<String>) {
    let tag = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
    let name = operation.operation_id.take().unwrap_or_default();
    let tag = tag.to_lowercase().replace(' ', "_");
    operation.operation_id = Some(format!("{tag}_{name}"));
    tell_in_sentences(operation);

    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let common = PARAMETERS.iter().find(|(name, _)| *name == parameter.name);
        if let (None, Some((_, text))) = (&parameter.description, common) {
            parameter.description = Some((*text).to_owned());
        }
        shapes::without_null(&mut parameter.schema);
        match parameter.name.as_str() {
            "If-Match" => parameter.schema = Some(shapes::text(r#"^(\*|"[0-9]+")$"#, 200)),
            "Idempotency-Key" => parameter.schema = Some(shapes::text("^[!-~]+$", 255)),
            _ => (),
        }
    }
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        let has_tag = shape(response).is_some_and(|shape| versioned.contains(&shape));
        let RefOr::T(response) = response else { continue };
        if has_tag {
            with_tag(response);
        }
        if status == "201" {
            let text = "Where it is from now on.";
            response.headers.insert("Location".to_owned(), header(text));
        }
        if response.description.is_empty() {
            let text = if status == "204" { "Done" } else { "As asked" };
            text.clone_into(&mut response.description);
        }
    }
    let by_name = |name: &str| RefOr::Ref(Ref::from_response_name(name));
    responses.insert("4XX".to_owned(), by_name("Refused"));
    responses.insert("5XX".to_owned(), by_name("Failed"));
}

/// A comment in the code breaks its lines anywhere: what comes before the first stop is the summary,
/// the rest the description.
fn tell_in_sentences(operation: &mut Operation) {
    let parts = once(operation.summary.take()).chain(once(operation.description.take()));
    let text = parts.flatten().collect::<Vec<_>>().join(" ").replace('\n', " ");
    let stop = [". ", ": ", "; "].iter().filter_map(|stop| text.find(stop)).min();
    let (first, rest) = text.split_at(stop.unwrap_or(text.len()));
    let rest = rest.trim_start_matches(['.', ':', ';', ' ']);
    operation.summary = Some(first.trim_end_matches('.').to_owned());
    operation.description = (!rest.is_empty()).then(|| capitalized(rest));
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

pub(super) fn operations(api: &mut openapi::OpenApi) -> impl Iterator<Item = &mut Operation> {
    api.paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        [get, put, post, delete, patch].into_iter().flatten()
    })
}

pub(super) fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// The name of the schema that this answers with, if it has one.
pub(super) fn shape(response: &RefOr<Response>) -> Option<String> {
    let RefOr::T(response) = response else { return None };
    let RefOr::T(content) = response.content.get("application/json")? else { return None };
    match content.schema.as_ref()? {
        RefOr::Ref(named) => named.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

fn header(text: &str) -> RefOr<openapi::Header> {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(schema)).description(Some(text)).build().into()
}

fn refused() -> Response {
    let challenge = "With 401 and 403: which scope is missing, and where to get a token.";
    problem("What was asked is not done; `detail` says why, and what to do")
        .header("WWW-Authenticate", unwrap(header(challenge)))
        .build()
}

fn failed() -> Response {
    problem("The server could not answer")
        .header("Retry-After", unwrap(header("With 503: in how many seconds to try again.")))
        .build()
}

fn unwrap(header: RefOr<openapi::Header>) -> openapi::Header {
    match header {
        RefOr::T(header) => header,
        RefOr::Ref(_) => openapi::Header::default(),
    }
}

fn problem(text: &str) -> ResponseBuilder {
    let schema = RefOr::Ref(Ref::from_schema_name(PROBLEM));
    let content = Content::new(Some(schema));
    ResponseBuilder::new().description(text).content("application/problem+json", content)
}
