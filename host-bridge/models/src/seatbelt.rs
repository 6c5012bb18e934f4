//! The profile of Seatbelt (macOS) in which the model server runs.
//!
//! Everything is denied but what is listed here. Paths are no part of the text: the profile names
//! parameters, and `sandbox-exec -D NAME=PATH` gives them, so that no path can end a rule and
//! begin another. Seatbelt compares real paths (`/private/tmp`, not `/tmp`); the caller resolves
//! them.
//!
//! | what | rule |
//! |---|---|
//! | itself and its libraries | read, map executable; only itself is executed, and it cannot fork |
//! | weights | each file is read |
//! | its folder | read and written; it is the working directory and holds the socket |
//! | the socket | bound, connections come in; nothing goes out, no TCP |
//! | Metal, if asked for | its services, devices, and the user's own temporary and cache folders |

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the program is that applies a profile.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeatbeltError {
    /// Relative, with a NUL, or with `..`.
    #[error("{0:?} is no real path, which the server's sandbox needs")]
    Path(PathBuf),
    /// A folder that the server may write holds what it must not change, or the reverse.
    #[error("{inner:?} lies in {outer:?}, which the server could write to")]
    Writable {
        /// What must not be written.
        inner: PathBuf,
        /// The folder.
        outer: PathBuf,
    },
    /// The socket is not in the server's folder.
    #[error("the socket {0:?} is not in the server's own folder")]
    Socket(PathBuf),
}

/// Folders that Metal writes to, of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metal {
    /// `getconf DARWIN_USER_TEMP_DIR`.
    pub temporary: PathBuf,
    /// `getconf DARWIN_USER_CACHE_DIR`.
    pub cache: PathBuf,
}

/// What the server may use. All paths are real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seatbelt {
    /// The program.
    pub program: PathBuf,
    /// Folders of its libraries.
    pub libraries: Vec<PathBuf>,
    /// Files it reads: weights, projector.
    pub weights: Vec<PathBuf>,
    /// The one folder that is its own.
    pub folder: PathBuf,
    /// The socket, in that folder.
    pub socket: PathBuf,
    /// The GPU.
    pub metal: Option<Metal>,
}

impl Seatbelt {
    /// The command line: [`PROGRAM`], then these. `command` begins with the server's path.
    ///
    /// # Errors
    /// [`SeatbeltError`].
    pub fn arguments(&self, command: &[OsString]) -> Result<Vec<OsString>, SeatbeltError> {
        self.check()?;
        let mut arguments = Vec::new();
        for (name, path) in self.parameters() {
            let mut parameter = OsString::from(format!("{name}="));
            parameter.push(path);
            arguments.extend([OsString::from("-D"), parameter]);
        }
        arguments.extend([OsString::from("-p"), self.profile().into()]);
        arguments.extend(command.iter().cloned());
        Ok(arguments)
    }

    /// The profile. It depends on how many paths there are, not on what is in them.
    #[must_use]
    pub fn profile(&self) -> String {
        let mut text = String::from(BASE);
        for index in 0..self.libraries.len() {
            text.push_str(&format!(
                "(allow file-read* file-map-executable (subpath (param \"LIBRARY{index}\")))\n"
            ));
        }
        for index in 0..self.weights.len() {
            text.push_str(&format!("(allow file-read* (literal (param \"WEIGHTS{index}\")))\n"));
        }
        for (name, _) in self.parameters() {
            // To walk to a path, and to know the working directory, a name is enough.
            text.push_str(&format!(
                "(allow file-read-metadata (path-ancestors (param \"{name}\")))\n"
            ));
        }
        if self.metal.is_some() {
            text.push_str(METAL);
        }
        // Last: the last rule that fits decides.
        text.push_str(END);
        text
    }

    /// Names of the profile's parameters, and their paths.
    fn parameters(&self) -> Vec<(String, &Path)> {
        let mut list = vec![
            ("PROGRAM".to_owned(), self.program.as_path()),
            ("FOLDER".to_owned(), self.folder.as_path()),
            ("SOCKET".to_owned(), self.socket.as_path()),
        ];
        let numbered = |name: &'static str| move |(n, path)| (format!("{name}{n}"), path);
        let paths = |list: &'static str, paths| (list, paths);
        for (name, all) in [paths("LIBRARY", &self.libraries), paths("WEIGHTS", &self.weights)] {
            list.extend(all.iter().map(PathBuf::as_path).enumerate().map(numbered(name)));
        }
        if let Some(metal) = &self.metal {
            list.push(("METAL_TEMPORARY".to_owned(), &metal.temporary));
            list.push(("METAL_CACHE".to_owned(), &metal.cache));
        }
        list
    }

