//! What the numbers were measured on.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
    thread::available_parallelism,
    time::Instant,
};

use crate::process::output;

pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// Milliseconds to write 4 KiB and wait until they are on the disk: the median of many.
    pub(crate) sync_millis: f64,
}

impl Machine {
    pub(crate) fn look(folder: &Path) -> anyhow::Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cores: available_parallelism().map_or(1, usize::from),
            processor: model.to_owned(),
            kernel: kernel.trim().to_owned(),
            rustc: output("rustc", &["--version"]).unwrap_or_else(|| "unknown".to_owned()),
            sync_millis: sync_millis(folder)?,
        })
    }
}

fn sync_millis(folder: &Path) -> anyhow::Result<f64> {
    const TIMES: usize = 200;
    let path = folder.join("sync");
    let file = File::create(&path)?;
    let mut took = Vec::with_capacity(TIMES);
    for page in 0..TIMES {
        let began = Instant::now();
        file.write_all_at(&[1; 4096], page as u64 * 4096)?;
        file.sync_data()?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    took.sort_by(f64::total_cmp);
    Ok(took[TIMES / 2])
}
