//! A vCPU of Hypervisor.framework: entering the guest, and answering why it left.
//!
//! The real vCPU is made by `attach`, on the thread it then belongs to. `run` answers all by
//! itself that needs no device: the firmware's calls, trapped registers, waiting, the timer, and
//! what the guest did wrong, for which the guest gets the exception that hardware would raise.
//!
//! An access that the processor does not describe (see [`super::syndrome`]) is such a thing, too:
//! on a device of this machine it is a fault of the guest's program, and the bus that cannot
//! carry it out answers with an external abort. Linux names the instruction then; nothing is
//! guessed from the instruction's bytes.

use std::sync::Arc;

use super::binding::{
    Binding, CANCELED, Cpu, EXCEPTION, RawExit, Refusal, Reg, SysReg, VTIMER_ACTIVATED,
};
use super::board::{Board, Next};
use super::error::failed;
use super::inject::{self, Before, EL1H_MASKED, Fault, SCTLR_RESET};
use super::kick::HvfKicker;
use super::psci::{Effect, NOT_SUPPORTED, SUCCESS, Start};
use super::syndrome::{self, Abort, Access, Trap};
use super::sysreg::{self, Answer};
use super::vtimer::{self, VTimer};
use super::{features, wfi};
use crate::arch::aarch64::layout;
use crate::hypervisor::{Error, Vcpu, VmEntry, VmExit};

/// `KVM_SYSTEM_EVENT_SHUTDOWN`.
const SHUTDOWN: u32 = 1;
/// `KVM_SYSTEM_EVENT_RESET`.
const RESET: u32 = 2;
/// Bit 31 of `MPIDR_EL1`, which is always one.
const MPIDR_RES1: u64 = 1 << 31;
/// Register 31 of loads, stores and register moves.
const ZERO: u8 = 31;

/// One vCPU.
pub struct HvfVcpu<B: Binding> {
    /// Dropped, and destroyed by it, on its own thread.
    cpu: Option<B::Cpu>,
    board: Arc<Board<B>>,
    id: u8,
    ipa_bits: u32,
    timer: VTimer,
    /// Lines raised when the guest was last entered.
    raised: u64,
    /// The load whose value is to come with the next entry.
    pending: Option<Access>,
}

/// Names a refused access to registers.
fn refused(refusal: Refusal) -> Error {
    failed("access to a vCPU's registers")(refusal)
}

impl<B: Binding> HvfVcpu<B> {
    pub(super) fn new(board: Arc<Board<B>>, id: u8, ipa_bits: u32) -> Self {
        let timer = VTimer::default();
        HvfVcpu { cpu: None, board, id, ipa_bits, timer, raised: 0, pending: None }
    }

    fn cpu(&mut self) -> Result<&mut B::Cpu, Error> {
        self.cpu.as_mut().ok_or(Error::WrongEntry)
    }

    fn reg(&mut self, reg: Reg) -> Result<u64, Error> {
        self.cpu()?.reg(reg).map_err(refused)
    }

    fn set(&mut self, reg: Reg, value: u64) -> Result<(), Error> {
        self.cpu()?.set_reg(reg, value).map_err(refused)
    }

    fn system(&mut self, reg: SysReg) -> Result<u64, Error> {
        self.cpu()?.sys_reg(reg).map_err(refused)
    }

    fn set_system(&mut self, reg: SysReg, value: u64) -> Result<(), Error> {
        self.cpu()?.set_sys_reg(reg, value).map_err(refused)
    }

    /// A general register as instructions name it.
    fn general(&mut self, register: u8) -> Result<u64, Error> {
        if register == ZERO { Ok(0) } else { self.reg(Reg::X(register)) }
    }

    fn set_general(&mut self, register: u8, value: u64) -> Result<(), Error> {
        if register == ZERO { Ok(()) } else { self.set(Reg::X(register), value) }
    }

    /// The trapped instruction is done.
    fn skip(&mut self) -> Result<(), Error> {
        let pc = self.reg(Reg::Pc)?;
        self.set(Reg::Pc, pc.wrapping_add(4))
    }

