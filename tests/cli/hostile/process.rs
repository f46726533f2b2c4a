//! What a process uses, as Linux tells it.

use std::{fs, time::Duration};

#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) files: usize,
    /// Bytes that are in memory (RSS).
    pub(super) memory: u64,
    pub(super) uptime: Duration,
}

impl Used {
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            files: self.files.max(other.files),
            memory: self.memory.max(other.memory),
            uptime: self.uptime.max(other.uptime),
        }
    }
}

pub(super) fn used(process: u32) -> Used {
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let memory = memory.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
    Used { files, memory, uptime: uptime(process) }
}

/// Since when it runs: the 22nd field is its start in hundredths of a second after that of Linux.
fn uptime(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let started: f64 = fields.split(' ').nth(19).unwrap().parse().unwrap();
    let up = fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    Duration::from_secs_f64((up - started / 100.0).max(0.0))
}
