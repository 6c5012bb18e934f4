use super::{Before, EL1H_MASKED, Fault, SCTLR_RESET, take};

const VBAR: u64 = 0xffff_8000_0001_0000;

fn before(cpsr: u64) -> Before {
    Before { pc: 0x1000, cpsr, sctlr: SCTLR_RESET, vbar: VBAR }
}

#[test]
fn the_vector_is_that_of_where_it_came_from() {
    for (cpsr, offset) in [(0x3c5, 0x200), (0x3c4, 0), (0, 0x400), (0x10, 0x600)] {
        let after = take(Fault::Undefined, before(cpsr));
        assert_eq!(after.pc, VBAR + offset, "{cpsr:#x}");
        assert_eq!((after.elr, after.spsr), (0x1000, cpsr));
    }
}

#[test]
fn the_syndrome_says_what_and_from_where() {
    let (address, il) = (0x8000, 1 << 25);
    let of = |fault, cpsr| take(fault, before(cpsr)).esr;
    assert_eq!(of(Fault::Undefined, 0), il);
    assert_eq!(of(Fault::Data { address }, 0x3c5), 0x25 << 26 | il | 0x10);
    assert_eq!(of(Fault::Data { address }, 0), 0x24 << 26 | il | 0x10);
    assert_eq!(of(Fault::Instruction { address }, 0x5), 0x21 << 26 | il | 0x10);
    assert_eq!(of(Fault::Instruction { address }, 0), 0x20 << 26 | il | 0x10);
    assert_eq!(take(Fault::Data { address }, before(0)).far, Some(address));
    assert_eq!(take(Fault::Undefined, before(0)).far, None);
}

#[test]
fn the_state_is_masked_and_as_the_system_control_register_wants() {
    let flags = 0xa000_0000;
    let after = take(Fault::Undefined, before(flags | 1 << 21));
    assert_eq!(after.cpsr, flags | EL1H_MASKED, "no single step, flags kept");
    let no_span = take(Fault::Undefined, Before { sctlr: 0, ..before(0) });
    assert_eq!(no_span.cpsr, EL1H_MASKED | 1 << 22);
    let dssbs = take(Fault::Undefined, Before { sctlr: 1 << 44 | 1 << 23, ..before(0) });
    assert_eq!(dssbs.cpsr, EL1H_MASKED | 1 << 12);
}
