"""A PostgreSQL server of a test run's own, from the binaries that Debian's `postgresql` installs.

It listens on a socket in a folder of its own and on no network. PostgreSQL refuses to run as root,
so there it runs as Debian's `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT: Final = "postgres"


def binaries() -> Path | None:
    """The folder of the newest server that is installed; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A server that runs.

    Attributes:
        folder: of its socket.
    """

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://{ACCOUNT}@/{database}?host={self.folder}"

    def make_database(self, name: str, *, like: str = "template0") -> str:
        """Make a database and return its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def running_server(bin_folder: Path) -> Iterator[PostgresqlServer]:
    """Start a server, yield it, and stop it."""
    user = ACCOUNT if os.geteuid() == 0 else None
    # Not under pytest's folder: a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="gofer-pg-"))
    if user:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, log = folder / "data", folder / "log"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [bin_folder / program, *arguments],
            user=user,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            # A pipe would stay open in the server that pg_ctl leaves behind.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
        told = log.read_text() if log.exists() else ""
        assert done.returncode == 0, f"{program} failed. {told}"

    try:
        run("initdb", "-D", str(data), "-U", ACCOUNT, "-A", "trust", "--no-sync", "-E", "UTF8")
        # What is lost with the power is lost with the test.
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off"
        run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", settings, "start")
        try:
            yield PostgresqlServer(folder)
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
