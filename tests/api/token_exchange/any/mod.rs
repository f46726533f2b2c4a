//! For any key, any clients, rules, actors, wishes and chains, and whatever changes meanwhile: no
//! token has a right that is missing from anything it came from, and none outlives it.

mod case;
mod model;
mod run;
mod world;

use std::cell::Cell;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use self::{case::case, run::run, world::World};
use crate::support::TestServer;

/// Where the database makes no difference to what is computed, a few cases show that it makes none.
const CASES: [(&str, u32); 2] = [("sqlite", 200), ("postgres", 25)];

#[test]
fn tx_08_tx_19_no_token_has_a_right_that_is_missing_from_anything_it_came_from() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = runtime.block_on(TestServer::on_each_engine_with(world::options));
    for server in servers {
        let engine = server.engine;
        let cases = CASES.into_iter().find(|(name, _)| *name == engine).unwrap().1;
        let world = runtime.block_on(World::on(server));
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let seed = match config.rng_seed {
            RngSeed::Fixed(seed) => seed,
            RngSeed::Random => u64::from_be_bytes(keyturn::random::Random::System.bytes()),
        };
        println!("{engine}: the same again with PROPTEST_RNG_SEED={seed}");
        let config = Config { rng_seed: RngSeed::Fixed(seed), ..config };
        let all = Cell::new(run::Counts::default());

        let outcome = TestRunner::new(config).run(&case(), |case| {
            let counts = runtime.block_on(run(&world, &case))?;
            all.set(all.get() + counts);
            Ok(())
        });

        outcome.unwrap();
        let counts = all.get();
        assert!(counts.are_enough(cases), "{engine}: {counts:?}: this shows nothing");
        println!("{engine}: {counts:?}");
    }
}
