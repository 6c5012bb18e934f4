//! Kernel settings and limits that programs find in the guest.

use std::fs;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

/// Settings under `/proc/sys`. One that this kernel does not have is skipped: some are of
/// distributions only.
const SYSCTLS: [(&str, &str); 14] = [
    // Sandboxes of programs in the guest (requirement A14).
    ("kernel/unprivileged_userns_clone", "1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "0"),
    // The guest is its own user's machine: debuggers and profilers work.
    ("kernel/yama/ptrace_scope", "0"),
    ("kernel/perf_event_paranoid", "1"),
    ("kernel/dmesg_restrict", "0"),
    // File watchers of editors and build tools.
    ("fs/inotify/max_user_instances", "8192"),
    ("fs/inotify/max_user_watches", "1048576"),
    // What Debian sets when it boots.
    ("fs/protected_symlinks", "1"),
    ("fs/protected_hardlinks", "1"),
    ("fs/protected_fifos", "1"),
    ("fs/protected_regular", "2"),
    ("vm/max_map_count", "1048576"),
    // There is no network to protect: ping and low ports work on the loopback.
    ("net/ipv4/ping_group_range", "0 2147483647"),
    ("net/ipv4/ip_unprivileged_port_start", "0"),
];

/// Most descriptors of a process: what it gets, and what it may raise that to.
const FILES: Rlimit = Rlimit { current: Some(1024), maximum: Some(524_288) };

/// No core dumps, unless a program wants them.
const CORES: Rlimit = Rlimit { current: Some(0), maximum: None };

/// Applies all of them. Commands inherit the limits from the agent.
pub fn apply() {
    for (name, value) in SYSCTLS {
        let _ = fs::write(Path::new("/proc/sys").join(name), value);
    }
    let _ = setrlimit(Resource::Nofile, FILES);
    let _ = setrlimit(Resource::Core, CORES);
    umask(Mode::from_raw_mode(0o022));
    // The kernel must not choose the agent when memory runs out: that would be the end.
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
}
