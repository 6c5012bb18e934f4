//! What differs from one processor architecture to another.

pub mod x86_64;

pub use x86_64::BootEntry;

/// First state of one vCPU.
#[derive(Clone, Debug)]
pub struct VcpuInit {
    /// Its number, from 0; also its interrupt controller id.
    pub id: u8,
    /// How many there are, 1 to 32.
    pub cpus: u8,
    /// Where the first vCPU starts; the others wait until it starts them.
    pub entry: Option<BootEntry>,
}
