//! The narrow part of Hypervisor.framework that the backend uses.
//!
//! The framework has one machine a process, and a vCPU belongs to the thread that made it.

use std::time::Duration;

#[cfg(any(
    target_os = "macos",
    all(feature = "hvf-shim", target_os = "linux", target_arch = "aarch64")
))]
pub mod applevisor;

/// Granule of mappings on Apple silicon, in bytes.
pub const PAGE: u64 = 16 << 10;

/// What the framework answers when it refuses: its `hv_return_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub u32);

impl Refusal {
    /// `HV_BUSY`: there is a machine already.
    pub const BUSY: Refusal = Refusal(0xfae9_4002);
    /// `HV_BAD_ARGUMENT`.
    pub const BAD_ARGUMENT: Refusal = Refusal(0xfae9_4003);
    /// `HV_NO_RESOURCES`.
    pub const NO_RESOURCES: Refusal = Refusal(0xfae9_4005);
    /// `HV_DENIED`: the program lacks the entitlement.
    pub const DENIED: Refusal = Refusal(0xfae9_4007);
    /// `HV_UNSUPPORTED`.
    pub const UNSUPPORTED: Refusal = Refusal(0xfae9_400f);
}

/// Why a vCPU stopped: `hv_vcpu_exit_t` with the reason as the plain number it is, since a later
/// system may have reasons of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawExit {
    /// One of the constants below.
    pub reason: u32,
    /// `ESR_EL2`, for an exception.
    pub syndrome: u64,
    /// `FAR_EL2`: the guest-virtual address of an abort.
    pub virtual_address: u64,
    /// The guest-physical address of an abort.
    pub physical_address: u64,
}

/// `HV_EXIT_REASON_CANCELED`: another thread asked for it.
pub const CANCELED: u32 = 0;
/// `HV_EXIT_REASON_EXCEPTION`: a trap to EL2.
pub const EXCEPTION: u32 = 1;
/// `HV_EXIT_REASON_VTIMER_ACTIVATED`: the virtual timer fired, and is masked now.
pub const VTIMER_ACTIVATED: u32 = 2;

/// A general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reg {
    /// `X0` to `X30`.
    X(u8),
    /// Program counter.
    Pc,
    /// Processor state.
    Cpsr,
}

/// A system register that the backend reads or sets itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the Arm architecture")]
pub enum SysReg {
    CntvCtlEl0,
    CntvCvalEl0,
    ElrEl1,
    EsrEl1,
    FarEl1,
    IdAa64Dfr0El1,
    IdAa64Mmfr0El1,
    IdAa64Pfr0El1,
    IdAa64Pfr1El1,
    IdAa64Smfr0El1,
    IdAa64Zfr0El1,
    MpidrEl1,
    SctlrEl1,
    SpsrEl1,
    VbarEl1,
}

/// The counter that guests see, before their offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its value.
    pub now: u64,
    /// Nanoseconds of a tick, as a fraction.
    pub nanoseconds: (u32, u32),
}

impl Clock {
    /// How long `ticks` take.
    #[must_use]
    pub fn duration(&self, ticks: u64) -> Duration {
        let (numerator, denominator) = self.nanoseconds;
        let nanoseconds =
            u128::from(ticks) * u128::from(numerator) / u128::from(denominator.max(1));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Where the interrupt controller's registers are, in guest-physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GicPlace {
    /// Distributor.
    pub distributor: u64,
    /// First redistributor.
    pub redistributors: u64,
}

/// The framework.
pub trait Binding: Clone + Send + Sync + 'static {
    /// Its vCPUs.
    type Cpu: Cpu;

    /// Whether this system has what the backend needs, before anything of it is called.
    ///
    /// # Errors
    /// [`super::Error`], with what to do.
    fn available(&self) -> Result<(), super::Error>;

    /// Most bits of a guest-physical address.
    ///
    /// # Errors
    /// [`Refusal`].
    fn max_ipa_bits(&self) -> Result<u32, Refusal>;

    /// Most vCPUs of a machine.
    ///
    /// # Errors
    /// [`Refusal`].
    fn max_cpus(&self) -> Result<u32, Refusal>;

    /// Makes the process's machine.
    ///
    /// # Errors
    /// [`Refusal`].
    fn vm_create(&self, ipa_bits: u32) -> Result<(), Refusal>;

    /// Ends it; its vCPUs are gone.
    fn vm_destroy(&self);

    /// Gives it an interrupt controller; there are no vCPUs yet.
    ///
    /// # Errors
    /// [`Refusal`].
    fn gic_create(&self, place: GicPlace) -> Result<(), Refusal>;

    /// First shared peripheral interrupt and how many there are.
    ///
    /// # Errors
    /// [`Refusal`].
    fn gic_spis(&self) -> Result<(u32, u32), Refusal>;

    /// Sets the level of interrupt `intid`, 32 or more. Any thread may.
    ///
    /// # Errors
    /// [`Refusal`].
    fn gic_set_spi(&self, intid: u32, level: bool) -> Result<(), Refusal>;

    /// Makes `size` bytes at `host` the guest's memory at `guest`, to read, write and execute.
    ///
    /// # Errors
    /// [`Refusal`].
    ///
    /// # Safety
    /// They stay mapped until [`Binding::vm_destroy`].
    #[expect(unsafe_code, reason = "the guest writes there")]
    unsafe fn vm_map(&self, host: *mut u8, guest: u64, size: usize) -> Result<(), Refusal>;

    /// Makes a vCPU, the calling thread's.
    ///
    /// # Errors
    /// [`Refusal`].
    fn cpu_create(&self) -> Result<Self::Cpu, Refusal>;

    /// Stops a vCPU that runs, or else its next run. Any thread may.
    ///
    /// # Errors
    /// [`Refusal`].
    fn cpu_exit(&self, handle: u64) -> Result<(), Refusal>;

    /// The counter now.
    fn clock(&self) -> Clock;
}

/// One vCPU of the framework. Dropped by its thread, which destroys it.
pub trait Cpu: Send {
    /// What [`Binding::cpu_exit`] calls it.
    fn handle(&self) -> u64;

    /// Runs guest code until something needs attention.
    ///
    /// # Errors
    /// [`Refusal`].
    fn run(&mut self) -> Result<RawExit, Refusal>;

    /// Reads a register.
    ///
    /// # Errors
    /// [`Refusal`].
    fn reg(&self, reg: Reg) -> Result<u64, Refusal>;

    /// Sets a register.
    ///
    /// # Errors
    /// [`Refusal`].
    fn set_reg(&mut self, reg: Reg, value: u64) -> Result<(), Refusal>;

    /// Reads a system register.
    ///
    /// # Errors
    /// [`Refusal`].
    fn sys_reg(&self, reg: SysReg) -> Result<u64, Refusal>;

    /// Sets a system register.
    ///
    /// # Errors
    /// [`Refusal`].
    fn set_sys_reg(&mut self, reg: SysReg, value: u64) -> Result<(), Refusal>;

    /// Whether the virtual timer may stop the guest.
    ///
    /// # Errors
    /// [`Refusal`].
    fn set_vtimer_mask(&mut self, masked: bool) -> Result<(), Refusal>;

    /// Sets what the guest's virtual counter is behind [`Clock::now`].
    ///
    /// # Errors
    /// [`Refusal`].
    fn set_vtimer_offset(&mut self, offset: u64) -> Result<(), Refusal>;

    /// Makes private interrupts pending, a bit for each of the 32.
    ///
    /// # Errors
    /// [`Refusal`].
    fn pend_private(&mut self, interrupts: u32) -> Result<(), Refusal>;
}
