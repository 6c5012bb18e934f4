//! The vocabulary of the tables.

use seccompiler::{
    BackendError, SeccompCmpArgLen as Width, SeccompCmpOp, SeccompCondition, SeccompRule,
};

/// A system call, with all arguments or only with some.
pub(super) struct Allow {
    /// Its number.
    pub(super) number: i64,
    /// Combinations of arguments, of which one must be met. Empty: any.
    when: &'static [&'static [Argument]],
}

/// A condition on an argument.
pub(super) struct Argument {
    index: u8,
    width: Size,
    test: Test,
}

/// Which part of the argument the kernel looks at.
#[derive(Clone, Copy)]
enum Size {
    /// An `int` or `unsigned int`: the upper half is ignored by the kernel.
    Int,
    /// A `long`, pointer or 64-bit flags.
    Long,
}

enum Test {
    Is(u64),
    Masked { mask: u64, value: u64 },
}

/// The call with any arguments.
pub(super) const fn any(number: libc::c_long) -> Allow {
    Allow { number, when: &[] }
}

/// The call where one of the combinations holds.
pub(super) const fn only(number: libc::c_long, when: &'static [&'static [Argument]]) -> Allow {
    Allow { number, when }
}

/// Argument `index` (from 0), an `int`, is `value`.
pub(super) const fn int(index: u8, value: u32) -> Argument {
    Argument { index, width: Size::Int, test: Test::Is(value as u64) }
}

/// The second argument, an `ioctl` request, is `request`.
#[expect(clippy::cast_possible_truncation, reason = "requests have 32 bits")]
pub(super) const fn request(request: u64) -> Argument {
    int(1, request as u32)
}

/// The second argument, an `fcntl` command, is `command`.
#[expect(clippy::cast_sign_loss, reason = "commands are small and positive")]
pub(super) const fn command(command: i32) -> Argument {
    int(1, command as u32)
}

/// Argument `index`, a `long`, is `value`.
pub(super) const fn long(index: u8, value: u64) -> Argument {
    Argument { index, width: Size::Long, test: Test::Is(value) }
}

/// Argument `index`, an `int`, has none of the bits of `mask`.
pub(super) const fn without(index: u8, mask: u32) -> Argument {
    Argument { index, width: Size::Int, test: Test::Masked { mask: mask as u64, value: 0 } }
}

/// Argument `index`, an `int`, has all the bits of `mask`.
pub(super) const fn with(index: u8, mask: u32) -> Argument {
    masked(index, mask, mask)
}

/// Argument `index`, an `int`, has the bits `value` under `mask`.
pub(super) const fn masked(index: u8, mask: u32, value: u32) -> Argument {
    Argument {
        index,
        width: Size::Int,
        test: Test::Masked { mask: mask as u64, value: value as u64 },
    }
}

impl Allow {
    /// The compiled combinations.
    pub(super) fn rules(&self) -> Result<Vec<SeccompRule>, BackendError> {
        self.when
            .iter()
            .map(|combination| {
                let conditions = combination.iter().map(Argument::compile);
                SeccompRule::new(conditions.collect::<Result<_, _>>()?)
            })
            .collect()
    }
}

impl Argument {
    fn compile(&self) -> Result<SeccompCondition, BackendError> {
        let width = match self.width {
            Size::Int => Width::Dword,
            Size::Long => Width::Qword,
        };
        let (operator, value) = match self.test {
            Test::Is(value) => (SeccompCmpOp::Eq, value),
            Test::Masked { mask, value } => (SeccompCmpOp::MaskedEq(mask), value),
        };
        SeccompCondition::new(self.index, width, operator, value)
    }
}
