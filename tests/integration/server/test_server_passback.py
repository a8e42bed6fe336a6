"""What the server tells of passback: the public key, and how the outbox stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt import PyJWK

from gofer_ingest.server.public_keys import read_public_keys
from shared.errors import ConfigError
from shared.lti.tool_key import ToolKey
from shared.model import utc_now
from shared.queue_snapshot import PassbackOutlook, QueueSnapshot, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.server.conftest import Server


@pytest.fixture(scope="module")
def private_pem() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_what_the_tool_signs_the_served_key_verifies(
    start: Callable[..., Server], tmp_path: Path, private_pem: str
) -> None:
    tool = ToolKey(private_pem)
    path = tmp_path / "public.pem"
    path.write_text(tool.public_pem())
    answer = start(GOFER_LTI_PUBLIC_KEY=str(path)).get("jwks.json", student=None)
    assert answer.status_code == 200
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}  # and nothing of the private half
    signed = tool.signed({"sub": "gofer"})
    assert jwt.get_unverified_header(signed)["kid"] == key["kid"]
    assert jwt.decode(signed, PyJWK(key), algorithms=["RS256"]) == {"sub": "gofer"}


def test_without_a_key_there_is_no_such_address(server: Server) -> None:
    assert server.get("jwks.json", student=None).status_code == 404


def test_a_private_key_is_refused(tmp_path: Path, private_pem: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(private_pem)
    with pytest.raises(ConfigError, match=r"GOFER_LTI_PUBLIC_KEY: .* holds a private key"):
        read_public_keys(path)


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(content)
    with pytest.raises(ConfigError, match="is no public key"):
        read_public_keys(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_public_keys(tmp_path / "nothing.pem")


def test_readyz_and_metrics_tell_depth_age_and_failures(server: Server) -> None:
    now = utc_now()
    outlook = PassbackOutlook(
        queued=3,
        held=2,
        parked=1,
        failed=4,
        oldest_queued_at=now - timedelta(seconds=90),
        troubled=("lms.example.edu",),
    )
    write_snapshot(server.volume, QueueSnapshot(written_at=now, concurrency=1, passback=outlook))
    ready = server.get("readyz", student=None).json()
    assert ready["passback"]["queued"] == 3
    assert ready["passback"]["failed"] == 4
    assert ready["passback"]["oldest_queued_at"]
    told = server.metrics()
    assert told['gofer_passback_grades{state="failed"}'] == 4
    assert told['gofer_passback_grades{state="queued"}'] == 3
    assert told['gofer_passback_grades{state="held"}'] == 2
    assert told['gofer_passback_grades{state="parked"}'] == 1
    assert 90 <= told["gofer_passback_oldest_seconds"] < 150
    assert told["gofer_passback_lms_troubled"] == 1
