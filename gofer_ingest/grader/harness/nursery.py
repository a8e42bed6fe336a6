"""A kernel that is there before its notebook: forked from what has imported all that it needs.

Starting an interpreter and importing what courses use costs a kernel two CPU-seconds. The process
that is to be the kernel is forked here before there is a job, so it has seen none of its secrets,
and it keeps no descriptor of the harness's. To jupyter_client it is a kernel like any other, behind
its own extension point, the provisioner; to a notebook it looks like one that was launched.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import traceback
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import run_sync

from . import kernel_calls

KERNEL_NAME = "python3"
READY_WITHIN_S = 60.0
SOCKET_PATH_MAX = 90
"""A Unix socket's path has at most 107 characters; the port is appended to ours."""
_AFTER_STANDARD = 3
_EXIT_FAILED = 70
_LAUNCHER = "ipykernel_launcher"


class ForkedProcess:
    """A child of this process, with what jupyter_client wants to know of a `Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end; return its exit code."""
        return self._reap(0)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Nursery:
    """The process that waits to become the kernel; make it before any thread, socket or loop."""

    def __init__(self) -> None:
        """Fork it.

        Raises:
            RuntimeError: this process has threads, and a fork would copy their locks as they are.
        """
        if threading.active_count() > 1:
            raise RuntimeError("a process with threads cannot be forked safely")
        orders, self._orders = os.pipe()
        gc.collect()
        gc.freeze()  # a collection in one process would make a page of its own of each shared one
        pid = os.fork()
        if pid == 0:
            _become_kernel(orders)
        os.close(orders)
        self.process = ForkedProcess(pid)

    def order(self, command: list[str], environment: dict[str, str]) -> ForkedProcess:
        """Let it be the kernel that `command` would start."""
        arguments = command[command.index(_LAUNCHER) + 1 :]
        order = {"arguments": arguments, "environment": environment}
        with os.fdopen(self._orders, "w", encoding="utf-8") as pipe:
            json.dump(order, pipe)
        return self.process


class ForkingProvisioner(LocalProvisioner):
    """Takes the kernel's process from a nursery; all else is as for one that was launched."""

    nursery: Nursery

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Let the nursery's process be the kernel."""
        self.process = self.nursery.order(cmd, kwargs["env"])  # type: ignore[assignment]
        self.pid = self.pgid = self.nursery.process.pid  # type: ignore[assignment]
        return self.connection_info


@dataclass(frozen=True)
class WarmKernel:
    """A kernel that is ready to execute, and the client that speaks to it."""

    manager: Any
    client: Any


def start_kernel(nursery: Nursery, folder: Path) -> WarmKernel:
    """Start the nursery's kernel, with its sockets in `folder`, and wait until it answers.

    Raises:
        RuntimeError: it did not come up.
    """
    manager: Any = AsyncKernelManager(kernel_name=KERNEL_NAME)
    sockets = str(folder / "kernel")
    if len(sockets) <= SOCKET_PATH_MAX:
        manager.transport = "ipc"  # there may be no network, not even with oneself
        manager.ip = sockets
    provisioner: Any = ForkingProvisioner(
        kernel_id=str(uuid.uuid4()), kernel_spec=manager.kernel_spec, parent=manager
    )
    provisioner.nursery = nursery
    manager.provisioner = provisioner
    # as nbclient asks for: nothing is to be remembered, and no database opened
    history = ["--HistoryManager.hist_file=:memory:"]
    run_sync(manager.start_kernel)(extra_arguments=history)
    client = manager.client()
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=READY_WITHIN_S)
    client.allow_stdin = False
    return WarmKernel(manager, client)


def _become_kernel(orders: int) -> NoReturn:
    """Wait for the order, then be a kernel like one that was launched, until its end."""
    try:
        os.setsid()
        _close_all_but(orders)
        with os.fdopen(orders, encoding="utf-8") as pipe:
            text = pipe.read()
        if not text:  # the harness has gone
            os._exit(0)
        order = json.loads(text)
        _look_launched(order["arguments"], order["environment"])
        # it would take this from JPY_PARENT_PID when it is imported
        parent = f"--IPKernelApp.parent_handle={os.getppid()}"
        IPKernelApp.launch_instance([*order["arguments"], parent])
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the last frame of this process
        if isinstance(error, SystemExit):
            os._exit(error.code if isinstance(error.code, int) else 0)
        traceback.print_exc(file=sys.__stderr__)
        os._exit(_EXIT_FAILED)


def _close_all_but(descriptor: int) -> None:
    """Close what the harness has open: its job and its answer above all."""
    os.closerange(_AFTER_STANDARD, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))


def _look_launched(arguments: list[str], environment: dict[str, str]) -> None:
    """Put what a notebook can see of its process as a launcher would leave it."""
    kernel_calls.allow_inspection()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    # what is random in a fresh interpreter is so here: `random` itself is seeded at each fork
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    asyncio.set_event_loop(None)
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{__package__}.")]:
        del sys.modules[name]
    sys.path.insert(_place_of_folder(), "")
    sys.argv = [str(Path(sys.modules["ipykernel"].__path__[0]).parent / f"{_LAUNCHER}.py")]
    sys.argv += arguments


def _place_of_folder() -> int:
    """Where IPython puts the notebook's folder; under `-I`, as the harness runs, it does not."""
    for place, path in enumerate(sys.path):
        if Path(path).name in {"site-packages", "dist-packages"}:
            return place
    return 0
