"""Each limit is in the JSON that the engine is sent, not only in what the SDK is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker
import pytest

from gofer_ingest.grader.docker_sandbox import LABEL_RUN, LABEL_VOLUME, container_request
from shared.model import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS = Limits(
    time_s=90.0,
    memory_bytes=768 << 20,
    cpus=1.5,
    pids=77,
    output_bytes=1 << 20,
    disk_bytes=123 << 20,
)
IMAGE = "sha256:" + "a" * 64
LABELS = {LABEL_VOLUME: "mark", LABEL_RUN: "run"}


class UnsentClient(docker.APIClient):
    """The SDK's own client, up to the moment of sending."""

    def __init__(self) -> None:
        super().__init__(base_url="http+unix://nowhere", version="1.41")
        self.posted: dict[str, Any] = {}

    def _post_json(self, url: str, data: Any, **kwargs: Any) -> None:
        # The SDK itself leaves out what is None before it encodes the rest.
        self.posted = {name: value for name, value in data.items() if value is not None}

    def _result(self, response: Any, json: bool = False, binary: bool = False) -> Any:  # noqa: FBT001, FBT002 - the SDK's own signature
        return {"Id": "container"}


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    """The request for one container as it goes over the wire."""
    client = UnsentClient()
    request = container_request(IMAGE, LIMITS, LABELS)
    request["host_config"] = client.create_host_config(**request["host_config"])
    client.create_container(**request)
    client.close()
    return client.posted


@pytest.mark.parametrize("runtime", [None, "runsc"])
def test_the_runtime_is_the_one_that_is_set_and_else_the_engines(runtime: str | None) -> None:
    client = UnsentClient()
    request = container_request(IMAGE, LIMITS, LABELS, runtime)
    request["host_config"] = client.create_host_config(**request["host_config"])
    client.create_container(**request)
    client.close()
    assert client.posted["HostConfig"].get("Runtime") == runtime


def test_stopping_a_container_kills_it_so_that_it_cannot_look_like_the_notebooks_doing(
    sent: dict[str, Any],
) -> None:
    assert sent["StopSignal"] == "SIGKILL"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("NetworkMode", "none"),
        ("ReadonlyRootfs", True),
        ("CapDrop", ["ALL"]),
        ("SecurityOpt", ["no-new-privileges"]),
        ("PidsLimit", 77),
        ("Memory", 768 << 20),
        ("MemorySwap", 768 << 20),
        ("NanoCpus", 1_500_000_000),
        ("ShmSize", 16 << 20),
        ("IpcMode", "private"),
        ("LogConfig", {"Type": "none", "Config": {}}),
        ("RestartPolicy", {"Name": "no"}),
    ],
)
def test_each_limit_of_the_host_is_sent(sent: dict[str, Any], limit: str, expected: object) -> None:
    assert sent["HostConfig"][limit] == expected


@pytest.mark.parametrize(
    ("name", "limit"), [("core", 0), ("fsize", LIMITS.disk_bytes), ("nofile", 1024)]
)
def test_each_ulimit_is_sent_soft_and_hard(sent: dict[str, Any], name: str, limit: int) -> None:
    found = {ulimit["Name"]: ulimit for ulimit in sent["HostConfig"]["Ulimits"]}
    assert found[name] == {"Name": name, "Soft": limit, "Hard": limit}


@pytest.mark.parametrize(
    "widening",
    [
        "Binds",
        "Mounts",
        "VolumesFrom",
        "CapAdd",
        "Privileged",
        "Devices",
        "DeviceRequests",
        "PortBindings",
        "PublishAllPorts",
        "PidMode",
        "UsernsMode",
        "ExtraHosts",
        "Links",
        "OomKillDisable",
        "GroupAdd",
        "AutoRemove",
        "Init",
    ],
)
def test_nothing_that_widens_a_container_is_sent(sent: dict[str, Any], widening: str) -> None:
    assert not sent["HostConfig"].get(widening)


def test_init_is_refused_in_so_many_words(sent: dict[str, Any]) -> None:
    """Left out, the engine's own setting would count, and the harness must be PID 1."""
    assert sent["HostConfig"]["Init"] is False


def test_the_only_writable_place_is_a_tmpfs_of_limited_size(sent: dict[str, Any]) -> None:
    tmpfs = sent["HostConfig"]["Tmpfs"]
    assert list(tmpfs) == ["/tmp"]
    options = tmpfs["/tmp"].split(",")
    assert f"size={LIMITS.disk_bytes}" in options
    assert {"nosuid", "nodev"} <= set(options)
    assert "Volumes" not in sent


def test_the_harness_is_not_root(sent: dict[str, Any]) -> None:
    uid, gid = map(int, sent["User"].split(":"))
    assert uid > 1000
    assert gid > 1000


def test_the_job_comes_by_standard_input_and_there_is_no_terminal(sent: dict[str, Any]) -> None:
    assert sent["OpenStdin"] is True
    assert sent["AttachStdin"] is True
    assert sent["AttachStdout"] is True
    assert sent["AttachStderr"] is True
    assert sent["Tty"] is False


def test_a_container_carries_its_volume_and_its_run(sent: dict[str, Any]) -> None:
    assert sent["Labels"] == LABELS
    assert sent["Image"] == IMAGE


def test_the_environment_is_a_short_list_with_nothing_of_the_graders(sent: dict[str, Any]) -> None:
    environment: Mapping[str, str] = dict(pair.split("=", 1) for pair in sent["Env"])
    assert set(environment) == {"HOME", "TMPDIR", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
    assert environment["HOME"].startswith("/tmp/")
    assert environment["TMPDIR"].startswith("/tmp/")
    assert environment["OMP_NUM_THREADS"] == "2"


def test_a_container_ends_itself_some_time_after_its_deadline(sent: dict[str, Any]) -> None:
    command = sent["Cmd"]
    lifetime_s = float(command[command.index("--lifetime-s") + 1])
    assert LIMITS.time_s < lifetime_s < LIMITS.time_s + 600


@pytest.mark.parametrize(("cpus", "nano"), [(0.5, 500_000_000), (4.0, 4_000_000_000)])
def test_a_fraction_of_a_processor_is_sent_as_such(cpus: float, nano: int) -> None:
    assert container_request(IMAGE, Limits(cpus=cpus), {})["host_config"]["nano_cpus"] == nano
