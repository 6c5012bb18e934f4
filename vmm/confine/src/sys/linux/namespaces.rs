//! Namespaces and users.

#![expect(unsafe_code, reason = "unshare is unsafe in rustix")]

use std::{fs, io};

use rustix::{
    fs::{Gid, Uid},
    io::Errno,
    process::{getegid, geteuid, getpid},
    thread::{
        UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
    },
};

use super::{
    fork,
    idmap::{IdMap, NOBODY, deny_setgroups},
};
use crate::{Error, Identity, Result, Role, State};

/// What became of the user namespace.
pub(super) struct User {
    pub(super) state: State,
    /// Whether user 65534 exists in it.
    pub(super) nobody: bool,
}

/// What became of the other namespaces.
pub(super) struct Others {
    pub(super) state: State,
    /// Whether the process has mounts of its own.
    pub(super) mounts: bool,
    /// Whether its next child is the first of a process id namespace.
    pub(super) pids: bool,
}

/// Enters a new user namespace. A refusal is reported, not an error.
pub(super) fn enter_user(identity: Identity, privileged: bool) -> Result<User> {
    if privileged {
        return enter_as_root(identity);
    }
    // AppArmor lets the namespace be made and then everything in it fail, too late to go back.
    if apparmor_restricts() && !trial() {
        return Ok(refused(why_refused(Errno::PERM)));
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    if let Err(errno) = unshare(UnshareFlags::NEWUSER) {
        return Ok(refused(why_refused(errno)));
    }
    map_self(uid, gid).map_err(Error::io("mapping the user into the namespace"))?;
    Ok(User { state: State::active("only the caller's user and group exist"), nobody: false })
}

/// The maps of root's namespaces must be written from outside, with root's rights: by a
/// child that was made before.
fn enter_as_root(identity: Identity) -> Result<User> {
    let step = || Error::io("mapping users into the namespace");
    let (mut said, all) = match identity {
        Identity::Caller => ("every user and group maps to itself", true),
        Identity::Nobody => ("only user and group 65534 exist", false),
    };
    let (users, groups) = if all {
        (IdMap::all_users().map_err(step())?, IdMap::all_groups().map_err(step())?)
    } else {
        (IdMap::one(NOBODY), IdMap::one(NOBODY))
    };
    let (ready, go) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(Error::step("making a pipe"))?;
    let target = getpid().as_raw_nonzero().to_string();
    let mut go = Some(go);
    let helper = fork::start(|| {
        drop(go.take());
        let mut byte = [0];
        match rustix::io::read(&ready, &mut byte) {
            Ok(1) => {}
            _ => return 3,
        }
        let map = |users: &IdMap, groups: &IdMap| {
            users.write_users(&target).and_then(|()| groups.write_groups(&target))
        };
        match map(&users, &groups) {
            Ok(()) => 0,
            // A container may have fewer users: then root stays, without capabilities.
            Err(_) if !all => i32::from(map(&IdMap::one(0), &IdMap::one(0)).is_err()) + 1,
            Err(_) => 2,
        }
    })
    .map_err(step())?;
    if let Err(errno) = unshare(UnshareFlags::NEWUSER) {
        drop(go);
        let _ = helper.wait();
        return Ok(refused(why_refused(errno)));
    }
    if let Some(go) = go {
        rustix::io::write(&go, &[1]).map_err(Error::step("waking the helper"))?;
    }
    let mut nobody = !all;
    match helper.wait().map_err(step())? {
        Some(0) => {}
        Some(1) => {
            nobody = false;
            said = "only root exists, user 65534 being unknown here";
        }
        _ => return Err(step()(io::ErrorKind::PermissionDenied.into())),
    }
    Ok(User { state: State::active(said), nobody })
}

/// Enters the namespaces other than the user's. What is refused is reported.
pub(super) fn enter_others(role: Role, hopeless: bool) -> Others {
    if hopeless {
        return Others {
            state: State::missing("they need a user namespace or root"),
            mounts: false,
            pids: false,
        };
    }
    let mut wanted = vec![
        (UnshareFlags::NEWNS, "mount"),
        (UnshareFlags::NEWNET, "net"),
        (UnshareFlags::NEWIPC, "ipc"),
        (UnshareFlags::NEWUTS, "uts"),
        (UnshareFlags::NEWCGROUP, "cgroup"),
    ];
    if matches!(role, Role::Qemu | Role::Model) {
        wanted.push((UnshareFlags::NEWPID, "pid"));
    }
    let mut got = Vec::new();
    let mut lacking = Vec::new();
    for (flag, name) in wanted {
        match unshare(flag) {
            Ok(()) => got.push(name),
            Err(errno) => lacking.push(format!("{name} ({errno})")),
        }
    }
    let mounts = got.contains(&"mount");
    let pids = got.contains(&"pid");
    let state = match (got.is_empty(), lacking.is_empty()) {
        (_, true) => State::active(got.join(", ")),
        (true, false) => State::missing(lacking.join(", ")),
        (false, false) => State::partial(got.join(", "), lacking.join(", ")),
    };
    Others { state, mounts, pids }
}

/// Gives root's user and groups up. The capabilities go separately.
pub(super) fn become_nobody(identity: Identity, privileged: bool, known: bool) -> Result<State> {
    let who = || format!("user {}, group {}", geteuid().as_raw(), getegid().as_raw());
    if !privileged || identity == Identity::Caller {
        return Ok(State::active(format!("{}, as the caller", who())));
    }
    if !known {
        // Without the namespace the user may still be had.
        let uid = try_become_nobody();
        return Ok(match uid {
            Ok(()) => State::active(who()),
            Err(errno) => State::partial(who(), format!("becoming user 65534: {errno}")),
        });
    }
    try_become_nobody().map_err(Error::step("becoming user 65534"))?;
    Ok(State::active(who()))
}

fn try_become_nobody() -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Whether a user namespace works, tried in a child with all that it is for.
pub(super) fn trial() -> bool {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let child = fork::start(|| {
        let works = unshare(UnshareFlags::NEWUSER).is_ok()
            && map_self(uid, gid).is_ok()
            && unshare(UnshareFlags::NEWNS).is_ok()
            && super::mounts::make_private().is_ok();
        i32::from(!works)
    });
    child.and_then(fork::Child::wait).is_ok_and(|status| status == Some(0))
}

fn map_self(uid: u32, gid: u32) -> io::Result<()> {
    deny_setgroups()?;
    IdMap::one(uid).write_users("self")?;
    IdMap::one(gid).write_groups("self")
}

fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: the flags never contain FILES, so descriptors stay common to all threads.
    unsafe { unshare_unsafe(flags) }
}

fn refused(why: String) -> User {
    User { state: State::missing(why), nobody: false }
}

fn apparmor_restricts() -> bool {
    sysctl("kernel/apparmor_restrict_unprivileged_userns") == Some(1)
}

/// Why the system refuses user namespaces, as far as it says, and what to do.
pub(super) fn why_refused(errno: Errno) -> String {
    if sysctl("user/max_user_namespaces") == Some(0) {
        "switched off: sysctl user.max_user_namespaces is 0".to_owned()
    } else if sysctl("kernel/unprivileged_userns_clone") == Some(0) {
        "switched off: sysctl kernel.unprivileged_userns_clone is 0".to_owned()
    } else if apparmor_restricts() {
        "AppArmor keeps them to programs with a profile: \
         sysctl kernel.apparmor_restrict_unprivileged_userns is 1"
            .to_owned()
    } else {
        format!("refused, perhaps by a container: {errno}")
    }
}

fn sysctl(name: &str) -> Option<u64> {
    fs::read_to_string(format!("/proc/sys/{name}")).ok()?.trim().parse().ok()
}
