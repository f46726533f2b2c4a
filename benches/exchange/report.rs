//! Prints what was measured, as Markdown: `docs/PERFORMANCE.md` takes it as it is.

use std::path::Path;

use crate::{
    cell::Conditions,
    machine::Machine,
    measure::{Rounds, Row},
    options::Options,
    pinning::Pinning,
    stage::Stage,
};

pub(crate) fn machine(folder: &Path) -> anyhow::Result<()> {
    let Machine { cores, processor, kernel, rustc, sync_millis } = Machine::look(folder)?;
    println!("Machine: {cores} cores, {processor}, Linux {kernel}; {rustc}.");
    println!("4 KiB written and on the disk: {sync_millis:.2} ms (median).");
    Ok(())
}

pub(crate) fn method(options: &Options, pinning: &Pinning) {
    let place = match pinning {
        Pinning::Pinned => "server on core 0, load on core 1, PostgreSQL on any",
        Pinning::Free => "not pinned: `taskset` or a second core is missing",
    };
    let Options { rounds, seconds, .. } = options;
    println!("{rounds} rounds of {seconds} s for each side, by turns; {place}.\n");
}

/// What is known of keyturn before any cell is measured.
pub(crate) fn stage(
    conditions: Conditions,
    stage: &Stage,
    idle: f64,
    cold: &Rounds,
) -> anyhow::Result<()> {
    println!(
        "{conditions}: first token {:.0} ms after the start; {idle:.1} MiB idle, {:.1} MiB with \
         every key in memory; keys not in memory: {:.0}/s, {:.1} µs CPU, p50 {:.2} ms, p99 {:.2} \
         ms{}",
        stage.keyturn.started_within.as_secs_f64() * 1000.0,
        stage.keyturn.private_mib()?,
        cold.median(|round| round.per_second),
        cold.median(|round| round.cpu),
        cold.within(50),
        cold.within(99),
        errors(cold),
    );
    Ok(())
}

/// One line a cell, for whoever waits.
pub(crate) fn progress(row: &Row) {
    println!("{}: {:.2} of the floor", row.cell, row.ratio(|round| round.per_second));
}

pub(crate) fn table(rows: &[Row]) {
    println!(
        "\n| work | algorithm | connections | keys | usage | database | floor /s | keyturn /s | ratio \
         | floor µs CPU | keyturn µs CPU | ratio | floor p50, p99 ms | keyturn p50, p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let Row { cell, floor, keyturn } = row;
        println!(
            "| {cell} | {:.0} | {:.0} | **{:.2}** | {:.1} | {:.1} | {:.2} | {:.2}, {:.2} | {:.2}, \
             {:.2} |{}{}",
            floor.median(|round| round.per_second),
            keyturn.median(|round| round.per_second),
            row.ratio(|round| round.per_second),
            floor.median(|round| round.cpu),
            keyturn.median(|round| round.cpu),
            row.ratio(|round| round.cpu),
            floor.within(50),
            floor.within(99),
            keyturn.within(50),
            keyturn.within(99),
            errors(floor),
            errors(keyturn),
        );
    }
}

fn errors(rounds: &Rounds) -> String {
    match rounds.errors {
        0 => String::new(),
        errors => format!(" **{errors} requests failed**"),
    }
}
