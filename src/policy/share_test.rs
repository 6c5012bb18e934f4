#![allow(clippy::unwrap_used)]

use std::{ffi::OsStr, fs, os::unix::fs::symlink};

use super::*;

/// A directory with `home/me` (home), `home/me/.cache/qvm` (own), `p` (a project) and `file`.
struct Tree {
    _dir: tempfile::TempDir,
    root: PathBuf,
    places: Places,
}

fn tree() -> Tree {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    for sub in ["home/me/.cache/qvm/images", "home/me/work", "p/sub", "q"] {
        fs::create_dir_all(root.join(sub)).unwrap();
    }
    fs::write(root.join("file"), "").unwrap();
    let places = Places::new(&[root.join("home/me")], &[root.join("home/me/.cache/qvm")]);
    Tree { _dir: dir, root, places }
}

impl Tree {
    fn workspace(&self, given: &str) -> Result<Share, ShareError> {
        workspace(Some(Path::new(given)), &self.root, &self.places, false)
    }

    fn all(&self, shares: &[String]) -> Result<Vec<Share>, ShareError> {
        let args: Vec<_> =
            shares.iter().map(|s| guest_path::share(OsStr::new(s)).unwrap()).collect();
        others(self.workspace("p").unwrap(), &args, &self.root, &self.places)
    }
}

#[test]
fn a_project_is_shared_at_its_real_path() {
    let tree = tree();
    symlink(tree.root.join("p"), tree.root.join("link")).unwrap();
    for given in ["p", "./p", "link", "q/../p", "p/"] {
        let share = tree.workspace(given).unwrap();
        assert_eq!(share.host, tree.root.join("p"), "{given}");
        assert_eq!(share.guest, share.host);
        assert_eq!(share.tag, "workspace");
    }
    let here = workspace(None, &tree.root.join("q"), &tree.places, true).unwrap();
    assert_eq!((here.host, here.read_only), (tree.root.join("q"), true));
}

#[test]
fn what_is_refused_is_refused_through_links_too() {
    let tree = tree();
    for (at, to) in [
        ("l1", "/"),
        ("l2", "/proc/self/root"),
        ("l3", "home/me"),
        ("l4", "home"),
        ("l5", "home/me/.cache/qvm/images"),
    ] {
        symlink(tree.root.join(to), tree.root.join(at)).unwrap();
        assert!(matches!(tree.workspace(at), Err(ShareError::Refused(..))), "{at} to {to}");
    }
    for given in [
        "/",
        "/proc",
        "/sys",
        "/dev",
        "/dev/shm",
        "home/me",
        "home",
        ".",
        "home/me/.cache",
        "home/me/.cache/qvm",
    ] {
        assert!(matches!(tree.workspace(given), Err(ShareError::Refused(..))), "{given}");
    }
    assert!(tree.workspace("home/me/work").is_ok());
}

#[test]
fn each_mistake_has_its_own_words() {
    let tree = tree();
    assert!(matches!(tree.workspace("nginx"), Err(ShareError::NotDetach(_))));
    assert!(matches!(tree.workspace("./nginx"), Err(ShareError::Missing(_))));
    assert!(matches!(tree.workspace(""), Err(ShareError::Missing(_))));
    assert!(matches!(tree.workspace("file"), Err(ShareError::NotDirectory(_))));
    assert!(matches!(tree.workspace("file/x"), Err(ShareError::NotDirectory(_))));
    assert!(matches!(
        tree.workspace("/tmp"),
        Err(ShareError::OwnPath(..) | ShareError::Refused(..))
    ));
    symlink("loop", tree.root.join("loop")).unwrap();
    assert!(matches!(tree.workspace("loop"), Err(ShareError::Io(..))));
    let text = tree.workspace("nginx").unwrap_err().to_string();
    assert!(text.contains("not detach") && text.contains("qvm -d . -- nginx"), "{text}");
}

#[test]
fn further_shares_are_checked_and_ordered() {
    let tree = tree();
    let q = tree.root.join("q");
    let arg = |dst: &str| format!("{}:{dst}", q.display());
    fs::create_dir(q.join("in")).unwrap();
    let all = tree.all(&[arg("/mnt/a/in"), arg("/mnt/a:ro"), arg("/mnt/b")]).unwrap();
    let seen: Vec<_> = all
        .iter()
        .skip(1)
        .map(|s| (s.tag.as_str(), s.guest.to_str().unwrap(), s.read_only))
        .collect();
    assert_eq!(
        seen,
        [("share1", "/mnt/a", true), ("share2", "/mnt/b", false), ("share3", "/mnt/a/in", false)]
    );
    assert!(matches!(tree.all(&[arg("/mnt/a"), arg("/mnt/a/")]), Err(ShareError::Twice(_))));
    assert!(matches!(tree.all(&["/:/mnt/a".into()]), Err(ShareError::Refused(..))));
    assert!(matches!(tree.all(&["/proc/self:/mnt/a".into()]), Err(ShareError::Refused(..))));
    assert!(matches!(tree.all(&["nope:/mnt/a".into()]), Err(ShareError::Missing(_))));
    let many: Vec<_> = (0..MOST_SHARES).map(|n| arg(&format!("/mnt/{n}"))).collect();
    assert!(matches!(tree.all(&many), Err(ShareError::TooMany)));
}

#[test]
fn a_share_neither_hides_the_workspace_nor_leaves_a_directory_in_it() {
    let tree = tree();
    let arg = |dst: PathBuf| vec![format!("{}:{}", tree.root.join("q").display(), dst.display())];
    assert!(matches!(tree.all(&arg(tree.root.clone())), Err(ShareError::HidesWorkspace(_))));
    assert!(matches!(tree.all(&arg(tree.root.join("p"))), Err(ShareError::Twice(_))));
    assert!(matches!(tree.all(&arg(tree.root.join("p/new"))), Err(ShareError::NoMountPoint(_))));
    symlink("sub", tree.root.join("p/link")).unwrap();
    assert!(matches!(tree.all(&arg(tree.root.join("p/link"))), Err(ShareError::NoMountPoint(_))));
    assert!(tree.all(&arg(tree.root.join("p/sub"))).is_ok());
    assert!(!tree.root.join("p/new").exists());
}

#[test]
fn the_opened_directory_is_the_checked_one() {
    let tree = tree();
    let real = tree.root.join("p");
    let dir = sys::open_directory(&real).unwrap();
    assert!(sys::same_directory(&dir, &real));
    symlink(&real, tree.root.join("swap")).unwrap();
    assert!(sys::open_directory(&tree.root.join("swap")).is_err());
    assert!(sys::open_directory(&tree.root.join("swap/sub")).is_err());
}
