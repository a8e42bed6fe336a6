from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from gofer_ingest.grader.passback import trial
from gofer_ingest.grader.passback.credentials import Credentials, read_secret
from gofer_ingest.grader.passback.lanes import Lane
from gofer_ingest.grader.passback.setting_up import make_lanes
from shared.catalogue import Assignment
from shared.catalogue.passback import Kind, Passback
from shared.errors import ConfigError
from shared.lti.ags import GradeServices
from shared.lti.outcomes import Outcomes
from shared.lti.port import Answer
from shared.model import AssignmentKey, Limits
from tests.support.scripted_lms import LOCKED_OUT, ScriptedLms

if TYPE_CHECKING:
    from pathlib import Path

    from shared.lti.port import Lms

NONE = Credentials(None, None)
KEY = AssignmentKey("c", "s", "a")


def test_a_line_end_is_not_part_of_a_secret_and_spaces_are(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b" open sesame \r\n")
    assert read_secret("secret_file", path) == " open sesame "


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 70_000, b"\xff\xfe"])
def test_what_is_no_secret_is_refused_and_never_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"secret_file: .*secret is") as wrong:
        read_secret("secret_file", path)
    assert "xxx" not in str(wrong.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"key_file: .*nothing cannot be read: No such file"):
        read_secret("key_file", tmp_path / "nothing")


def test_by_lti_11_the_courses_files_go_before_the_variables(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    (tmp_path / "secret").write_text("s")
    course = Passback(Kind.LTI11, key_file=tmp_path / "key", secret_file=tmp_path / "secret")
    for credentials, passback in (
        (NONE, course),
        (Credentials(SecretStr("k"), SecretStr("s")), Passback(Kind.LTI11)),
    ):
        with credentials.connect(passback) as lms:
            assert isinstance(lms, Outcomes)
    with pytest.raises(ConfigError, match="LTI_CONSUMER_KEY and LTI_CONSUMER_SECRET are not set"):
        NONE.connect(Passback(Kind.LTI11))


def test_by_lti_13_the_key_is_read_from_its_file(tmp_path: Path) -> None:
    passback = Passback(
        Kind.LTI13,
        client_id="gofer",
        token_url="https://lms.example.edu/token",
        private_key_file=tmp_path / "lti.pem",
    )
    with pytest.raises(ConfigError, match="private_key_file"):
        NONE.connect(passback)
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "lti.pem").write_bytes(pem)
    with NONE.connect(passback) as lms:
        assert isinstance(lms, GradeServices)


def assignment(name: str, passback: Passback | None, folder: Path) -> Assignment:
    return Assignment(
        key=AssignmentKey("c", "s", name),
        autograder_zip=folder,
        solution=None,
        image=None,
        limits=Limits(),
        lms_id=None,
        passback=passback,
    )


def test_assignments_share_a_lane_where_they_are_let_in_by_the_same_key(tmp_path: Path) -> None:
    edx = Passback(Kind.LTI11, edx_url="https://edx.example.org", course_id="a+b+c", lms_id="1")
    other = Passback(Kind.LTI11, edx_url="https://edx.example.org", key_file=tmp_path / "k")
    lanes = make_lanes(
        [
            assignment("lab01", edx, tmp_path),
            assignment("lab02", edx, tmp_path),
            assignment("lab03", other, tmp_path),
            assignment("lab04", None, tmp_path),
        ],
        NONE,
    )
    assert [sorted(key.assignment for key in lane.keys) for lane in lanes] == [
        ["lab01", "lab02"],
        ["lab03"],
    ]
    assert {lane.name for lane in lanes} == {"edx.example.org"}


def lane(name: str, lms: Lms | ConfigError) -> Lane:
    def connect() -> Lms:
        if isinstance(lms, ConfigError):
            raise lms
        return lms

    return Lane(name, {KEY: Passback(Kind.LTI13)}, connect)


def test_trying_tells_of_each_lms_and_waits_for_none_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial, "TRY_WITHIN_S", 0.5)
    hangs, locked = ScriptedLms(), ScriptedLms()
    hangs.gate = threading.Event()
    locked.tested = LOCKED_OUT
    tried = trial.try_all(
        [
            lane("well", ScriptedLms()),
            lane("hangs", hangs),
            lane("locked", locked),
            lane("unread", ConfigError("key_file: k cannot be read: No such file")),
        ]
    )
    hangs.gate.set()
    assert [(one.name, answer.answer, answer.cause) for one, answer in tried] == [
        ("well", Answer.ARRIVED, None),
        ("hangs", Answer.TRY_LATER, "timeout"),
        ("locked", Answer.REFUSED, "signature"),
        ("unread", Answer.REFUSED, "credentials"),
    ]
    assert locked.is_closed
