use super::{Access, Answer, Id, answer};

fn read(id: Id) -> Answer {
    answer(Access { id, register: 0, write: false }, 4711)
}

fn write(id: Id) -> Answer {
    answer(Access { id, register: 0, write: true }, 4711)
}

#[test]
fn the_syndrome_names_register_and_direction() {
    // MRS X5, OSLSR_EL1 (S2_0_C1_C1_4), and MSR OSLAR_EL1 (S2_0_C1_C0_4), XZR.
    let fields = |op0: u64, op2: u64, op1: u64, crn: u64, rt: u64, crm: u64, read: u64| {
        op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read
    };
    let access = Access::decode(0x18 << 26 | fields(2, 4, 0, 1, 5, 1, 1));
    assert_eq!(access, Access { id: Id::new(2, 0, 1, 1, 4), register: 5, write: false });
    assert_eq!(format!("{:?}", access.id), "S2_0_C1_C1_4");
    let access = Access::decode(0x18 << 26 | fields(2, 4, 0, 1, 31, 0, 0));
    assert_eq!(access, Access { id: Id::new(2, 0, 1, 0, 4), register: 31, write: true });
}

#[test]
fn every_syndrome_of_the_class_survives() {
    for syndrome in 0..1u64 << 22 {
        let access = Access::decode(syndrome);
        assert!(access.register < 32);
        let answer = answer(access, 1);
        assert_eq!(
            matches!(answer, Answer::Value(_)),
            answer != Answer::Undefined && !access.write
        );
    }
}

#[test]
fn what_kernels_set_without_asking() {
    for id in [
        Id::new(2, 0, 1, 0, 4),  // OSLAR_EL1
        Id::new(2, 0, 1, 3, 4),  // OSDLR_EL1
        Id::new(2, 0, 0, 2, 2),  // MDSCR_EL1
        Id::new(2, 0, 0, 5, 5),  // DBGBCR5_EL1
        Id::new(3, 3, 9, 12, 0), // PMCR_EL0
        Id::new(3, 3, 9, 14, 0), // PMUSERENR_EL0
        Id::new(3, 3, 14, 2, 1), // CNTP_CTL_EL0
        Id::new(3, 2, 0, 0, 0),  // CSSELR_EL1
    ] {
        assert_eq!((read(id), write(id)), (Answer::Value(0), Answer::Ignored), "{id:?}");
    }
    assert_eq!(read(Id::new(2, 0, 1, 1, 4)), Answer::Value(8));
}

#[test]
fn identification_and_counters_cannot_be_written() {
    let dfr0 = Id::new(3, 0, 0, 5, 0);
    assert_eq!((read(dfr0), write(dfr0)), (Answer::Value(0), Answer::Undefined));
    for op2 in [1, 2, 5, 6] {
        let counter = Id::new(3, 3, 14, 0, op2);
        assert_eq!((read(counter), write(counter)), (Answer::Value(4711), Answer::Undefined));
    }
}

#[test]
fn the_rest_is_undefined() {
    for id in [
        Id::new(3, 0, 12, 11, 5), // ICC_SGI1R_EL1
        Id::new(3, 0, 4, 6, 0),   // ICC_PMR_EL1
        Id::new(3, 4, 1, 1, 0),   // HCR_EL2
        Id::new(3, 0, 15, 0, 0),  // of the implementation
        Id::new(1, 0, 7, 14, 2),  // DC CISW: no register at all
        Id::new(2, 1, 0, 0, 1),   // TRCTRACEIDR
    ] {
        assert_eq!((read(id), write(id)), (Answer::Undefined, Answer::Undefined), "{id:?}");
    }
}
