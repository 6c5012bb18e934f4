//! The microVM kernel: what boots, and what cannot be one (A12).

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use e2e::{Scene, assert_refused, image::tiny_kernel, lossy, qvm_binary, stdout};

/// A source that "compiles" in no time, for `qvm image kernel --source`: what it makes is a shell.
const MAKEFILE: &str = "
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) .config
vmlinux Image:
	@echo '  CC      one.o'
	@echo made >> COUNT
	@mkdir -p include/config arch/arm64/boot
	@echo 6.12.1-test > include/config/kernel.release
	@cp /bin/sh vmlinux
	@cp /bin/sh arch/arm64/boot/Image
";

/// A scene with a cache of its own.
struct Place {
    scene: Scene,
    cache: PathBuf,
}

impl Place {
    fn new() -> Self {
        let scene = Scene::new();
        let cache = scene.top.path().join("cache");
        Self { scene, cache }
    }

    fn qvm(&self, words: &[&str]) -> Command {
        let mut command = Command::new(qvm_binary());
        command.args(words).env("QVM_CACHE", &self.cache).current_dir(self.scene.top.path());
        command
    }

    /// An archive of the source that has this Makefile.
    fn source(&self, name: &str, makefile: &str) -> String {
        let top = self.scene.top.path().join("linux");
        let acpi = top.join("drivers/acpi/acpica");
        fs::create_dir_all(&acpi).unwrap();
        let count = self.scene.top.path().join("count").display().to_string();
        fs::write(top.join("Makefile"), makefile.replace("COUNT", &format!("'{count}'"))).unwrap();
        // What the patch changes.
        let patch = include_str!("../../guest-image/kernel/acpi-without-pci.patch");
        let after = patch.lines().skip_while(|line| !line.starts_with("@@")).skip(1);
        let old: Vec<_> = after
            .filter(|line| !line.starts_with('+'))
            .map(|line| line.get(1..).unwrap_or_default())
            .collect();
        fs::write(acpi.join("evhandler.c"), old.join("\n") + "\n").unwrap();
        let archive = self.scene.top.path().join(name);
        let mut tar = Command::new("tar");
        tar.arg("--mtime=@0").arg("-cf").arg(&archive);
        tar.arg("-C").arg(self.scene.top.path()).arg("linux");
        assert!(tar.status().unwrap().success());
        archive.display().to_string()
    }

    /// What `qvm image kernel` makes of an archive.
    fn make(&self, archive: &str) -> Output {
        self.qvm(&["image", "kernel", "-q", "--source", archive]).output().unwrap()
    }

