#![allow(clippy::cast_possible_truncation)]

use super::*;

/// The same bytes each time: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn mutated(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..=self.next() % 4 {
            let at = (self.next() as usize) % bytes.len();
            match self.next() % 3 {
                0 => bytes[at] = self.next() as u8,
                1 => bytes[at] ^= 1 << (self.next() % 8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    }
}

#[test]
fn no_input_panics() {
    let entry =
        r#"{"size":1,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;
    let manifest = format!(
        r#"{{"format":1,"recipe":"{0}","arch":"x86_64","kernel":"6","packages":[{{"name":"a","version":"1"}}],
        "files":{{"modules.cpio":{entry},"root.erofs":{entry},"vmlinux":{entry},"vmlinuz":{entry}}}}}"#,
        "0".repeat(64)
    );
    assert!(Manifest::parse(manifest.as_bytes()).is_ok());
    let bzimage = sample_bzimage(&[0x28, 0xb5, 0x2f, 0xfd, 0], 77);
    let zboot = sample_zboot("gzip", &sample_arm64_image(b"code"));
    let vmlinux = sample_vmlinux(62, true, Some(b"\x1f\x8bconfig"));
    let config = b"CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"text\"\nCONFIG_D=64\n";
    let modules = b"a/x.ko: a/y.ko a/z.ko\na/y.ko: a/z.ko\na/z.ko:\n\0x";
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        fuzz_manifest(&random.mutated(manifest.as_bytes()));
        fuzz_bzimage(&random.mutated(&bzimage));
        fuzz_arm64_image(&random.mutated(&zboot));
        fuzz_modules(&random.mutated(modules));
        fuzz_vmlinux(&random.mutated(&vmlinux));
        fuzz_vmlinux(&random.mutated(config));
        let noise: Vec<u8> = (0..random.next() % 200).map(|_| random.next() as u8).collect();
        fuzz_manifest(&noise);
        fuzz_bzimage(&noise);
        fuzz_arm64_image(&noise);
        fuzz_modules(&noise);
        fuzz_vmlinux(&noise);
        let _ = parse_cpio(&noise);
    }
}
