//! What boots.

use e2e::{Scene, stdout};

#[test]
fn the_microvm_kernel_runs_commands() {
    let scene = Scene::new();
    assert_eq!(
        stdout(&scene.sh("wc -c < /proc/modules 2>&1 || true; echo ok")).lines().last(),
        Some("ok")
    );
}