    /// What a run says with this kernel.
    fn run(&self, kernel: &str) -> Output {
        self.scene.qvm().args(["--kernel", kernel, "--", "true"]).output().unwrap()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.scene.top.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

/// Whether this machine can compile a kernel; says so where it cannot.
fn can_compile() -> bool {
    let there = |program: &&str| Path::new("/usr/bin").join(program).exists();
    match ["gcc", "make", "flex", "bison", "bc"].iter().find(|program| !there(program)) {
        Some(program) => {
            println!("skipped: {program} is missing; ./scripts/setup kernel installs it");
            false
        }
        None => true,
    }
}

#[test]
fn the_microvm_kernel_runs_commands_without_a_warning() {
    let scene = Scene::new();
    let mut qvm = scene.qvm();
    qvm.args(["--kernel", "microvm", "--guest-root", "--", "sh", "-c"]);
    let script = "uname -r; ls /proc/modules 2>&1; zcat /proc/config.gz | grep -c =y
        cat /sys/devices/system/clocksource/clocksource0/current_clocksource
        echo log; dmesg -l emerg,alert,crit,err,warn";
    let said = stdout(&qvm.arg(script).output().unwrap());
    let (facts, log) = said.split_once("log\n").unwrap();
    let facts: Vec<_> = facts.lines().collect();
    assert!(facts[0].ends_with("-qvm"), "{said}");
    assert!(facts[1].contains("No such file"), "there are modules: {said}");
    assert!(facts[2].parse::<u32>().unwrap() > 300, "{said}");
    // The TSC is "early" until the kernel has watched it for a second.
    assert!(["tsc", "tsc-early", "kvm-clock"].contains(&facts[3]), "{said}");
    assert_eq!(log, "", "the kernel warns");
}

#[test]
fn the_images_own_kernel_still_boots() {
    let scene = Scene::new();
    let output = scene.qvm().args(["--kernel", "image", "--", "uname", "-r"]).output().unwrap();
    let said = stdout(&output);
    assert!(!said.trim().ends_with("-qvm") && !said.trim().is_empty(), "{said}");
}

#[test]
fn what_is_no_kernel_is_told_in_one_line() {
    let place = Place::new();
    let mut wrong = tiny_kernel(&[0xf4]);
    // Of a processor that no machine of ours is.
    wrong[18..20].copy_from_slice(&8u16.to_le_bytes());
    let mut without_entry = tiny_kernel(&[0xf4]);
    let at = without_entry.windows(4).position(|part| part == b"Xen\0").unwrap();
    without_entry[at] = b'x';
    let cases = [
        ("nonesuch".to_owned(), vec!["there is no kernel nonesuch", "qvm image kernel"]),
        ("./nonesuch".to_owned(), vec!["./nonesuch cannot be read", "No such file"]),
        ("/".to_owned(), vec!["cannot be read", "not a regular file"]),
        (place.file("text", b"hello"), vec!["no kernel that can be booted", "vmlinux"]),
        (place.file("wrong", &wrong), vec!["is for another processor", "ELF machine 8"]),
        (place.file("short", &wrong[..30]), vec!["damaged", "ELF header"]),
        (place.file("without", &without_entry), vec!["lacks CONFIG_PVH=y"]),
    ];
    for (kernel, words) in cases {
        let output = place.run(&kernel);
        assert_refused(&output, &words);
        assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
    }
}

#[test]
fn a_kernel_is_made_once_listed_and_checked() {
    if !can_compile() {
        return;
    }
    let place = Place::new();
    let source = place.source("linux.tar", MAKEFILE);
    let both = [(); 2].map(|()| {
        let mut qvm = place.qvm(&["image", "kernel", "-q", "--source", &source]);
        qvm.stdout(std::process::Stdio::piped()).spawn().unwrap()
    });
    let [one, two] = both.map(|child| stdout(&child.wait_with_output().unwrap()));
    assert_eq!(one, two);
    assert_eq!(fs::read_to_string(place.scene.top.path().join("count")).unwrap(), "made\n");
    let digest = one.trim();
    let listed = stdout(&place.qvm(&["image", "ls"]).output().unwrap());
    assert!(listed.contains(&digest[..12]) && listed.contains("6.12.1-test"), "{listed}");

    // A source that cannot be compiled: its log is named, and what was there stays.
    let broken =
        MAKEFILE.replace("\t@mkdir", "\t@echo 'init/main.c:7:1: error: broken'; exit 1; mkdir");
    let output = place.make(&place.source("broken.tar", &broken));
    let log = place.cache.join("build.log").display().to_string();
    let words = ["the kernel cannot be made", &log, "init/main.c:7:1: error: broken"];
    assert_refused(&output, &words);
    assert!(fs::read_to_string(&log).unwrap().contains("  CC      one.o"));
    // One that drops what it is asked for.
    let forgets =
        MAKEFILE.replace("cp $(KCONFIG_ALLCONFIG)", "grep -v VIRTIO_FS $(KCONFIG_ALLCONFIG) >");
    let output = place.make(&place.source("forgets.tar", &forgets));
    assert_refused(&output, &["does not keep", ": CONFIG_VIRTIO_FS=y"]);
    assert_refused(&place.make("nonesuch.tar"), &["nonesuch.tar cannot be read"]);
    stdout(&place.qvm(&["image", "verify", digest]).output().unwrap());
    assert_eq!(fs::read_dir(place.cache.join("tmp")).unwrap().count(), 0);

    // One that somebody altered.
    let path = place.cache.join("kernels").join(digest).join("vmlinux");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let verify = || place.qvm(&["image", "verify", digest]).output().unwrap();
    assert_refused(&verify(), &["vmlinux of the kernel was altered", "qvm image kernel"]);
    // It is made again under the same name.
    assert_eq!(stdout(&place.make(&place.source("linux.tar", MAKEFILE))), one);
    stdout(&verify());
    stdout(&place.qvm(&["image", "rm", digest]).output().unwrap());
    assert!(!path.exists());
}
