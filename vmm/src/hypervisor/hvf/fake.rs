//! A framework that plays a script: each vCPU has a program of steps, and each step is what the
//! guest does to its registers until it leaves, and why it leaves. At the end of its program a
//! guest runs for ever, until it is stopped.
//!
//! It is as strict as the real one: one machine, the controller before vCPUs, vCPUs only on
//! their own thread, no machine ended under a vCPU, no vCPU while another is in the guest.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use super::Error;
use super::binding::{
    Binding, CANCELED, Clock, Cpu, EXCEPTION, GicPlace, RawExit, Refusal, Reg, SysReg,
};

/// What the guest does between an entry and an exit.
pub type Step = Box<dyn FnOnce(&mut Registers) -> RawExit + Send>;

/// Registers of one vCPU.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    pub x: [u64; 31],
    pub pc: u64,
    pub cpsr: u64,
    pub system: HashMap<SysReg, u64>,
}

/// One vCPU as the framework sees it.
pub struct FakeState {
    owner: ThreadId,
    alive: bool,
    cancel: bool,
    /// Inside the guest right now.
    pub inside: bool,
    pub registers: Registers,
    pub masked: bool,
    pub offset: u64,
    pub pended: u32,
    pub entries: usize,
}

#[derive(Default)]
pub struct World {
    pub machine: bool,
    pub destroyed: usize,
    pub gic: Option<GicPlace>,
    pub spis: Vec<(u32, bool)>,
    pub maps: Vec<(u64, usize)>,
    /// What call refuses, and how.
    pub refuse: Option<(&'static str, Refusal)>,
    pub ipa_bits: u32,
    pub now: u64,
    /// By handle.
    pub cpus: Vec<FakeState>,
    programs: HashMap<u64, VecDeque<Step>>,
}

#[derive(Clone, Default)]
pub struct Fake(Arc<(Mutex<World>, Condvar)>);

impl Fake {
    pub fn new() -> Self {
        let fake = Fake::default();
        fake.world().ipa_bits = 36;
        fake
    }

    /// What a vCPU of this affinity does.
    pub fn program(&self, affinity: u64, steps: impl IntoIterator<Item = Step>) {
        self.world().programs.entry(affinity).or_default().extend(steps);
    }

    /// How many steps a vCPU of this affinity has not done.
    pub fn steps_left(&self, affinity: u64) -> usize {
        self.world().programs.get(&affinity).map_or(0, VecDeque::len)
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.0.lock().unwrap()
    }

    /// Waits until `until` holds.
    pub fn wait(&self, mut until: impl FnMut(&World) -> bool) {
        let world = self.0.1.wait_while(self.world(), |world| !until(world));
        drop(world.unwrap());
    }

    /// Waits until somebody stops a vCPU, who has not left yet.
    pub fn wait_for_stop(&self, handle: usize) {
        self.wait(|world| world.cpus[handle].cancel);
    }

    fn refuses(&self, call: &'static str) -> Result<(), Refusal> {
        match self.world().refuse {
            Some((refused, refusal)) if refused == call => Err(refusal),
            _ => Ok(()),
        }
    }
}

impl Binding for Fake {
    type Cpu = FakeCpu;

    fn available(&self) -> Result<(), Error> {
        match self.refuses("available") {
            Ok(()) => Ok(()),
            Err(_) => Err(Error::OldSystem("14.7".to_owned())),
        }
    }

    fn max_ipa_bits(&self) -> Result<u32, Refusal> {
        Ok(self.world().ipa_bits)
    }

    fn max_cpus(&self) -> Result<u32, Refusal> {
        Ok(8)
    }

    fn vm_create(&self, _ipa_bits: u32) -> Result<(), Refusal> {
        self.refuses("hv_vm_create")?;
        let mut world = self.world();
        if std::mem::replace(&mut world.machine, true) { Err(Refusal::BUSY) } else { Ok(()) }
    }

