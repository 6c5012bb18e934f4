//! What policy asks of the operating system.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;

#[cfg(target_os = "linux")]
#[path = "sys/account.rs"]
mod account;

pub use account::{Account, account};
pub use imp::{
    Limits, is_directory_beneath, limits, open_directory, open_project_file, same_directory, usable,
};
