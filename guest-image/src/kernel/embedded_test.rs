#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use super::*;

fn search(bytes: &[u8]) -> Option<Vec<u8>> {
    find(&mut Cursor::new(bytes), &[(0, bytes.len() as u64)]).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = thread::spawn(move || input.write_all(&text).unwrap());
    let packed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    packed
}

#[test]
fn between_the_marks_and_only_where_it_is_compressed() {
    let hidden = b"\x1f\x8bhidden".as_slice();
    let framed = [BEGIN, hidden, END].concat();
    assert_eq!(search(&framed).as_deref(), Some(hidden));
    // The kernel's own strings hold the marks as well.
    let decoy = [BEGIN, b"\0IKCFG_ED\0", &framed, b"rest"].concat();
    assert_eq!(search(&decoy).as_deref(), Some(hidden));
    assert_eq!(search(&framed[..framed.len() - 1]), None);
    assert_eq!(search(b"IKCFG_S"), None);
    assert_eq!(search(b""), None);
}

#[test]
fn across_the_parts_that_are_read_at_once() {
    let hidden = [b"\x1f\x8b".as_slice(), &[7; 5000]].concat();
    for before in [CHUNK - 5010, CHUNK - 5001, CHUNK - 4, CHUNK, 2 * CHUNK - 3] {
        let before = vec![b'I'; usize::try_from(before).unwrap()];
        let bytes = [&before, BEGIN, &hidden, END].concat();
        assert_eq!(search(&bytes).unwrap(), hidden);
    }
}

#[test]
fn ranges_are_kept() {
    let framed = [BEGIN, b"\x1f\x8b1", END].concat();
    let bytes = [b"0123456789".as_slice(), &framed].concat();
    let mut file = Cursor::new(&bytes);
    assert!(find(&mut file, &[(0, 5), (10, framed.len() as u64)]).unwrap().is_some());
    assert!(find(&mut file, &[(0, 12), (11, 100)]).unwrap().is_none());
}

#[test]
fn a_configuration_that_is_too_long_is_none() {
    let hidden = [b"\x1f\x8b".as_slice(), &vec![7; MAX_PACKED]].concat();
    assert_eq!(search(&[BEGIN, &hidden, END].concat()), None);
}

#[test]
fn text_comes_out_as_it_went_in_and_bombs_do_not() {
    assert_eq!(unpack(gzip(b"CONFIG_A=y\n")).unwrap(), "CONFIG_A=y\n");
    assert_eq!(
        unpack(b"\x1f\x8bnonsense".to_vec()).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    let bomb = gzip(&vec![b'#'; usize::try_from(MAX_TEXT).unwrap() + 1]);
    assert!(bomb.len() < MAX_PACKED);
    assert_eq!(unpack(bomb).unwrap_err().kind(), io::ErrorKind::InvalidData);
}
