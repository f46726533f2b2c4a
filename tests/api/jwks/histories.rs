//! JW-03: whatever happens in whatever order, no token is refused for want of a key.

use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{Algorithm, Secret},
    manage::{Asker, Rejection, signing_keys},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{JWKS, secret};
use crate::support::{TestServer, verified};

/// What may happen on one of two nodes.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(i64),
    Rotate(usize),
    Upkeep(usize),
    Issue(usize),
    /// A verifier looks, and fetches from this node if its copy is too old or `true`.
    Verify {
        verifier: usize,
        node: usize,
        anew: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..1500_i64).prop_map(Step::Wait),
        1 => (0..2_usize).prop_map(Step::Rotate),
        2 => (0..2_usize).prop_map(Step::Upkeep),
        4 => (0..2_usize).prop_map(Step::Issue),
        4 => (0..3_usize, 0..2_usize, any::<bool>())
            .prop_map(|(verifier, node, anew)| Step::Verify { verifier, node, anew }),
    ]
}

/// Two nodes, what they have issued, and three verifiers that keep copies of the JWKS.
struct World {
    nodes: [TestServer; 2],
    secret: Secret,
    /// With the moment each dies.
    tokens: Vec<(String, Timestamp)>,
    /// With the moment each was fetched.
    copies: [Option<(String, Timestamp)>; 3],
}

impl World {
    fn now(&self) -> Timestamp {
        self.nodes[0].app.clock.now()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => {
                for node in &self.nodes {
                    node.app.clock.advance(TimeDelta::seconds(seconds));
                }
            }
            Step::Rotate(node) => {
                let app = &self.nodes[node].app;
                match signing_keys::rotate(app, &Asker::keyturn(), Algorithm::Es256).await {
                    Ok(_) | Err(Rejection::AlreadyRotating(_)) => (),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Upkeep(node) => {
                // What is due of ES256 only: looking for primes takes long.
                let app = &self.nodes[node].app;
                let keys = signing_keys::list(app, &Asker::keyturn()).await.unwrap();
                let last = keys.iter().rfind(|key| key.algorithm == Algorithm::Es256).unwrap();
                if self.now() - last.activates_at > TimeDelta::hours(1) {
                    signing_keys::rotate(app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();
                }
            }
            Step::Issue(node) => {
                let answer = self.nodes[node].exchange("ci", &self.secret).await;
                let token = answer.body["access_token"].as_str().unwrap().to_owned();
                self.tokens.push((token, self.now() + TimeDelta::minutes(6)));
            }
            Step::Verify { verifier, node, anew } => self.verify(verifier, node, anew).await,
        }
        // Nodes follow each other within a second.
        for node in &self.nodes {
            node.app.catch_up().await.unwrap();
        }
    }

    /// A verifier with a copy up to max-age old accepts every living token.
    async fn verify(&mut self, verifier: usize, node: usize, anew: bool) {
        let now = self.now();
        let max_age = self.nodes[0].app.settings.rotation.jwks_max_age;
        let copy = &mut self.copies[verifier];
        if anew || copy.as_ref().is_none_or(|(_, fetched_at)| now - *fetched_at >= max_age) {
            *copy = Some((self.nodes[node].get(JWKS).await.text, now));
        }
        let (jwks, _) = copy.as_ref().unwrap();
        for (token, _) in self.tokens.iter().filter(|(_, dies_at)| now < *dies_at) {
            verified(token, jwks).unwrap_or_else(|problem| panic!("{problem}: {token}"));
        }
    }
}

#[test]
fn jw_03_every_living_token_verifies_everywhere_at_every_instant() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
    let history = |steps: Vec<Step>| async move {
        for (server, other) in TestServer::pairs_on_each_engine().await {
            let secret = secret(&server).await;
            let nodes = [server, other];
            let mut world = World { nodes, secret, tokens: Vec::new(), copies: Default::default() };
            for step in &steps {
                world.take(*step).await;
            }
        }
    };

    let outcome = TestRunner::new(config).run(&vec(step(), 40..80), |steps| {
        runtime.block_on(history(steps));
        Ok(())
    });

    outcome.unwrap();
}
