//! The process that is confined.

use std::{
    os::fd::{FromRawFd, OwnedFd},
    path::PathBuf,
    process::ExitCode,
};

use confine::{Confined, Denied, Identity, Profile, Role, Root};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::{attempts, runner::refuse, works};

/// What was attempted was answered with an error.
pub const REFUSED: u8 = 0;
/// What was attempted worked.
pub const ESCAPED: u8 = 10;
/// The process could not be confined.
pub const UNCONFINED: u8 = 20;

/// What the process knows of the world outside.
pub struct Knows {
    pub folder: PathBuf,
    pub sibling: i32,
    pub port: u16,
    pub abstract_name: String,
    pub confined: Confined,
}

/// Which layers are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// All.
    Sealed,
    /// All but the system call filter.
    Unsealed,
    /// As in a container that refuses namespaces, and without the system call filter.
    Container,
}

impl How {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Unsealed => "unsealed",
            Self::Container => "container",
        }
    }

    fn parse(name: &str) -> Self {
        [Self::Sealed, Self::Unsealed, Self::Container]
            .into_iter()
            .find(|how| how.name() == name)
            .unwrap()
    }
}

/// `CASE FOLDER SIBLING PORT ABSTRACT ROLE HOW [WHAT]`
pub fn main(arguments: &[String]) -> ExitCode {
    let [case, folder, sibling, port, abstract_name, rest @ ..] = arguments else {
        panic!("{arguments:?}");
    };
    let role = |index: usize| {
        let name: &str = rest.get(index).map_or("fs", String::as_str);
        Role::ALL.into_iter().find(|role| role.name() == name).unwrap()
    };
    match case.as_str() {
        "parent" => return crate::death::parent(folder, role(0)),
        "lonely" => return crate::death::lonely(folder, role(0)),
        "blind" => return blind(folder, role(0)),
        _ => {}
    }
    let how = How::parse(&rest[1]);
    let confined = match confine(folder, role(0), how, None) {
        Ok(confined) => confined,
        Err(error) => {
            eprintln!("{error}: {:?}", std::error::Error::source(&error));
            return UNCONFINED.into();
        }
    };
    if case == "report" {
        print!("{}", confined.report);
        return REFUSED.into();
    }
    let what = rest.get(2).cloned().unwrap_or_default();
    let knows = Knows {
        folder: folder.into(),
        sibling: sibling.parse().unwrap(),
        port: port.parse().unwrap(),
        abstract_name: abstract_name.clone(),
        confined,
    };
    if how == How::Sealed {
        let denied = if case == "trap" { Denied::Trap } else { Denied::Kill };
        confine::seal(role(0), denied).unwrap();
    }
    match case.as_str() {
        "attempt" | "trap" => attempts::make(&what, &knows),
        "work" => works::work(role(0), &knows),
        _ => panic!("{case}"),
    }
}

/// Confines this process as `role`.
pub fn confine(
    folder: &str,
    role: Role,
    how: How,
    life: Option<OwnedFd>,
) -> Result<Confined, confine::Error> {
    if how == How::Container {
        refuse(&[libc::SYS_unshare]);
    }
    let mut profile = Profile::new(role);
    profile.parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get() as u32);
    profile.life = life;
    if role == Role::Fs {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        profile.root = Root::Folder {
            folder: openat(CWD, format!("{folder}/share"), flags, Mode::empty()).unwrap(),
            read_only: false,
        };
        profile.identity = Identity::Caller;
    }
    if role == Role::Qemu {
        profile.root = Root::Program {
            paths: vec!["/usr".into(), "/lib64".into(), "/lib".into()],
            reopened: vec![],
        };
    }
    confine::enter(profile)
}

/// A machine without namespaces and landlock.
fn blind(folder: &str, role: Role) -> ExitCode {
    refuse(&[libc::SYS_unshare, libc::SYS_landlock_create_ruleset]);
    match confine(folder, role, How::Unsealed, None) {
        Err(confine::Error::FilesOpen { .. }) => REFUSED.into(),
        Err(error) => {
            eprintln!("{error}: {:?}", std::error::Error::source(&error));
            UNCONFINED.into()
        }
        Ok(_) => ESCAPED.into(),
    }
}

/// A pipe's end, by number.
pub fn inherited(number: i32) -> OwnedFd {
    unsafe { OwnedFd::from_raw_fd(number) }
}
