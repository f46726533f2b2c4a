//! The prompt for a secret, at a real terminal.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Stdio},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{LocalModes, tcgetattr},
};

use super::{fake::any_key, home::Home};
use crate::terminal::Terminal;

/// A program that asks for a secret at a terminal.
struct Asking {
    child: Child,
    terminal: Terminal,
}

impl Asking {
    fn start(home: &Home) -> Self {
        let terminal = Terminal::open();
        let mut command = home.command(&["set-token"]);
        command.stdin(terminal.stdio());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut asked = vec![0; "API key".len()];
        child.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
        assert_eq!(asked, b"API key");
        Self { child, terminal }
    }

    fn shows_what_is_typed(&self) -> bool {
        tcgetattr(&self.terminal.program).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

#[test]
fn what_is_typed_at_a_terminal_is_not_shown() {
    let (home, key) = (Home::new(), any_key());
    let mut asking = Asking::start(&home);

    let hidden = !asking.shows_what_is_typed();
    asking.terminal.person.write_all(format!("{key}\n").as_bytes()).unwrap();
    assert!(asking.child.wait().unwrap().success());

    assert!(hidden && asking.shows_what_is_typed());
    let Terminal { mut person, program } = asking.terminal;
    drop(program);
    // Ends with an error once nobody has the terminal open.
    let mut screen = Vec::new();
    let _ = person.read_to_end(&mut screen);
    assert!(!String::from_utf8_lossy(&screen).contains(&key[4..]));
    assert_eq!(home.succeeds(&["token"]), key);
}

#[test]
fn whoever_interrupts_the_prompt_sees_again_what_is_typed() {
    let home = Home::new();
    let mut asking = Asking::start(&home);

    kill_process(Pid::from_child(&asking.child), Signal::INT).unwrap();

    assert_eq!(asking.child.wait().unwrap().code(), Some(1));
    assert!(asking.shows_what_is_typed());
    assert!(!home.settings().exists());
}
