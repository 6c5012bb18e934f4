#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;

/// Repeatable numbers (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// A bzImage header with a body.
#[cfg(target_arch = "x86_64")]
fn bzimage() -> Vec<u8> {
    let mut image = vec![0u8; 0x800];
    image[0x1f1] = 1;
    image[0x201] = 0x6a;
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x020fu16.to_le_bytes());
    image[0x211] = 1;
    image[0x22c..0x230].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    image[0x236] = 1;
    image[0x258..0x260].copy_from_slice(&0x100_0000u64.to_le_bytes());
    image[0x260..0x264].copy_from_slice(&0x10_0000u32.to_le_bytes());
    image
}

fn mutated(mut image: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let at = random.below(image.len());
        image[at] = match random.below(4) {
            0 => 0xff,
            1 => 0,
            _ => random.next() as u8,
        };
    }
    if random.below(8) == 0 {
        image.truncate(random.below(image.len()));
    }
    image
}

#[cfg(target_arch = "x86_64")]
#[test]
fn valid_images_load() {
    let memory = crate::testing::memory(memory::MIN);
    for image in [bzimage(), crate::testing::elf_kernel(0x10_0000, 0x10_0000, &[0xf4; 64])] {
        let mut file = file(&image).unwrap();
        assert!(crate::boot::x86_64::load_kernel(&memory, memory::MIN, &mut file).is_ok());
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn mutated_kernels_neither_panic_nor_hang() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let elf = crate::testing::elf_kernel(0x10_0000, 0x10_0000, &[0xf4; 64]);
    for round in 0..3000 {
        let image = if round % 2 == 0 { elf.clone() } else { bzimage() };
        // Mutations in the headers count most.
        let image = mutated(image, &mut random);
        fuzz_kernel(&image);
    }
}

#[test]
fn mutated_images_neither_panic_nor_hang() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..1000 {
        fuzz_kernel_aarch64(&mutated(crate::testing::aarch64_kernel(0, &[0; 64]), &mut random));
    }
}

#[test]
fn random_accesses_to_registers_do_no_harm() {
    let mut random = Random(43);
    for _ in 0..2000 {
        let mut data = Vec::new();
        for _ in 0..32 {
            let register = [0, 0x18, 0x38, 0x44, 0xfe0][random.below(5)] + random.below(9) as u16;
            let at = (random.below(5) as u16) << 12 | register;
            data.extend_from_slice(&at.to_be_bytes());
            data.extend_from_slice(&[random.next() as u8, random.next() as u8]);
            data.extend_from_slice(&random.next().to_le_bytes());
        }
        fuzz_bus_aarch64(&data);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn random_accesses_do_no_harm() {
    let mut random = Random(42);
    let ports = [0x3f8u64, 0x600, 0x505, 0x60, 0x3ff, 0xffff, 0];
    for _ in 0..2000 {
        let mut data = Vec::new();
        for _ in 0..32 {
            let port = ports[random.below(ports.len())] + random.below(9) as u64;
            data.extend_from_slice(&[(port >> 8) as u8, port as u8, random.next() as u8]);
            data.push(random.next() as u8);
            data.extend_from_slice(&random.next().to_le_bytes());
        }
        fuzz_bus(&data);
    }
}
