//! `keyturn auth exec-credential`, as clients of Kubernetes run it.

use super::{
    fake::{Fake, any_key},
    home::Home,
};

#[test]
fn a_token_has_the_shape_that_kubernetes_asks_for() {
    let fake = Fake::start();
    let mut home = Home::of(&fake.url, &any_key());

    let v1 = home.json(&["exec-credential"]);
    let info = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential"}"#;
    home.set("KUBERNETES_EXEC_INFO", info);
    let beta = home.json(&["exec-credential"]);

    assert_eq!(
        (&v1["apiVersion"], &v1["kind"]),
        (&"client.authentication.k8s.io/v1".into(), &"ExecCredential".into())
    );
    assert_eq!(v1["status"]["token"], "token-1");
    let end = v1["status"]["expirationTimestamp"].as_str().unwrap();
    assert!(end.len() == 20 && end.ends_with('Z'), "{end}");
    assert_eq!(beta["apiVersion"], "client.authentication.k8s.io/v1beta1");
}

#[test]
fn a_version_that_nobody_speaks_any_more_is_refused() {
    let fake = Fake::start();
    let mut home = Home::of(&fake.url, &any_key());
    let info = r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1"}"#;
    home.set("KUBERNETES_EXEC_INFO", info);

    let refused = home.auth(&["exec-credential"]);

    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert_eq!(fake.asked(), 0);
}
