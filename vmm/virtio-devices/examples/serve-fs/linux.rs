//! Serves a directory over vhost-user, to one monitor after the other:
//! `serve-fs SOCKET DIRECTORY [ro]`. For trying the device with a stock QEMU:
//!
//! ```text
//! qemu-system-x86_64 -m 512 -object memory-backend-memfd,id=m,size=512M,share=on \
//!   -numa node,memdev=m -chardev socket,id=c,path=SOCKET \
//!   -device vhost-user-fs-pci,chardev=c,tag=share,queue-size=1024 …
//! ```

use std::error::Error;
use std::os::unix::net::UnixListener;

use rustix::fs::Mode;
use virtio_devices::fs::{Fs, FsConfig, Host};
use virtio_devices::transport::vhost_user::serve;

pub fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let socket = args.next().ok_or("the socket is missing")?;
    let directory = args.next().ok_or("the directory is missing")?;
    let read_only = args.next().is_some_and(|word| word == "ro");
    rustix::process::umask(Mode::empty());
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept()?;
        let root = Host::open_root(directory.as_ref())?;
        let mut config = FsConfig::new("share", root, Host::here()?);
        config.read_only = read_only;
        let mut device = Fs::new(config)?;
        if let Err(error) = serve(&mut device, stream) {
            eprintln!("{error:?}");
        }
    }
}
