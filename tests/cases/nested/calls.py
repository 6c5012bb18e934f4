"""System calls that sandboxes, debuggers and tests use, by number, so that nothing else is needed.

With a name as argument, that one alone; else those in `ALL`. Prints the name of each that works.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
# Numbers that differ: x86-64, then those of all newer architectures.
OLD = {"getppid": (110, 173), "bpf": (321, 280), "perf": (298, 241), "add_key": (248, 217), "seccomp": (317, 277)}


def done(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def number(name):
    return OLD[name][os.uname().machine != "x86_64"]


def call(nr, *arguments):
    return done(libc.syscall(nr, *arguments))


def in_child(function):
    """What must not happen to this process itself."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException as error:
            print(error)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def fuse():
    device = os.open("/dev/fuse", os.O_RDWR)
    options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
    done(libc.mount(b"test", b"/mnt", b"fuse", 0, options))


def tap():
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"tap0", 0x1002))
    assert "tap0" in [name for _, name in socket.if_nameindex()]


def bpf():
    """BPF_MAP_CREATE: an array of one."""
    attributes = ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 8, 1, 0), 72)
    call(number("bpf"), 0, attributes, 72)


def landlock():
    """The version of its interface."""
    assert call(444, None, 0, 1) >= 4


def filter_getppid(flags, verdict):
    """A filter with this verdict on getppid."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number("getppid")), (6, 0, 0, verdict), (6, 0, 0, 0x7FFF0000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text))
    done(libc.prctl(38, 1, 0, 0, 0))
    return call(number("seccomp"), 1, flags, program)


def seccomp():
    def child():
        filter_getppid(0, 0x50000 + 77)
        assert libc.syscall(number("getppid")) == -1 and ctypes.get_errno() == 77

    in_child(child)


def seccomp_with_a_supervisor():
    in_child(lambda: filter_getppid(8, 0x7FC00000))


def io_uring():
    call(425, 8, ctypes.create_string_buffer(120))


def pidfd():
    call(434, os.getpid(), 0)


def ptrace():
    """Of a process that is no child."""
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        done(libc.ptrace(16, child, 0, 0))
        os.waitpid(child, 0)
        done(libc.ptrace(17, child, 0, 0))
    finally:
        os.kill(child, signal.SIGKILL)


def perf():
    """A software clock of this process."""
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 112)
    call(number("perf"), attributes, 0, -1, -1, 0)


def keyring():
    call(number("add_key"), b"user", b"test", b"x", 1, -2)


def memfd():
    os.memfd_create("test")


def message_queue():
    done(libc.mq_open(b"/test", os.O_CREAT | os.O_RDWR, 0o600, None))
    done(libc.mq_unlink(b"/test"))


def vsock():
    socket.socket(socket.AF_VSOCK)


ALL = [landlock, seccomp, seccomp_with_a_supervisor, io_uring, pidfd, ptrace, perf, keyring, memfd, message_queue, vsock]

if len(sys.argv) > 1:
    globals()[sys.argv[1]]()
else:
    for one in ALL:
        name = one.__name__ if one is io_uring else one.__name__.replace("_", " ")
        try:
            one()
            print(name, flush=True)
        except (OSError, AssertionError) as error:
            print(f"{name} FAILED: {error!r}", flush=True)
