//! A terminal, driven as a person would.

use e2e::{Scene, processes::until, terminal::Terminal};

/// A19: the guest sees the size and its changes; Ctrl-C ends the foreground job only; the status
/// comes back; the terminal is as it was.
#[test]
fn a_shell_on_a_terminal() {
    let scene = Scene::new();
    let terminal = Terminal::new();
    let before = terminal.modes();
    let mut qvm = scene.qvm();
    qvm.args(["--", "bash", "--norc", "-i"]);
    let mut child = terminal.spawn(&qvm);
    terminal.type_in("PS1='ok> '; test -t 0 && test -t 1 && test -t 2 && echo is-a-$((1+1))-tty\r");
    terminal.wait_for("is-a-2-tty");
    terminal.type_in("stty size\r");
    terminal.wait_for("30 100");
    terminal.resize(41, 133);
    terminal.type_in("sleep 1; stty size\r");
    terminal.wait_for("41 133");
    terminal.type_in("echo busy-$((40+2)); sleep 600\r");
    terminal.wait_for("busy-42");
    std::thread::sleep(std::time::Duration::from_millis(500));
    terminal.type_in("\x03");
    terminal.type_in("echo alive-$((40+3)) status-$?\r");
    terminal.wait_for("alive-43 status-130");
    terminal.type_in("exit 5\r");
    assert_eq!(child.wait().unwrap().code(), Some(5), "{}", terminal.screen());
    terminal.wait_for_modes(&before);
}

/// The terminal is restored even if qvm is killed outright.
#[test]
fn restored_after_kill() {
    let scene = Scene::new();
    let terminal = Terminal::new();
    let before = terminal.modes();
    let mut qvm = scene.qvm();
    qvm.args(["--", "sh", "-c", "echo up-$((1+1)); sleep 600"]);
    let mut child = terminal.spawn(&qvm);
    terminal.wait_for("up-2");
    until("raw mode", || (terminal.modes().local_modes != before.local_modes).then_some(()));
    // The child is setsid; qvm is below it.
    let qvm = e2e::processes::descendants(child.id())
        .into_iter()
        .find(|pid| {
            let words = e2e::processes::words(*pid);
            words.first().is_some_and(|w| w.ends_with("/qvm")) && words.contains(&"-q".to_owned())
        })
        .unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(qvm).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let _ = child.wait();
    terminal.wait_for_modes(&before);
}

/// Without a command there is a login shell, A26.
#[test]
fn no_command_is_a_login_shell() {
    let scene = Scene::new();
    let terminal = Terminal::new();
    let mut child = terminal.spawn(&scene.qvm());
    terminal.type_in("shopt -q login_shell && echo log-$((1+1))-in; pwd; exit\r");
    terminal.wait_for("log-2-in");
    terminal.wait_for(scene.workspace.to_str().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
