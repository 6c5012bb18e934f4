use super::*;

#[test]
fn only_listening_sockets_of_the_user_count() {
    let table = "Num RefCount Protocol Flags Type St Inode Path\n\
        0: 00000002 00000000 00010000 0001 01 100 @qvm/1000/alpha\n\
        0: 00000003 00000000 00000000 0001 03 101 @qvm/1000/alpha\n\
        0: 00000002 00000000 00010000 0001 01 102 @qvm/10001/beta\n\
        0: 00000002 00000000 00010000 0001 01 103 @qvm/1000/gamma\n\
        0: 00000002 00000000 00010000 0001 01 104\n\
        0: 00000002 00000000 00010000 0001 01 105 /run/qvm/1000/delta\n";
    assert_eq!(names(table, "qvm", 1000), ["alpha", "gamma"]);
}