    /// First state, as the Arm architecture and PSCI want it.
    fn start(&mut self, start: Start) -> Result<(), Error> {
        self.set_system(SysReg::SctlrEl1, SCTLR_RESET)?;
        self.set_system(SysReg::CntvCtlEl0, 0)?;
        self.set(Reg::Cpsr, EL1H_MASKED)?;
        self.set(Reg::X(0), start.context)?;
        // Linux wants them so, and what the framework leaves in them is not documented.
        for register in 1..=3 {
            self.set(Reg::X(register), 0)?;
        }
        self.set(Reg::Pc, start.address)
    }

    /// Gives the guest the answer to its last exit.
    fn answer(&mut self, entry: VmEntry) -> Result<(), Error> {
        match (self.pending.take(), entry) {
            (None, VmEntry::Resume) => Ok(()),
            (Some(access), VmEntry::Value(value)) => {
                self.set_general(access.register, access.loaded(value))?;
                self.skip()
            }
            _ => Err(Error::WrongEntry),
        }
    }

    /// Takes the mask of the timer away once its guest has dealt with it.
    fn look_after_timer(&mut self) -> Result<(), Error> {
        if self.timer.is_masked() {
            let control = self.system(SysReg::CntvCtlEl0)?;
            if self.timer.unmask(control) {
                self.cpu()?.set_vtimer_mask(false).map_err(refused)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<RawExit, Error> {
        self.look_after_timer()?;
        self.cpu()?.run().map_err(failed("hv_vcpu_run"))
    }

    /// `None`: answered, the guest goes on.
    fn handle(&mut self, exit: RawExit) -> Result<Option<VmExit>, Error> {
        match exit.reason {
            CANCELED => {
                self.board.take_kick(self.id);
                Ok(Some(VmExit::Interrupted))
            }
            EXCEPTION => self.trap(exit),
            VTIMER_ACTIVATED => {
                self.timer.activated();
                self.cpu()?.pend_private(1 << vtimer::INTERRUPT).map_err(refused)?;
                Ok(None)
            }
            reason => {
                Err(self.stuck(&format!("macOS stopped it for unknown reason {reason}"), exit))
            }
        }
    }

    fn trap(&mut self, exit: RawExit) -> Result<Option<VmExit>, Error> {
        match syndrome::decode(exit.syndrome) {
            Trap::Abort(abort) => self.abort(abort, exit),
            Trap::SysReg(access) => self.register(access).map(|()| None),
            // The address of HVC is behind it already; that of SMC, which is caught before it
            // is carried out, is not.
            Trap::Hvc(immediate) => self.firmware(immediate),
            Trap::Smc(immediate) => {
                self.skip()?;
                self.firmware(immediate)
            }
            Trap::WaitForInterrupt => {
                self.skip()?;
                self.wait().map(|()| None)
            }
            Trap::WaitForEvent => {
                self.skip()?;
                std::thread::yield_now();
                Ok(None)
            }
            Trap::NoSuchInstruction => self.inject(Fault::Undefined, exit).map(|()| None),
            Trap::Unknown(class) => {
                Err(self.stuck(&format!("an exception of class {class:#x}"), exit))
            }
        }
    }

    fn abort(&mut self, abort: Abort, exit: RawExit) -> Result<Option<VmExit>, Error> {
        let address = exit.virtual_address;
        match abort {
            Abort::Access(access) => {
                let Access { size, register, write, .. } = access;
                let write = if write {
                    let value = access.stored(self.general(register)?);
                    self.skip()?;
                    Some(value)
                } else {
                    self.pending = Some(access);
                    None
                };
                return Ok(Some(VmExit::Mmio { address: exit.physical_address, size, write }));
            }
            // Devices are not cached.
            Abort::CacheMaintenance => self.skip()?,
            Abort::Undescribed => self.inject(Fault::Data { address }, exit)?,
            Abort::Instruction => self.inject(Fault::Instruction { address }, exit)?,
            Abort::Hardware => {
                return Err(self.stuck("the host's memory failed under it", exit));
            }
        }
        Ok(None)
    }

    fn register(&mut self, access: sysreg::Access) -> Result<(), Error> {
        match sysreg::answer(access, self.board.counter()) {
            Answer::Value(value) => self.set_general(access.register, value)?,
            Answer::Ignored => {}
            Answer::Undefined => return self.inject(Fault::Undefined, RawExit::default()),
        }
        self.skip()
    }

    fn firmware(&mut self, immediate: u16) -> Result<Option<VmExit>, Error> {
        // The convention has no calls by another number.
        if immediate != 0 {
            self.set(Reg::X(0), NOT_SUPPORTED)?;
            return Ok(None);
        }
        let mut arguments = [0; 4];
        for (number, argument) in (0u8..).zip(&mut arguments) {
            *argument = self.reg(Reg::X(number))?;
        }
        match self.board.call(self.id, arguments) {
            Effect::Return(value) => self.set(Reg::X(0), value)?,
            Effect::Start { .. } => self.set(Reg::X(0), SUCCESS)?,
            Effect::Suspend => {
                self.set(Reg::X(0), SUCCESS)?;
                self.wait()?;
            }
            // The next turn of the loop waits to be switched on.
            Effect::Off => {}
            Effect::SystemOff => return Ok(Some(VmExit::SystemEvent { kind: SHUTDOWN })),
            Effect::SystemReset => return Ok(Some(VmExit::SystemEvent { kind: RESET })),
        }
        Ok(None)
    }

    /// Sleeps while the guest waits for an interrupt.
    fn wait(&mut self) -> Result<(), Error> {
        let control = self.system(SysReg::CntvCtlEl0)?;
        let compare = self.system(SysReg::CntvCvalEl0)?;
        let ticks = vtimer::ticks_left(control, compare, self.board.counter());
        let timer = ticks.map(|ticks| self.board.binding.clock().duration(ticks));
        let longest = wfi::longest(timer, self.board.cpus());
        self.board.sleep(self.id, self.raised, longest);
        Ok(())
    }

    /// Gives the guest an exception.
    fn inject(&mut self, fault: Fault, exit: RawExit) -> Result<(), Error> {
        let before = Before {
            pc: self.reg(Reg::Pc)?,
            cpsr: self.reg(Reg::Cpsr)?,
            sctlr: self.system(SysReg::SctlrEl1)?,
            vbar: self.system(SysReg::VbarEl1)?,
        };
        let after = inject::take(fault, before);
        // It would fault again, for ever.
        if before.pc == after.pc {
            return Err(self.stuck("its exception vector cannot be executed", exit));
        }
        self.set_system(SysReg::ElrEl1, after.elr)?;
        self.set_system(SysReg::SpsrEl1, after.spsr)?;
        self.set_system(SysReg::EsrEl1, after.esr)?;
        if let Some(far) = after.far {
            self.set_system(SysReg::FarEl1, far)?;
        }
        self.set(Reg::Cpsr, after.cpsr)?;
        self.set(Reg::Pc, after.pc)
    }

    fn stuck(&mut self, what: &str, exit: RawExit) -> Error {
        let pc = self.reg(Reg::Pc).unwrap_or(0);
        let RawExit { syndrome, physical_address, .. } = exit;
        Error::Stuck(format!(
            "{what} (instruction {pc:#x}, syndrome {syndrome:#x}, address {physical_address:#x})"
        ))
    }
}

impl<B: Binding> Vcpu for HvfVcpu<B> {
    type Kicker = HvfKicker<B>;

    fn attach(&mut self) -> Result<(), Error> {
        let mut cpu = self.board.binding.cpu_create().map_err(failed("hv_vcpu_create"))?;
        // The controller finds its vCPUs by it, so it comes before anybody runs.
        cpu.set_sys_reg(SysReg::MpidrEl1, MPIDR_RES1 | layout::affinity(self.id))
            .map_err(refused)?;
        cpu.set_vtimer_offset(self.board.counter_offset)
            .map_err(failed("hv_vcpu_set_vtimer_offset"))?;
        features::set(&mut cpu, self.ipa_bits);
        self.board.attach(self.id, cpu.handle());
        self.cpu = Some(cpu);
        Ok(())
    }

    fn run(&mut self, entry: VmEntry) -> Result<VmExit, Error> {
        self.answer(entry)?;
        loop {
            match self.board.next(self.id) {
                Next::Kicked => return Ok(VmExit::Interrupted),
                Next::Start(start) => self.start(start)?,
                Next::Run(raised) => {
                    self.raised = raised;
                    let exit = self.enter();
                    self.board.left(self.id);
                    if let Some(exit) = self.handle(exit?)? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    fn kicker(&self) -> HvfKicker<B> {
        HvfKicker { board: Arc::clone(&self.board), cpu: self.id }
    }
}

impl<B: Binding> Drop for HvfVcpu<B> {
    fn drop(&mut self) {
        // No kick reaches the vCPU's name from here on.
        self.board.detach(self.id);
    }
}
