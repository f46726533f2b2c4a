//! How the Maven modules of `java` are built, and how a JVM is told of a certificate authority.

use std::{fs, path::Path, process::Command};

use super::{
    installed::run,
    snippets::{DOCUMENT, snippet},
    support::Place,
};

/// What Spring Boot asks for.
const OLDEST_JDK: u32 = 17;

/// Whether there is a JDK that will do, and Maven.
pub(crate) fn is_new_enough() -> Result<(), String> {
    run(Command::new("mvn").arg("--version"))?;
    let version = run(Command::new("javac").arg("--version"))?;
    let number = version.trim().trim_start_matches("javac ");
    match number.split(['.', '-']).next().unwrap_or_default().parse::<u32>() {
        Ok(major) if major >= OLDEST_JDK => Ok(()),
        _ => Err(format!("the JDK is {number}, and {OLDEST_JDK} is the oldest that will do")),
    }
}

/// Puts the examples of the documents among the sources, and gives all that Maven builds.
pub(crate) fn sources(folder: &Path) -> Vec<u8> {
    let spring = folder.join("spring");
    let recipe = snippet(DOCUMENT, "Spring Boot", "java");
    fs::write(spring.join("TokenVerification.java"), format!("package example;\n{recipe}"))
        .unwrap();
    let properties = snippet(DOCUMENT, "Spring Boot", "properties");
    fs::write(spring.join("application.properties"), properties).unwrap();
    let modules = ["", "nimbus", "boot3", "boot4", "spring"];
    let files = modules.into_iter().flat_map(|module| fs::read_dir(folder.join(module)).unwrap());
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let kind = file.extension().unwrap_or_default();
        ["xml", "java", "properties"].iter().any(|known| kind == *known)
    });
    files.sort();
    files.iter().flat_map(|file| fs::read(file).unwrap()).collect()
}

/// Compiles all modules. The libraries are kept beside the folder.
pub(crate) fn build(folder: &Path) -> Result<(), String> {
    let kept = folder.with_file_name("maven");
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "--strict-checksums"]);
    maven.arg(format!("-Dmaven.repo.local={}", kept.display()));
    maven.args(["clean", "compile", "dependency:copy-dependencies"]).current_dir(folder);
    run(&mut maven).map(drop)
}

/// The options of a JVM that trusts this authority alone. JVMs read no PEM: `keytool` makes a store
/// of it.
pub(crate) fn trusting(place: &Place, authority: &Path) -> [String; 2] {
    const PASSWORD: &str = "changeit";
    let store = place.path().join("authority.p12");
    if !store.exists() {
        let (authority, store) = (authority.to_str().unwrap(), store.to_str().unwrap());
        let mut keytool = place.program("keytool", &["-importcert", "-noprompt"]);
        keytool.args(["-alias", "tests", "-file", authority, "-storetype", "PKCS12"]);
        run(keytool.args(["-keystore", store, "-storepass", PASSWORD])).unwrap();
    }
    let set = |name: &str, value: &str| format!("-Djavax.net.ssl.{name}={value}");
    [set("trustStore", store.to_str().unwrap()), set("trustStorePassword", PASSWORD)]
}
