#![allow(clippy::unwrap_used)]

use virtio_devices::testing::Random;

use super::*;

const MEMORY: (u64, u64) = (0x4000_0000, 0x8000_0000);
const START: Start = Start { address: 0x4008_0000, context: 7 };

fn ask(function: u64, arguments: [u64; 3], power: &[Power]) -> Effect {
    call([function, arguments[0], arguments[1], arguments[2]], power, MEMORY)
}

#[test]
fn what_linux_asks_at_boot() {
    let power = [Power::On, Power::Off];
    let returns = |function, argument| ask(function, [argument, 0, 0], &power);
    assert_eq!(returns(0x8400_0000, 0), Effect::Return(0x1_0001));
    assert_eq!(returns(0x8400_0006, 0), Effect::Return(2));
    assert_eq!(returns(0x8000_0000, 0), Effect::Return(0x1_0001));
    for supported in [0x8000_0000, 0x8400_0003, 0xc400_0003, 0xc400_0001, 0x8400_0008] {
        assert_eq!(returns(0x8400_000a, supported), Effect::Return(SUCCESS), "{supported:#x}");
    }
    // Suspend to memory, statistics, OFF with 64 bits, ARCH_WORKAROUND_1.
    for missing in [0xc400_000e, 0x8400_0010, 0xc400_0002, 0x8000_8000] {
        assert_eq!(returns(0x8400_000a, missing), Effect::Return(NOT_SUPPORTED), "{missing:#x}");
    }
    assert_eq!(returns(0x8000_0001, 0x8000_0001), Effect::Return(SUCCESS));
    assert_eq!(returns(0x8000_0001, 0x8000_8000), Effect::Return(NOT_SUPPORTED));
}

#[test]
fn a_vcpu_is_started_once() {
    let on = |state| ask(0xc400_0003, [1, START.address, 7], &[Power::On, state]);
    assert_eq!(on(Power::Off), Effect::Start { cpu: 1, start: START });
    assert_eq!(on(Power::Pending(START)), Effect::Return(ON_PENDING));
    assert_eq!(on(Power::On), Effect::Return(ALREADY_ON));
}

#[test]
fn nobody_is_started_where_nobody_or_nothing_is() {
    let on = |target, address| ask(0xc400_0003, [target, address, 0], &[Power::Off; 2]);
    for target in [2, 16, 0x100, 1 << 32, 1 << 16, 0xff_00ff_ffff] {
        assert_eq!(on(target, START.address), Effect::Return(INVALID_PARAMETERS), "{target:#x}");
    }
    // Bits outside of the affinity fields, as in MPIDR_EL1 itself, do not count.
    assert_eq!(
        on(0x8000_0001, START.address),
        Effect::Start { cpu: 1, start: Start { context: 0, ..START } }
    );
    for address in [0, 0x4008_0002, MEMORY.1, u64::MAX] {
        assert_eq!(on(1, address), Effect::Return(INVALID_ADDRESS), "{address:#x}");
    }
}

#[test]
fn narrow_calls_have_narrow_arguments() {
    let high = 0xdead_beef << 32;
    let effect =
        ask(high | 0x8400_0003, [high | 1, high | START.address, high | 7], &[Power::Off; 2]);
    assert_eq!(effect, Effect::Start { cpu: 1, start: START });
}

#[test]
fn affinities_are_there_and_back() {
    let power = [Power::Off; 32];
    for id in 0..32u8 {
        let effect = ask(0xc400_0003, [affinity(id), START.address, 7], &power);
        assert_eq!(effect, Effect::Start { cpu: id.into(), start: START });
    }
}

#[test]
fn affinity_info_tells_the_power() {
    let power = [Power::On, Power::Off, Power::Pending(START)];
    let info = |target, level| ask(0xc400_0004, [target, level, 0], &power);
    assert_eq!(info(0, 0), Effect::Return(0));
    assert_eq!(info(1, 0), Effect::Return(1));
    assert_eq!(info(2, 0), Effect::Return(2));
    assert_eq!(info(3, 0), Effect::Return(INVALID_PARAMETERS));
    assert_eq!(info(0, 1), Effect::Return(INVALID_PARAMETERS));
}

#[test]
fn the_machine_ends() {
    assert_eq!(ask(0x8400_0008, [0; 3], &[Power::On]), Effect::SystemOff);
    assert_eq!(ask(0x8400_0009, [0; 3], &[Power::On]), Effect::SystemReset);
    assert_eq!(ask(0xc400_0012, [0; 3], &[Power::On]), Effect::SystemReset);
    assert_eq!(ask(0xc400_0012, [1, 0, 0], &[Power::On]), Effect::Return(INVALID_PARAMETERS));
    assert_eq!(ask(0x8400_0002, [0; 3], &[Power::On]), Effect::Off);
    assert_eq!(ask(0xc400_0001, [0; 3], &[Power::On]), Effect::Suspend);
}

#[test]
fn anything_else_is_not_supported() {
    let known = [0u32, 1, 2, 3, 4, 6, 8, 9, 10, 0x12];
    for function in (0..0x1_0000u32).chain(0x8000_0000..0x8000_0100) {
        for base in [0, 0x8400_0000u32, 0xc400_0000] {
            let number = base ^ function;
            if [0x8400_0000, 0xc400_0000].contains(&(number & !0xff))
                && known.contains(&(number & 0xff))
                || [0x8000_0000, 0x8000_0001].contains(&number)
            {
                continue;
            }
            let effect = ask(number.into(), [0; 3], &[Power::On]);
            assert_eq!(effect, Effect::Return(NOT_SUPPORTED), "{number:#x}");
        }
    }
}

#[test]
fn random_calls_start_only_who_is_off() {
    let mut random = Random::new(5);
    let power = [Power::On, Power::Off, Power::Pending(START), Power::Off];
    for _ in 0..200_000 {
        let mut number = || random.next_u64() >> (random.next_u64() % 64);
        let functions = [0xc400_0000, 0x8400_0000, 0x8000_0000, 0];
        let base: u64 = functions[usize::try_from(number() % 4).unwrap()];
        let arguments = [base | number() & 0x1f, number(), number(), number()];
        if let Effect::Start { cpu, start } = call(arguments, &power, MEMORY) {
            assert!(cpu == 1 || cpu == 3);
            assert!(start.address >= MEMORY.0 && start.address < MEMORY.1);
        }
    }
}
