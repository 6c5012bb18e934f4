//! Unpacks the source, without what no microVM needs.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::thread;

use crate::files::{FileError, failed};
use crate::program::{self, Complaints, ProgramError};
use crate::{Phase, Progress};

/// Sources that the configuration does not reach; they would be two thirds of what is written.
/// What Kconfig and make read stays everywhere.
const LEFT_OUT: [&str; 26] = [
    "*.dts",
    "*.dtsi",
    "*/Documentation/*/*",
    "*/drivers/accel/*.[chS]",
    "*/drivers/comedi/*.[chS]",
    "*/drivers/gpu/*.[chS]",
    "*/drivers/hwmon/*.[chS]",
    "*/drivers/iio/*.[chS]",
    "*/drivers/infiniband/*.[chS]",
    "*/drivers/input/*.[chS]",
    "*/drivers/media/*.[chS]",
    "*/drivers/mtd/*.[chS]",
    "*/drivers/net/dsa/*.[chS]",
    "*/drivers/net/ethernet/*.[chS]",
    "*/drivers/net/wireless/*.[chS]",
    "*/drivers/pinctrl/*.[chS]",
    "*/drivers/scsi/*.[chS]",
    "*/drivers/staging/*.[chS]",
    "*/drivers/usb/*.[chS]",
    "*/fs/bcachefs/*.[chS]",
    "*/fs/btrfs/*.[chS]",
    "*/fs/xfs/*.[chS]",
    "*/samples/*.[chS]",
    "*/sound/*.[chS]",
    "*/tools/perf/*",
    "*/tools/testing/*",
];

/// The source cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// tar or what decompresses failed.
    #[error("the source {} cannot be unpacked", path.display())]
    Program {
        /// The archive.
        path: PathBuf,
        /// What failed.
        #[source]
        source: ProgramError,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Unpacks an archive into `tree`, which is made, without the folder that all of it is in.
pub fn unpack(
    archive: &Path,
    tree: &Path,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), TreeError> {
    fs::create_dir(tree).map_err(failed("make", tree))?;
    let mut file = File::open(archive).map_err(failed("read", archive))?;
    let total = file.metadata().map_err(failed("read", archive))?.len();
    let program_failed = |source| TreeError::Program { path: archive.to_owned(), source };
    let (program, options) = decompressor(archive);
    let start = |program| move |source| program_failed(ProgramError::Start { program, source });
    let log = || program::log(work).map_err(failed("write the log in", work));

    let mut decompress = program::clean(program)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log()?)
        .spawn()
        .map_err(start(program))?;
    let plain = decompress.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let mut tar = program::clean("tar");
    tar.args(["-x", "--strip-components=1", "--no-same-owner", "--anchored", "--wildcards"]);
    tar.args(LEFT_OUT.map(|pattern| format!("--exclude={pattern}")));
    let spawned = tar.arg("-C").arg(tree).stdin(plain).stderr(Stdio::piped()).spawn();
    drop(tar);
    let mut tar = match spawned {
        Ok(child) => child,
        Err(e) => {
            drop(decompress.stdin.take());
            let _ = decompress.wait();
            return Err(start("tar")(e));
        }
    };
    let complaints = tar.stderr.take().map(|mut output| {
        thread::spawn(move || {
            let mut text = Vec::new();
            // What is wrong is said at the beginning; the rest must be read all the same.
            let _ = Read::by_ref(&mut output).take(64 << 10).read_to_end(&mut text);
            let _ = io::copy(&mut output, &mut io::sink());
            text
        })
    });
    if let Some(input) = decompress.stdin.take() {
        pump(&mut file, input, |done| progress(Progress { phase: Phase::Unpack, done, total }))
            .map_err(failed("read", archive))?;
    }
    let ends = (decompress.wait(), tar.wait());
    let said = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let _ = log()?.write_all(said.as_bytes());
    let mut complaints = Complaints::default();
    said.lines().for_each(|line| complaints.line(line));
    match ends {
        (Ok(first), Ok(second)) if first.success() && second.success() => Ok(()),
        (Err(source), _) => Err(start(program)(source)),
        (_, Err(source)) => Err(start("tar")(source)),
        (Ok(_), Ok(second)) if !second.success() => {
            Err(program_failed(complaints.into_error("tar")))
        }
        _ => Err(program_failed(complaints.into_error(program))),
    }
}

/// What decompresses an archive of this name, from standard input to standard output.
fn decompressor(archive: &Path) -> (&'static str, &'static [&'static str]) {
    match archive.extension().and_then(|extension| extension.to_str()) {
        Some("xz" | "txz") => ("xz", &["-dc", "-T0"]),
        Some("gz" | "tgz") => ("gzip", &["-dc"]),
        Some("zst") => ("zstd", &["-dcq"]),
        Some("bz2") => ("bzip2", &["-dc"]),
        _ => ("cat", &[]),
    }
}

/// Copies a file; a reader that goes away says itself why.
fn pump(file: &mut File, mut to: ChildStdin, mut done: impl FnMut(u64)) -> io::Result<()> {
    let mut buffer = vec![0u8; 1 << 20];
    let mut all = 0u64;
    loop {
        done(all);
        let got = match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if to.write_all(&buffer[..got]).is_err() {
            return Ok(());
        }
        all += got as u64;
    }
}

#[cfg(test)]
#[path = "tree_test.rs"]
mod tests;
