//! A library that a server loads, and that fails chosen writes to its database files.
#![expect(clippy::disallowed_methods, reason = "whether a compiler is required is a variable")]

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const SOURCE: &str = include_str!("shim.c");

/// What happens to the calls that are chosen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// They fail by this `errno`.
    Fails(i64),
    /// They take so many milliseconds.
    Stalls(i64),
}

pub(super) const EIO: i64 = 5;
pub(super) const ENOSPC: i64 = 28;

/// What is to fail, as the library and the test share it.
pub(super) struct Plan {
    file: File,
    path: PathBuf,
}

/// The library; `None` where there is no C compiler, after saying so.
pub(super) fn built_in(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    fs::write(&source, SOURCE).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .output();
    match built {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => panic!("cc: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            let is_required = env::var("KEYTURN_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
            assert!(!is_required, "a C compiler is required: {error}");
            let line = format!("faults of disks are not tested: no C compiler ({error})");
            let _ = writeln!(std::io::stderr(), "{line}");
            None
        }
    }
}

impl Plan {
    pub(super) fn new(folder: &Path) -> Self {
        let path = folder.join("plan");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        let plan = Self { file, path };
        plan.calm();
        plan
    }

    pub(super) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// From the `first` call on so many have this fault.
    pub(super) fn strike(&self, first: i64, run: i64, fault: Fault) {
        let (error, stall) = match fault {
            Fault::Fails(error) => (error, 0),
            Fault::Stalls(milliseconds) => (0, milliseconds),
        };
        // The count last: from then on calls are counted.
        self.write(1, &[run, error, stall, 0]);
        self.write(0, &[first]);
    }

    /// From here on all goes well. Tells whether anything went wrong.
    pub(super) fn calm(&self) -> bool {
        self.write(0, &[i64::MAX / 2]);
        let mut failed = [0; 8];
        self.file.read_at(&mut failed, 4 * 8).unwrap() == 8 && i64::from_ne_bytes(failed) > 0
    }

    fn write(&self, at: u64, values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        self.file.write_all_at(&bytes, at * 8).unwrap();
    }
}
