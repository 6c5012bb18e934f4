//! From the kernel's first call of `/init` to a guest that runs commands.
//!
//! The host is dialed as soon as the vsock driver is there, on a thread of its own, so that its
//! answer travels while the root is being mounted.

pub mod activate;
pub mod cgroups;
pub mod devices;
pub mod etc;
pub mod files;
pub mod folders;
pub mod host;
pub mod image;
pub mod modules;
pub mod mounts;
pub mod root;
pub mod settings;
pub mod shares;
pub mod surroundings;
pub mod systemd;
pub mod users;

use std::convert::Infallible;
use std::sync::Arc;

use agent_protocol::{FromAgent, GuestConfig, ImageConfig};

use self::systemd::Systemd;
use crate::account::{Account, shell};
use crate::command::ends::start;
use crate::command::plan::Environment;
use crate::command::run::Engine;
use crate::control::serve;
use crate::end::{Ender, power_off};
use crate::reap::Reaper;
use crate::relay::Slots;
use crate::sys::socket::Dial;
use crate::sys::vsock::Vsock;
use crate::sys::{loopback, process};
use crate::{clock, forward, log};

/// The guest cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// No answer from the host.
    #[error("the agent cannot reach qvm on the host")]
    Host(#[from] host::HostError),
    /// A connection broke.
    #[error("the agent lost qvm on the host")]
    Lost(#[from] agent_protocol::FrameError),
    /// No root file system.
    #[error("cannot set up the guest's root")]
    Mount(#[from] mounts::MountError),
    /// The image is not what its own file says.
    #[error(transparent)]
    Image(#[from] image::ImageError),
    /// The image's own program failed.
    #[error(transparent)]
    Activate(#[from] activate::ActivateError),
    /// The image's systemd failed.
    #[error(transparent)]
    Systemd(#[from] systemd::SystemdError),
    /// A share is not there, or is in an impossible place.
    #[error("cannot share a folder")]
    Share(#[from] shares::ShareError),
    /// A port cannot be forwarded.
    #[error("cannot forward a port")]
    Forward(#[from] forward::ForwardError),
    /// No threads, no memory.
    #[error("the guest lacks the means for its agent")]
    Means(#[from] std::io::Error),
}

/// The life of PID 1.
pub fn run() -> ! {
    let started_nanos = clock::monotonic_nanos();
    process::ignore_broken_pipes();
    std::panic::set_hook(Box::new(|panic| {
        log::fatal(panic);
        power_off();
    }));
    let error = match mounts::early().map_err(BootError::from).and_then(|()| boot(started_nanos)) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    log::fatal(log::causes(&error));
    power_off();
}

/// Everything; returns only what went wrong before the host could be told.
fn boot(started_nanos: u64) -> Result<Infallible, BootError> {
    let dialing = host::Dialing::new(Vsock);
    let later = modules::load_list(|module| {
        if module.contains("vsock_virtio_transport") && !module.contains("common") {
            dialing.begin();
        }
    });
    // Where no list names the driver, it is built in.
    dialing.begin();
    let root = root::enter().map_err(BootError::from).and_then(|()| {
        mounts::all()?;
        settings::apply();
        devices::complete();
        let image = image::read()?;
        image::make_links(&image)?;
        Ok(image)
    });
    let (control, config) = dialing.finish()?;
    let made = root.and_then(|image| make(&config, &image));
    let Made { engine, ender, slots, systemd } = match made {
        Ok(made) => made,
        Err(error) => {
            let text = log::causes(&error);
            control.send(&FromAgent::Fatal(text))?;
            // The host ends the machine; until it does, it can still ask why.
            let _ = control.receive();
            return Err(error);
        }
    };
    control.send(&FromAgent::Ready { started_nanos, ready_nanos: clock::monotonic_nanos() })?;
    if let Some(systemd) = systemd {
        systemd.watch(control.clone(), Arc::clone(&ender))?;
    }
    if let Err(error) = start("modules", move || modules::load_later(later)) {
        log::warn(format_args!("cannot load more modules: {error}"));
    }
    serve(&control, &engine, &ender, &slots)
}

/// The engine, what ends it, and what its commands run under.
struct Made {
    engine: Arc<Engine>,
    ender: Arc<Ender>,
    slots: Slots,
    systemd: Option<Arc<Systemd>>,
}

/// Applies the image's and the host's configuration.
fn make(config: &GuestConfig, image: &ImageConfig) -> Result<Made, BootError> {
    clock::correct(config.unix_nanos);
    for module in &config.modules {
        modules::load_by_name(module);
    }
    devices::open_to_everybody();
    let user = users::settle(&config.user);
    let shell = image.shell.clone().unwrap_or_else(shell);
    let (caller, root) = (Account::caller(&user, &shell), Account::root(&shell));
    let environment = Environment::from(image);
    let reaper = Reaper::start()?;
    activate::run(image, &root, &environment, &reaper)?;
    etc::write(config, &user, &shell);
    folders::make_home(&user);
    if let Err(error) = loopback::up() {
        log::warn(format_args!("cannot bring up the loopback interface: {error}"));
    }
    cgroups::enable_controllers();
    files::write(&config.files, &config.shares, &caller);
    // Before the shares: what starts with it, such as a cleaner of `/tmp`, meets none of the host's
    // files. Mounts made later appear in its namespace.
    let systemd = match &image.systemd {
        Some(program) => Some(systemd::start(program, &environment, &reaper)?),
        None => None,
    };
    shares::mount(&config.shares, &caller)?;

    let dialer: Arc<dyn Dial> = Arc::new(Vsock);
    let slots = Slots::default();
    for forward in &config.forwards {
        forward::listen(*forward, &dialer, &slots)?;
    }
    let paths = config.shares.iter().map(|share| share.path.clone()).collect();
    let ender = Arc::new(Ender::new(Arc::clone(&reaper), paths));
    let around = Arc::new(surroundings::Guest::new(Arc::clone(&ender), systemd.clone()));
    let engine = Arc::new(Engine { dialer, reaper, caller, root, environment, around });
    Ok(Made { engine, ender, slots, systemd })
}
