//! A terminal for a program to talk to.

use std::{fs::File, os::fd::OwnedFd, process::Stdio};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

pub(crate) struct Terminal {
    /// What is written here was typed; what is read here is on the screen.
    pub(crate) person: File,
    pub(crate) program: OwnedFd,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let program = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        Self { person: File::from(person), program }
    }

    /// For a stream of a program.
    pub(crate) fn stdio(&self) -> Stdio {
        Stdio::from(self.program.try_clone().unwrap())
    }
}