    fn vm_destroy(&self) {
        let mut world = self.world();
        assert!(world.cpus.iter().all(|cpu| !cpu.alive), "a vCPU outlives its machine");
        assert!(std::mem::take(&mut world.machine), "no machine to end");
        world.destroyed += 1;
    }

    fn gic_create(&self, place: GicPlace) -> Result<(), Refusal> {
        self.refuses("hv_gic_create")?;
        let mut world = self.world();
        assert!(world.machine && world.cpus.is_empty(), "the controller comes in between");
        world.gic = Some(place);
        Ok(())
    }

    fn gic_spis(&self) -> Result<(u32, u32), Refusal> {
        Ok((32, 988))
    }

    fn gic_set_spi(&self, intid: u32, level: bool) -> Result<(), Refusal> {
        self.world().spis.push((intid, level));
        Ok(())
    }

    #[allow(unsafe_code)]
    unsafe fn vm_map(&self, host: *mut u8, guest: u64, size: usize) -> Result<(), Refusal> {
        assert!(!host.is_null());
        self.refuses("hv_vm_map")?;
        self.world().maps.push((guest, size));
        Ok(())
    }

    fn cpu_create(&self) -> Result<FakeCpu, Refusal> {
        self.refuses("hv_vcpu_create")?;
        let mut world = self.world();
        assert!(world.gic.is_some());
        assert!(world.cpus.iter().all(|cpu| cpu.entries == 0), "the topology is final");
        let handle = world.cpus.len();
        world.cpus.push(FakeState {
            owner: thread::current().id(),
            alive: true,
            cancel: false,
            inside: false,
            registers: Registers::default(),
            masked: false,
            offset: 0,
            pended: 0,
            entries: 0,
        });
        drop(world);
        self.0.1.notify_all();
        Ok(FakeCpu { fake: self.clone(), handle })
    }

    fn cpu_exit(&self, handle: u64) -> Result<(), Refusal> {
        let mut world = self.world();
        let cpu = &mut world.cpus[usize::try_from(handle).unwrap()];
        assert!(cpu.alive, "a vCPU is stopped that is gone");
        cpu.cancel = true;
        drop(world);
        self.0.1.notify_all();
        Ok(())
    }

    fn clock(&self) -> Clock {
        Clock { now: self.world().now, nanoseconds: (125, 3) }
    }
}

pub struct FakeCpu {
    fake: Fake,
    handle: usize,
}

impl FakeCpu {
    fn state<T>(&self, with: impl FnOnce(&mut FakeState) -> T) -> T {
        let mut world = self.fake.world();
        let cpu = &mut world.cpus[self.handle];
        assert_eq!(cpu.owner, thread::current().id(), "a vCPU is used by another thread");
        with(cpu)
    }
}

impl Cpu for FakeCpu {
    fn handle(&self) -> u64 {
        self.handle as u64
    }

    fn run(&mut self) -> Result<RawExit, Refusal> {
        self.fake.refuses("hv_vcpu_run")?;
        let affinity = self.state(|cpu| {
            cpu.entries += 1;
            cpu.registers.system[&SysReg::MpidrEl1] & 0xffff
        });
        let mut world = self.fake.world();
        if std::mem::take(&mut world.cpus[self.handle].cancel) {
            return Ok(RawExit { reason: CANCELED, ..RawExit::default() });
        }
        if let Some(step) = world.programs.get_mut(&affinity).and_then(VecDeque::pop_front) {
            // Without the lock: a step may do what other threads do.
            let mut registers = world.cpus[self.handle].registers.clone();
            drop(world);
            let exit = step(&mut registers);
            self.state(|cpu| cpu.registers = registers);
            return Ok(exit);
        }
        world.cpus[self.handle].inside = true;
        self.fake.0.1.notify_all();
        let mut world =
            self.fake.0.1.wait_while(world, |world| !world.cpus[self.handle].cancel).unwrap();
        let cpu = &mut world.cpus[self.handle];
        (cpu.cancel, cpu.inside) = (false, false);
        Ok(RawExit { reason: CANCELED, ..RawExit::default() })
    }

