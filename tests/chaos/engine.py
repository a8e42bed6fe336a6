"""A container engine of the chaos test's own, which may be killed without harm to anybody else's.

It is a `dockerd` with its own socket and folders. Loading the grader image into it takes most of a
minute, so its images are kept between runs in the cache folder, keyed by the image. What runs in it
is another matter: after `close` no process, mount or socket of it is left, whatever was killed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import docker
import docker.errors
import psutil
import requests

from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE: Final = ROOT / ".cache" / "engines"
STARTS_WITHIN_S: Final = 60.0
STOPS_WITHIN_S: Final = 40.0
LOADS_WITHIN_S: Final = 280.0
CALL_TIMEOUT_S: Final = 20
FOLDERS_FOR_ONE_IMAGE: Final = 8
"""So many chaos tests may run on this machine at one time."""


def obstacle() -> str | None:
    """Return why no private engine can be started here, or None where one can."""
    if os.geteuid() != 0:
        return "a private container engine needs root"
    missing = [
        name for name in ("dockerd", "docker", "mount", "unshare") if shutil.which(name) is None
    ]
    return f"this machine lacks {', '.join(missing)}" if missing else None


class PrivateEngine:
    """A container engine that holds one image and is there for one test.

    Args:
        image: a tag on this machine's usual engine; it has the same one in this engine.
    """

    def __init__(self, image: str) -> None:
        self._image = image
        self._cleanup = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None
        # not pytest's folder: a socket's path may have 107 characters
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self._data = self._folder / "data"

    @property
    def host(self) -> str:
        """What `DOCKER_HOST` says to use it."""
        return f"unix://{self._folder}/d.sock"

    def __enter__(self) -> Self:
        try:
            image_id = self._image_id()
            self._data = self._take_data_folder(image_id).resolve()  # runc takes no symlink
            self.start()
            self.remove_containers()
            self._load(image_id)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- what troubles it -------------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        self._forget_dead_containerd()
        with (self._folder / "d.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._has_an_answer_or_ended, STARTS_WITHIN_S)
        if self._daemon.poll() is not None:
            raise RuntimeError(f"the private engine did not start: {self._log_tail()}")

    def _forget_dead_containerd(self) -> None:
        """Remove the pid file of a containerd that died with its daemon.

        Where nobody reaps the dead, as in some containers, the daemon would take it for alive.
        """
        pid_file = self._folder / "exec" / "containerd" / "containerd.pid"
        with suppress(FileNotFoundError):
            try:
                is_dead = psutil.Process(int(pid_file.read_text())).status() == psutil.STATUS_ZOMBIE
            except (psutil.NoSuchProcess, ValueError):
                is_dead = True
            if is_dead:
                pid_file.unlink()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon: `SIGTERM` as an administrator would, `SIGKILL` as a crash."""
        if self._daemon is None:
            return
        self._daemon.send_signal(number)
        self._daemon.wait(STOPS_WITHIN_S)

    def start_if_down(self) -> None:
        """Start the daemon unless it runs."""
        if self._daemon is None or self._daemon.poll() is not None:
            self.start()

    def exit_code(self, container_id: str) -> int:
        """Return how a container that has ended did so."""
        with self._connected() as api:
            return int(api.inspect_container(container_id)["State"]["ExitCode"])

    def ask_to_end(self, container_id: str) -> None:
        """Stop a container as `docker stop` does."""
        with self._connected() as api:
            api.stop(container_id)

    def processes(self, container_id: str) -> list[str]:
        """List the command lines in a container."""
        with self._connected() as api:
            return [line[-1] for line in api.top(container_id)["Processes"]]

    def containers(self) -> list[str]:
        """List the ids of all containers, ended ones as well."""
        with self._connected() as api:
            return [container["Id"] for container in api.containers(all=True)]

    def kill(self, container_id: str) -> bool:
        """Send SIGKILL to a container; return whether it was still running."""
        with suppress(docker.errors.APIError), self._connected() as api:
            api.kill(container_id, signal.SIGKILL)
            return True
        return False

    def running(self) -> list[str]:
        """List the ids of containers that run."""
        with self._connected() as api:
            return sorted(container["Id"] for container in api.containers())

    def remove_containers(self) -> None:
        """Remove whatever containers there are."""
        with self._connected() as api:
            for container in api.containers(all=True):
                with suppress(docker.errors.APIError):
                    api.remove_container(container["Id"], force=True, v=True)

    # --- its beginning ----------------------------------------------------------------------------

    def _image_id(self) -> str:
        found = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Id}}", self._image],
            capture_output=True,
            text=True,
            check=True,
        )
        return found.stdout.strip()

    def _take_data_folder(self, image_id: str) -> Path:
        """Take a folder of images that no other engine uses."""
        for number in range(FOLDERS_FOR_ONE_IMAGE):
            folder = CACHE / f"{image_id.removeprefix('sha256:')[:12]}-{number}"
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._cleanup.callback(os.close, lock)
            self._forget_other_images(image_id)
            return folder / "data"
        raise RuntimeError(f"all folders in {CACHE} for this image are in use")

    @staticmethod
    def _forget_other_images(image_id: str) -> None:
        """Remove folders of images that this machine no longer has under the tag."""
        for folder in CACHE.iterdir():
            if folder.name.startswith(image_id.removeprefix("sha256:")[:12]):
                continue
            with (folder / "lock").open("w") as lock, suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)

    def _command(self) -> list[str]:
        config = self._folder / "daemon.json"
        config.write_text("{}")  # not this machine's own
        return [
            # A network of its own: an engine without a bridge removes `docker0` where it finds it,
            # and with it the network of this machine's usual engine.
            *("unshare", "--net", "--"),
            "dockerd",
            f"--config-file={config}",
            f"--data-root={self._data}",
            f"--exec-root={self._folder}/exec",
            f"--host={self.host}",
            f"--pidfile={self._folder}/d.pid",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]

    def _load(self, image_id: str) -> None:
        with self._connected() as api:
            if any(found["Id"] == image_id for found in api.images(name=self._image)):
                return
        with subprocess.Popen(["docker", "save", self._image], stdout=subprocess.PIPE) as saving:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=saving.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=LOADS_WITHIN_S,
            )

    # --- its end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """End the daemon and whatever of it outlived it, and remove what it had; safe to repeat."""
        if self._daemon is not None:
            with suppress(AssertionError, RuntimeError, docker.errors.DockerException, OSError):
                if self._daemon.poll() is not None:
                    self.start()  # killed: a new daemon ends the old one's containers in order
                self.remove_containers()
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
            self._daemon = None
            self._end_processes()
            self._unmount()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._cleanup.close()

    def _end_processes(self) -> None:
        """Kill the containerd and the shims of this engine, should they have outlived it."""
        leftover = [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(self._folder) in " ".join(process.info["cmdline"] or ())
            and process.pid != os.getpid()
            and "containerd" in process.info["cmdline"][0]
        ]
        for process in leftover:
            with suppress(psutil.NoSuchProcess):
                for below in process.children(recursive=True):
                    below.kill()
                process.kill()
        psutil.wait_procs(leftover, STOPS_WITHIN_S)

    def _unmount(self) -> None:
        for point in reversed(list(self._mounts())):
            subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)

    def _mounts(self) -> Iterator[str]:
        for line in Path("/proc/self/mounts").read_text().splitlines():
            point = line.split()[1]
            # a daemon mounts its data folder upon itself, and leaves it so
            if f"{point}/".startswith((f"{self._folder}/exec/", f"{self._data}/")):
                yield point

    # --- its API ----------------------------------------------------------------------------------

    def _connected(self) -> _Connection:
        return _Connection(self.host)

    def _has_an_answer_or_ended(self) -> bool:
        if self._daemon is None or self._daemon.poll() is not None:
            return True
        # the SDK leaves a socket open that nobody answers
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(self.host.removeprefix("unix://"))
            except OSError:
                return False
        with (
            suppress(docker.errors.DockerException, requests.RequestException),
            self._connected() as api,
        ):
            return bool(api.ping())
        return False

    def _log_tail(self) -> str:
        return (self._folder / "d.log").read_text(errors="replace")[-2000:]


class _Connection:
    """A client that is closed at the end of its block."""

    def __init__(self, host: str) -> None:
        self._host = host

    def __enter__(self) -> docker.APIClient:
        self._api = docker.APIClient(base_url=self._host, timeout=CALL_TIMEOUT_S)
        return self._api

    def __exit__(self, *exception: object) -> None:
        self._api.close()
