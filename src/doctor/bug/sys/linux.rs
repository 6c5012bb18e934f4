//! Linux.

use std::fs::read_to_string;

/// Release, processor, and how it is confined itself.
pub fn system() -> Vec<(&'static str, String)> {
    let release = read_to_string("/etc/os-release").unwrap_or_default();
    let name = field(&release, "PRETTY_NAME=").map(|name| name.trim_matches('"').to_owned());
    let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
    // arm64 tells numbers: who makes it, and which it is.
    let model = field(&cpu, "model name").map(str::to_owned).or_else(|| {
        let part = field(&cpu, "CPU part")?;
        Some(format!("implementer {}, part {part}", field(&cpu, "CPU implementer")?))
    });
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let told = [
        ("release", name),
        ("processor", model),
        ("seccomp of this process", field(&status, "Seccomp:").map(str::to_owned)),
        ("capabilities of this process", field(&status, "CapEff:").map(str::to_owned)),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What follows a word at the beginning of a line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_start_matches([':', ' ', '\t']))
}