    /// Whether the paths are real ones and do not contradict each other.
    fn check(&self) -> Result<(), SeatbeltError> {
        use std::os::unix::ffi::OsStrExt as _;
        use std::path::Component;
        let parameters = self.parameters();
        for (_, path) in &parameters {
            let plain = |c| matches!(c, Component::RootDir | Component::Normal(_));
            let deep = path.components().count() >= 2;
            if !path.is_absolute()
                || !deep
                || !path.components().all(plain)
                || path.as_os_str().as_bytes().contains(&0)
            {
                return Err(SeatbeltError::Path(path.to_path_buf()));
            }
        }
        if !self.socket.starts_with(&self.folder) || self.socket == self.folder {
            return Err(SeatbeltError::Socket(self.socket.clone()));
        }
        let metal = self.metal.iter().flat_map(|metal| [&metal.temporary, &metal.cache]);
        for outer in metal.chain([&self.folder]) {
            let kept = [&self.program].into_iter().chain(&self.weights).chain(&self.libraries);
            if let Some(inner) = kept.into_iter().find(|inner| inner.starts_with(outer)) {
                return Err(SeatbeltError::Writable { inner: inner.clone(), outer: outer.clone() });
            }
        }
        Ok(())
    }
}

const BASE: &str = r#"(version 1)
(deny default)
(import "system.sb")
(import "com.apple.corefoundation.sb")
(allow process-exec (literal (param "PROGRAM")))
(deny process-fork)
(allow signal (target self))
(allow process-info-pidinfo (target self))
(allow sysctl-read
  (sysctl-name "hw.ncpu" "hw.memsize" "hw.pagesize" "hw.physicalcpu" "hw.nperflevels")
  (sysctl-name "kern.osrelease" "kern.osversion")
  (sysctl-name-prefix "hw.optional." "hw.perflevel"))
(allow file-read*
  (subpath "/usr/lib")
  (subpath "/System/Library/Frameworks")
  (subpath "/System/Library/PrivateFrameworks")
  (subpath "/System/Library/Caches/com.apple.dyld")
  (subpath "/Library/Apple/usr/lib")
  (literal "/dev/null")
  (literal "/dev/zero")
  (literal "/dev/random")
  (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null") (literal "/dev/stdout") (literal "/dev/stderr"))
(allow file-read* file-map-executable (literal (param "PROGRAM")))
(allow file-read* file-write* file-lock (subpath (param "FOLDER")))
"#;

const METAL: &str = r#"(allow process-exec
  (subpath "/System/Library/Frameworks/Metal.framework")
  (subpath "/System/Library/PrivateFrameworks"))
(allow mach-lookup
  (global-name "com.apple.gpumemd.shared")
  (global-name "com.apple.metal.shared")
  (global-name "com.apple.GPUCompiler.daemon")
  (global-name "com.apple.system.opendirectoryd.membership")
  (xpc-service-name "com.apple.MTLCompilerService"))
(allow iokit-open
  (iokit-user-client-class "AGXDeviceUserClient")
  (iokit-user-client-class "AGXCommandQueueUserClient")
  (iokit-user-client-class "AGXSharedUserClient")
  (iokit-user-client-class "IOAcceleratorClient")
  (iokit-user-client-class "IOGPUDeviceUserClient")
  (iokit-user-client-class "IOSurfaceRootUserClient"))
(allow iokit-get-properties
  (iokit-property "gpu-core-count")
  (iokit-property "MetalPluginName")
  (iokit-property "MetalPluginClassName")
  (iokit-property "model"))
(allow file-read* (subpath "/Library/GPUBundles") (subpath "/System/Library/GPUBundles"))
(allow file-read* file-write* file-lock file-map-executable
  (subpath (param "METAL_TEMPORARY"))
  (subpath (param "METAL_CACHE")))
(allow file-issue-extension
  (require-all
    (extension-class "com.apple.app-sandbox.read-write")
    (require-any
      (subpath (param "METAL_TEMPORARY"))
      (subpath (param "METAL_CACHE")))))
(allow ipc-posix-shm*
  (ipc-posix-name-prefix "com.apple.metal")
  (ipc-posix-name-prefix "com.apple.GPUCompiler"))
"#;

const END: &str = r#"(deny network*)
(deny network-outbound)
(allow system-socket (socket-domain AF_UNIX))
(allow network-bind (literal (param "SOCKET")))
(allow network-inbound (literal (param "SOCKET")))
(deny process-fork)
"#;

#[cfg(test)]
#[path = "seatbelt_test.rs"]
mod tests;
