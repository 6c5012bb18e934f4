#![allow(clippy::unwrap_used)]
use super::*;
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
};
use std::{sync::mpsc, thread, time::Duration};

#[test]
fn a_terminal_that_has_stopped_reading_is_restored_all_the_same() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let reader = openpt(flags).unwrap();
    unlockpt(&reader).unwrap();
    let terminal = ioctl_tiocgptpeer(&reader, flags).unwrap();
    let modes = tcgetattr(&terminal).unwrap();
    fcntl_setfl(&terminal, fcntl_getfl(&terminal).unwrap() | OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&terminal, &[b'x'; 4096]).is_ok() {}
    fcntl_setfl(&terminal, fcntl_getfl(&terminal).unwrap() - OFlags::NONBLOCK).unwrap();

    let output = terminal.try_clone().unwrap();
    let (about_to, told) = mpsc::channel();
    let writing = thread::spawn(move || {
        about_to.send(()).unwrap();
        rustix::io::write(&output, &[b'x'; 4096])
    });
    told.recv().unwrap();
    // For the writer to be held up; were it not, the test would only be easier to pass.
    thread::sleep(Duration::from_millis(50));

    // Neither would return if it waited for the output to leave.
    set(&terminal, &raw_of(&modes)).unwrap();
    assert!(same_modes(&tcgetattr(&terminal).unwrap(), &raw_of(&modes)));
    set(&terminal, &modes).unwrap();
    assert!(same_modes(&tcgetattr(&terminal).unwrap(), &modes));
    drop(reader);
    let _ = writing.join().unwrap();
}
