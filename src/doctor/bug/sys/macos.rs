//! macOS.

use crate::sys::sysctl;

/// Version, build, model and processor.
pub fn system() -> Vec<(&'static str, String)> {
    let names = [
        ("macOS", c"kern.osproductversion"),
        ("build", c"kern.osversion"),
        ("model", c"hw.model"),
        ("processor", c"machdep.cpu.brand_string"),
    ];
    names.into_iter().filter_map(|(name, key)| Some((name, sysctl::text(key)?))).collect()
}