    fn reg(&self, reg: Reg) -> Result<u64, Refusal> {
        self.state(|cpu| match reg {
            Reg::X(number) => {
                cpu.registers.x.get(usize::from(number)).copied().ok_or(Refusal::BAD_ARGUMENT)
            }
            Reg::Pc => Ok(cpu.registers.pc),
            Reg::Cpsr => Ok(cpu.registers.cpsr),
        })
    }

    fn set_reg(&mut self, reg: Reg, value: u64) -> Result<(), Refusal> {
        self.state(|cpu| {
            let register = match reg {
                Reg::X(number) => cpu.registers.x.get_mut(usize::from(number)),
                Reg::Pc => Some(&mut cpu.registers.pc),
                Reg::Cpsr => Some(&mut cpu.registers.cpsr),
            };
            *register.ok_or(Refusal::BAD_ARGUMENT)? = value;
            Ok(())
        })
    }

    fn sys_reg(&self, reg: SysReg) -> Result<u64, Refusal> {
        self.fake.refuses("hv_vcpu_get_sys_reg")?;
        Ok(self.state(|cpu| cpu.registers.system.get(&reg).copied().unwrap_or(0)))
    }

    fn set_sys_reg(&mut self, reg: SysReg, value: u64) -> Result<(), Refusal> {
        self.fake.refuses("hv_vcpu_set_sys_reg")?;
        self.state(|cpu| cpu.registers.system.insert(reg, value));
        Ok(())
    }

    fn set_vtimer_mask(&mut self, masked: bool) -> Result<(), Refusal> {
        self.state(|cpu| cpu.masked = masked);
        Ok(())
    }

    fn set_vtimer_offset(&mut self, offset: u64) -> Result<(), Refusal> {
        self.state(|cpu| cpu.offset = offset);
        Ok(())
    }

    fn pend_private(&mut self, interrupts: u32) -> Result<(), Refusal> {
        self.state(|cpu| {
            cpu.pended |= interrupts;
            cpu.masked = true;
        });
        Ok(())
    }
}

impl Drop for FakeCpu {
    fn drop(&mut self) {
        self.state(|cpu| cpu.alive = false);
        let inside = self.fake.world().cpus.iter().any(|cpu| cpu.inside);
        assert!(!inside || thread::panicking(), "a vCPU goes while another is in the guest");
    }
}

/// Leaves with this syndrome.
pub fn trap(syndrome: u64) -> Step {
    Box::new(move |_| RawExit { reason: EXCEPTION, syndrome, ..RawExit::default() })
}

/// Leaves with an abort at `address`, virtual and physical.
pub fn abort(syndrome: u64, address: u64) -> Step {
    Box::new(move |_| RawExit {
        reason: EXCEPTION,
        syndrome,
        virtual_address: !address,
        physical_address: address,
    })
}

/// Leaves for another reason.
pub fn reason(reason: u32) -> Step {
    Box::new(move |_| RawExit { reason, ..RawExit::default() })
}

/// `HVC #0` with x0 to x3. Its PC is behind it.
pub fn hvc(arguments: [u64; 4]) -> Step {
    Box::new(move |registers| {
        registers.x[..4].copy_from_slice(&arguments);
        registers.pc += 4;
        RawExit { reason: EXCEPTION, syndrome: 0x16 << 26, ..RawExit::default() }
    })
}

/// Looks at the registers, and goes on to the next step by way of `WFE`.
pub fn look(look: impl FnOnce(&mut Registers) + Send + 'static) -> Step {
    Box::new(move |registers| {
        look(registers);
        RawExit { reason: EXCEPTION, syndrome: 0x01 << 26 | 1, ..RawExit::default() }
    })
}
