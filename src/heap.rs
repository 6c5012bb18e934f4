//! One heap for all threads of a process.
//!
//! The C library gives each new thread a heap of its own: a mapping of 128 MiB that is cut to
//! shape, and pages that another thread has no use for. qvm's threads are many, short and allocate
//! little, so that costs more than waiting for one another now and then.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the setting is made by a C function")
)]

/// Lets all threads, which are yet to be started, use the first one's heap.
pub fn share_one() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the call takes two integers and changes how memory is found, not what it holds; no
    // other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
