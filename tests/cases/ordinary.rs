//! qvm as an ordinary user, as most run it. Run by root, these cases become one.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Output};

use e2e::{
    CANARY, Scene, canary_intact,
    image::another_cache,
    stdout,
    users::{NOBODYS, give, ordinary, ordinary_uid},
};

/// Runs a script in a guest, as an ordinary user with a home directory and a cache of its own.
pub(crate) fn run(scene: &Scene, uid: u32, options: &[&str], script: &str) -> Output {
    let top = scene.top.path();
    let (home, cache) = (top.join("home"), top.join("cache"));
    if !cache.exists() {
        another_cache(&cache, &[]);
    }
    let image = fs::read_dir(cache.join("images")).unwrap().next().unwrap().unwrap().path();
    // The image's directory too, so that what was verified is known the next time.
    for dir in [&scene.workspace, &home, &cache, &image] {
        give(dir, uid);
    }
    let mut qvm = scene.qvm();
    qvm.env("HOME", &home).env("QVM_CACHE", &cache).args(options);
    for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        qvm.env_remove(name);
    }
    qvm.args(["--", "sh", "-c", script]);
    ordinary(uid, &qvm).output().unwrap()
}

fn owner(path: &Path) -> (u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.gid())
}

/// A10: the guest's user is the caller, and files belong to the caller, also those that the
/// guest's root makes. A user that no database has is one by number.
#[test]
fn files_belong_to_the_caller() {
    let scene = Scene::new();
    // Closed to others: the guest must not get further than its caller.
    fs::write(scene.top.path().join("closed"), CANARY).unwrap();
    let script = "set -e; echo $(id -u):$(id -g); mkdir dir; echo x > dir/file; ln -s file dir/link
        mkfifo fifo; test -d \"$HOME\"; test ! -w / || test $(id -u) = 0; cat dir/file
        python3 -c 'import os; fd = os.open(\".\", os.O_TMPFILE | os.O_RDWR); os.write(fd, b\"t\")'
        git init -q repo; git -C repo -c user.name=a -c user.email=a@b commit -q --allow-empty -m c
        git -C repo log --format=%s";
    for uid in [NOBODYS, 65534] {
        let text = stdout(&run(&scene, uid, &[], script));
        let uid = ordinary_uid(uid);
        let gid = owner(&scene.workspace).1;
        assert_eq!(text, format!("{uid}:{gid}\nx\nc\n"));
        for name in ["dir", "dir/file", "dir/link", "fifo", "repo/.git/HEAD"] {
            assert_eq!(owner(&scene.file(name)), (uid, gid), "{name}");
        }
        let output = run(
            &scene,
            uid,
            &["--guest-root"],
            "id -u; echo y > by-root; rm -r dir fifo repo; chown 0:0 by-root 2>/dev/null || echo refused",
        );
        assert_eq!(stdout(&output), "0\nrefused\n");
        assert_eq!(owner(&scene.file("by-root")), (uid, gid));
        fs::remove_file(scene.file("by-root")).unwrap();
    }
    assert!(canary_intact(&scene.sibling.join("secret")));
}

/// What its caller may not read or write, the guest's root may not either.
#[test]
fn the_guest_has_no_more_rights_than_its_caller() {
    let scene = Scene::new();
    let mine = scene.file("not yours");
    fs::write(&mine, CANARY).unwrap();
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    fs::set_permissions(&mine, closed).unwrap();
    let script = "cat 'not yours'; echo z > 'not yours'; echo z >> 'not yours'; echo end";
    let output = run(&scene, NOBODYS, &["--guest-root"], script);
    assert_eq!(stdout(&output), "end\n");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&mine, open).unwrap();
    assert!(canary_intact(&mine));
}
