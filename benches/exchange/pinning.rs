//! Keeps the server on one core and the load on another, where the system can.

use std::{path::Path, process::Command, thread::available_parallelism};

use crate::process::output;

pub(crate) enum Pinning {
    /// The server on core 0, the load on core 1.
    Pinned,
    /// Both wherever the system puts them.
    Free,
}

impl Pinning {
    /// Binds this process to core 1.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let process = std::process::id().to_string();
        let bound = cores > 1 && output("taskset", &["-a", "-p", "-c", "1", &process]).is_some();
        if bound { Self::Pinned } else { Self::Free }
    }

    /// A command that runs the program as a server.
    pub(crate) fn server(&self, program: &Path) -> Command {
        match self {
            Self::Free => Command::new(program),
            Self::Pinned => {
                let mut command = Command::new("/usr/bin/taskset");
                command.args(["-c", "0"]).arg(program);
                command
            }
        }
    }
}
