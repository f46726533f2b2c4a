//! Measures the exchange against the least that could do its work, side by side in one run.
//!
//! `cargo bench` measures the headline cell and its neighbours, `cargo bench -- --full` all of
//! them; `docs/PERFORMANCE.md` says what the numbers mean.

mod cell;
mod claims;
mod clients;
mod database;
mod floor;
mod keys;
mod load;
mod machine;
mod measure;
mod options;
mod pinning;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod process;
mod report;
mod request;
mod resource_server;
mod seed;
mod stage;
mod work;

use clap::Parser as _;

use crate::{cell::Engine, options::Options, pinning::Pinning, stage::Stage};

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(address) = options.floor {
        return floor::run(address);
    }
    if !options.bench {
        println!("Nothing is measured without optimisation: run `cargo bench`.");
        return Ok(());
    }
    // The load is one thread, so that it stays on one core and takes nothing from the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&options))
}

/// Cells that need the same database and settings share a server, which is warmed up once.
async fn run(options: &Options) -> anyhow::Result<()> {
    let mut cells = options.cells();
    if cells.iter().any(|cell| cell.engine == Engine::Postgres) && postgres::server().is_none() {
        cells.retain(|cell| cell.engine != Engine::Postgres);
    }
    let folder = database::folder()?;
    report::machine(&folder)?;
    let pinning = Pinning::new();
    report::method(options, &pinning);

    let mut rows = Vec::new();
    for cells in cells.chunk_by(|one, next| one.conditions() == next.conditions()) {
        let stage = Stage::set(&folder, cells[0].conditions(), &pinning).await?;
        for cell in cells {
            let row = measure::cell(&stage, *cell, options).await?;
            report::progress(&row);
            rows.push(row);
        }
    }
    report::table(&rows);
    Ok(())
}
