//! Every operation of the management API, as its description tells it: what walks over them meets
//! a new one by itself.

use axum::http::Method;
use keyturn::domain::Owner;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Caller, TestServer, encoded};

pub(crate) struct Operation {
    pub(crate) method: Method,
    /// With braces where ids go.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, Value)>,
    pub(crate) headers: Vec<String>,
    /// A body that its schema allows, with every member.
    pub(crate) body: Option<Value>,
}

/// A place in a JSON value: names of members and numbers of items.
pub(crate) type Place = Vec<String>;

/// All of them.
pub(crate) async fn operations(server: &TestServer) -> Vec<Operation> {
    let api = server.get("/api/openapi.json").await.body;
    let mut all = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
            let of = |place: &'static str| {
                let named = parameters.iter().filter(move |it| it["in"] == place);
                named.map(|it| (it["name"].as_str().unwrap().to_owned(), it["schema"].clone()))
            };
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            all.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                query: of("query").collect(),
                headers: of("header").map(|(name, _)| name).collect(),
                body: (!schema.is_null()).then(|| sample(&api, schema)),
            });
        }
    }
    assert!(all.len() >= 50, "{}", all.len());
    all
}

/// A value that the schema allows.
fn sample(api: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(api, api.pointer(&name[1..]).unwrap());
    }
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(all) = schema[several].as_array() {
            let any = all.iter().find(|it| it["type"] != "null").unwrap();
            return sample(api, any);
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut members = Map::new();
        for one in all {
            members.extend(sample(api, one).as_object().unwrap().clone());
        }
        return members.into();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|it| *it != "null").unwrap().clone(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("object") {
        "object" => match schema["properties"].as_object() {
            Some(members) => {
                members.iter().map(|(name, it)| (name.clone(), sample(api, it))).collect()
            }
            None => json!({ "sub": ["deploy"] }),
        },
        "array" => json!([sample(api, &schema["items"])]),
        "boolean" => json!(true),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(60)),
        _ => match schema["format"].as_str() {
            Some("uuid") => json!("0197f000-0000-7000-8000-000000000000"),
            Some("date-time") => json!("2027-03-01T00:00:00Z"),
            Some("email") => json!("ann@example.com"),
            _ => json!("read"),
        },
    }
}

/// Where in a value there are strings.
pub(crate) fn strings(value: &Value) -> Vec<Place> {
    let below = |name: String, value: &Value| {
        let places = strings(value).into_iter();
        places.map(move |place| [vec![name.clone()], place].concat()).collect::<Vec<_>>()
    };
    match value {
        Value::String(_) => vec![Vec::new()],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(place, item)| below(place.to_string(), item)).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| below(name.clone(), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The value with another at this place.
pub(crate) fn with(value: &Value, place: &Place, other: Value) -> Value {
    let mut changed = value.clone();
    let escape = |step: &String| step.replace('~', "~0").replace('/', "~1");
    let steps: Vec<_> = std::iter::once(String::new()).chain(place.iter().map(escape)).collect();
    let pointer = steps.join("/");
    *changed.pointer_mut(&pointer).unwrap() = other;
    changed
}

/// What there is for operations to work on, and somebody who may do everything.
pub(crate) struct World {
    caller: Caller,
    ids: Vec<(&'static str, String)>,
}

impl World {
    pub(crate) async fn new(server: &TestServer) -> Self {
        let acme = server.acme().await;
        let caller = crate::management::owner_of(server, acme).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let user = server.user("bob@example.com", &[(acme, "viewer")]).await;
        let client = caller.post("/api/v1/clients", &json!({ "name": "shop" })).await;
        let trust = json!({
            "name": "ci", "issuer": "https://ci.example.com", "roles": ["viewer"],
            "conditions": { "sub": ["deploy"] },
        });
        let trust = caller.post("/api/v1/trusts", &trust).await;
        let hook = json!({ "organization_id": acme, "url": "https://hooks.example.com/", "events": ["api_key.rotated"] });
        let hook = caller.post("/api/v1/webhooks", &hook).await;
        let ids = vec![
            ("/api/v1/organizations/{id}", acme.to_string()),
            ("/api/v1/api-keys/{id}", key.id.to_string()),
            ("/api/v1/users/{id}", user.to_string()),
            ("{user_id}", user.to_string()),
            ("/api/v1/clients/{id}", client.id().to_owned()),
            ("/api/v1/trusts/{id}", trust.id().to_owned()),
            ("/api/v1/webhooks/{id}", hook.id().to_owned()),
            ("{identifier}", "api".to_owned()),
            ("{name}", "deployer".to_owned()),
        ];
        Self { caller, ids }
    }

    /// The path with ids of what there is; what there is none of is not found.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        for (template, id) in &self.ids {
            let filled = template.split('{').next().unwrap().to_owned() + id;
            path = path.replace(template, &filled);
        }
        while let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap();
            path = format!("{before}0197f000-0000-7000-8000-000000000000{after}");
        }
        path
    }

    pub(crate) async fn send(
        &self,
        operation: &Operation,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let needed = operation.headers.iter().any(|name| name == "If-Match")
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("if-match"));
        let condition = needed.then_some(("if-match", "*"));
        let headers: Vec<_> = headers.iter().copied().chain(condition).collect();
        self.caller.send(operation.method.clone(), path, &headers, body).await
    }

    /// With one parameter in the query.
    pub(crate) async fn ask(&self, operation: &Operation, name: &str, value: &str) -> Answer {
        let path = format!("{}?{}", self.path(operation), encoded(&[(name, value)]));
        self.send(operation, &path, &[], operation.body.as_ref()).await
    }
}
