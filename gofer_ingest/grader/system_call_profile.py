"""What a container whose runs make namespaces may ask of the kernel: a seccomp profile.

Allowed is what Docker's default profile allows a container without capabilities (moby,
`profiles/seccomp/default.json`), for one machine's native calls alone, and in addition what a run
needs to enter its own view of the machine. The harness closes that again for the run before it
reads the notebook (`harness/system_calls.py`). Pure: it makes a text.
"""

from __future__ import annotations

import json
from typing import Any, Final

FOR_NAMESPACES: Final = ("mount", "umount2", "unshare")
"""What the default profile keeps for those who have CAP_SYS_ADMIN; inside a user namespace of its
own a process has that over its own mounts alone."""

_ALLOWED: Final = """
accept accept4 access adjtimex alarm arch_prctl bind brk capget capset chdir chmod chown
clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range
creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync
fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex
futex_requeue futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp
getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname
getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1
inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get
ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise
map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock
mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink
mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pwrite64
pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmsg
remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr
sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop send
sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid
setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit
setsid setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill
time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat
utimes vfork vmsplice wait4 waitid waitpid write writev
"""

_FAMILIES: Final = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16}
"""What sockets may be made of: none of them leads out of a network namespace with no interface."""

_NEW_NAMESPACES: Final = 0x7E020080
_PERSONALITIES: Final = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
_ENOSYS: Final = 38


def namespace_profile() -> str:
    """Return the profile as JSON, as the engine's `seccomp=` option takes it."""
    rules: list[dict[str, Any]] = [
        {"names": [*_ALLOWED.split(), *FOR_NAMESPACES], "action": "SCMP_ACT_ALLOW"},
        # Its flags cannot be looked at, so libraries are to fall back to `clone`.
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
        _only_where("clone", "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES, 0),
        *(_only_where("socket", "SCMP_CMP_EQ", family) for family in _FAMILIES.values()),
        *(_only_where("personality", "SCMP_CMP_EQ", value) for value in _PERSONALITIES),
    ]
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules})


def _only_where(name: str, comparison: str, value: int, value_two: int = 0) -> dict[str, Any]:
    first = {"index": 0, "value": value, "valueTwo": value_two, "op": comparison}
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [first]}
