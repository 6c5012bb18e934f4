use std::io::ErrorKind;

use rustix::net::SendFlags;

use super::super::super::fixture::channel;
use super::super::*;

fn send(channel: &OwnedFd, message: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(message)];
    rustix::net::sendmsg(channel, &parts, &mut control, SendFlags::empty()).unwrap();
}

#[test]
fn other_messages_are_refused() {
    let (host, device) = channel();
    let file = device.try_clone().unwrap();
    let one = [file.as_fd()];
    send(&device, &[0; 8], &[]);
    send(&device, &[0; 7], &one);
    send(&device, &[0; 9], &one);
    send(&device, &[0; 8], &[file.as_fd(), file.as_fd(), file.as_fd()]);
    for case in 0..4 {
        let error = accept(host.as_fd()).err();
        let kind = error.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::InvalidData), "{case}");
    }
    send(&device, &[0; 8], &one);
    assert!(accept(host.as_fd()).unwrap().is_some());
}
