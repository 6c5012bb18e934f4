//! A terminal with `qvm` on it, driven as a person would: type, look, resize.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Termios, Winsize, tcgetattr, tcsetwinsize},
};

use crate::{processes::until, users::finish};

/// A pseudo-terminal and what has appeared on it.
pub struct Terminal {
    master: File,
    slave: File,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal {
    /// 30 rows, 100 columns.
    pub fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let master = File::from(master);
        let screen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut reader, shown) = (master.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0u8; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().extend(&buffer[..n]);
            }
        });
        let terminal = Self { master, slave, screen };
        terminal.resize(30, 100);
        terminal
    }

    /// Starts a command on the terminal, in a session of its own with it as controlling terminal.
    pub fn spawn(&self, command: &Command) -> Child {
        let slave = || Stdio::from(self.slave.as_fd().try_clone_to_owned().unwrap());
        let mut wrapped = Command::new("setsid");
        wrapped.arg("--ctty").arg("--wait");
        finish(&mut wrapped, command);
        wrapped.stdin(slave()).stdout(slave()).stderr(slave());
        wrapped.process_group(0).spawn().unwrap()
    }

    /// Types.
    pub fn type_in(&self, keys: &str) {
        (&self.master).write_all(keys.as_bytes()).unwrap();
    }

    /// Changes the size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).unwrap();
    }

    /// All that has appeared.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until `text` has appeared.
    pub fn wait_for(&self, text: &str) {
        let start = std::time::Instant::now();
        while !self.screen().contains(text) {
            assert!(
                start.elapsed() < crate::processes::PATIENCE,
                "{text:?} did not appear on: {}",
                self.screen()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Modes of the terminal now.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Waits until the terminal is as in `wanted`.
    pub fn wait_for_modes(&self, wanted: &Termios) {
        until("the terminal is restored", || {
            let now = self.modes();
            let same = now.local_modes == wanted.local_modes
                && now.input_modes == wanted.input_modes
                && now.output_modes == wanted.output_modes;
            same.then_some(())
        });
    }
}
