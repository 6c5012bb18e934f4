//! The profile of the model server, which is a program of others'.
//!
//! | what | rule |
//! |---|---|
//! | itself and its libraries | read, map executable; only itself is executed, and it cannot fork |
//! | weights | each file is read |
//! | its folder | read and written; it is the working directory and holds the socket |
//! | the socket | bound, connections come in; nothing goes out, no TCP |
//! | Metal, if asked for | its services, devices, and the user's own temporary and cache folders |
//!
//! Metal's folders are those of all the user's programs; what qvm has for itself lies elsewhere,
//! and a profile by which a server could write to that is refused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Parameters, SeatbeltError, numbered};

/// Folders that Metal writes to, of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metal {
    /// `getconf DARWIN_USER_TEMP_DIR`.
    pub temporary: PathBuf,
    /// `getconf DARWIN_USER_CACHE_DIR`.
    pub cache: PathBuf,
}

/// What a server may use. All paths are real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
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

impl Server {
    /// The arguments of [`PROGRAM`](super::PROGRAM), up to the command, which follows and begins
    /// with [`Server::program`].
    ///
    /// # Errors
    /// [`SeatbeltError`].
    pub fn arguments(&self) -> Result<Vec<OsString>, SeatbeltError> {
        let arguments = super::arguments(&self.parameters(), self.profile())?;
        self.check()?;
        Ok(arguments)
    }

    /// The profile. It depends on how many paths there are, not on what is in them.
    #[must_use]
    pub fn profile(&self) -> String {
        let mut text = String::from(OWN);
        for index in 0..self.libraries.len() {
            text.push_str(&format!(
                "(allow file-read* file-map-executable (subpath (param \"LIBRARY{index}\")))\n"
            ));
        }
        for index in 0..self.weights.len() {
            text.push_str(&format!("(allow file-read* (literal (param \"WEIGHTS{index}\")))\n"));
        }
        if self.metal.is_some() {
            text.push_str(METAL);
        }
        super::profile(&self.parameters(), &text, SOCKET)
    }

    /// Names of the profile's parameters, and their paths.
    fn parameters(&self) -> Parameters<'_> {
        let mut list: Vec<(String, &Path)> = vec![
            ("PROGRAM".to_owned(), &self.program),
            ("FOLDER".to_owned(), &self.folder),
            ("SOCKET".to_owned(), &self.socket),
        ];
        list.extend(numbered("LIBRARY", self.libraries.iter()));
        list.extend(numbered("WEIGHTS", self.weights.iter()));
        if let Some(metal) = &self.metal {
            list.push(("METAL_TEMPORARY".to_owned(), &metal.temporary));
            list.push(("METAL_CACHE".to_owned(), &metal.cache));
        }
        list
    }

    /// Whether the paths contradict each other. What is beside the server's own folder are the
    /// names and sockets of all of qvm's processes.
    fn check(&self) -> Result<(), SeatbeltError> {
        if !self.socket.starts_with(&self.folder) || self.socket == self.folder {
            return Err(SeatbeltError::Socket(self.socket.clone()));
        }
        let metal = self.metal.iter().flat_map(|metal| [&metal.temporary, &metal.cache]);
        for outer in metal.clone().chain([&self.folder]) {
            let kept = [&self.program].into_iter().chain(&self.weights).chain(&self.libraries);
            let beside = metal.clone().any(|path| path == outer).then_some(&self.folder);
            if let Some(inner) = kept.chain(beside).find(|inner| inner.starts_with(outer)) {
                return Err(SeatbeltError::Writable { inner: inner.clone(), outer: outer.clone() });
            }
        }
        Ok(())
    }
}

const OWN: &str = r#"(allow sysctl-read
  (sysctl-name "hw.physicalcpu" "hw.nperflevels")
  (sysctl-name-prefix "hw.perflevel"))
(allow file-read*
  (subpath "/Library/Apple/usr/lib")
  (literal "/dev/zero"))
(allow file-write-data (literal "/dev/stdout") (literal "/dev/stderr"))
(allow file-read* file-write* file-lock (subpath (param "FOLDER")))
"#;

const METAL: &str = r#"(allow mach-lookup
  (global-name "com.apple.gpumemd.shared")
  (global-name "com.apple.metal.shared")
  (global-name "com.apple.GPUCompiler.daemon")
  (global-name "com.apple.system.opendirectoryd.membership")
  (xpc-service-name "com.apple.MTLCompilerService"))
(allow iokit-open
  (iokit-connection "IOAccelerator")
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
    (require-any
      (extension-class "com.apple.app-sandbox.read")
      (extension-class "com.apple.app-sandbox.read-write"))
    (require-any
      (subpath (param "METAL_TEMPORARY"))
      (subpath (param "METAL_CACHE")))))
(allow ipc-posix-shm*
  (ipc-posix-name-prefix "com.apple.metal")
  (ipc-posix-name-prefix "com.apple.GPUCompiler"))
"#;

/// After all that is denied. By both names that Seatbelt has for where a socket lies.
const SOCKET: &str = r#"(allow network-bind network-inbound
  (literal (param "SOCKET"))
  (local unix-socket (subpath (param "SOCKET"))))
"#;

#[cfg(test)]
#[path = "server_test.rs"]
mod tests;
