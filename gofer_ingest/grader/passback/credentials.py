"""The keys and secrets of passback, read from their files here and nowhere else.

They are read when an LMS is first spoken to, and again when staff ask to try it again: a file that
is missing keeps one LMS's grades waiting, and never keeps a grader from grading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.catalogue.passback import Kind, Passback
from shared.errors import ConfigError
from shared.lti.ags import GradeServices
from shared.lti.edx import edx_recipient
from shared.lti.outcomes import Outcomes
from shared.lti.token import Registration
from shared.lti.tool_key import ToolKey

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from shared.lti.port import Lms

_MAX_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets us in at the LMSs.

    Attributes:
        key: `LTI_CONSUMER_KEY`.
        secret: `LTI_CONSUMER_SECRET`.
    """

    key: SecretStr | None
    secret: SecretStr | None

    def connect(self, passback: Passback) -> Lms:
        """Return the adapter for an LMS.

        Raises:
            ConfigError: a secret is not set, or its file cannot be read.
        """
        if passback.kind is Kind.LTI13:
            return self._grade_services(passback)
        return self._outcomes(passback)

    def _outcomes(self, passback: Passback) -> Lms:
        if passback.key_file is not None and passback.secret_file is not None:
            key = read_secret("key_file", passback.key_file)
            secret = read_secret("secret_file", passback.secret_file)
        elif self.key is not None and self.secret is not None:
            key, secret = self.key.get_secret_value(), self.secret.get_secret_value()
        else:
            raise ConfigError(
                "LTI_CONSUMER_KEY and LTI_CONSUMER_SECRET are not set, and the course config names "
                "no files in their place"
            )
        return Outcomes(key, secret, service_url=passback.service_url or _edx_service(passback))

    def _grade_services(self, passback: Passback) -> Lms:
        client_id, token_url = passback.client_id, passback.token_url
        key_file = passback.private_key_file
        if client_id is None or token_url is None or key_file is None:
            raise ConfigError("client_id, token_url and private_key_file belong together")
        registration = Registration(
            client_id=client_id,
            token_url=token_url,
            key=ToolKey(read_secret("private_key_file", key_file)),
            audience=passback.audience,
        )
        return GradeServices(registration, line_items_url=passback.line_items)


def read_secret(name: str, path: Path) -> str:
    """Return what a file of a secret holds, without the line's end.

    Args:
        name: of the key in the course config that names the file.
        path: of the file.

    Raises:
        ConfigError: it cannot be read, or is empty. Its content is never quoted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{name}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: {path} is not text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or len(content) > _MAX_BYTES:
        raise ConfigError(f"{name}: {path} is empty, or far too long")
    return text


def _edx_service(passback: Passback) -> str | None:
    """Return an outcomes service of the edX, by which the connection is tried."""
    if passback.edx_url is None or passback.course_id is None or passback.lms_id is None:
        return None
    return edx_recipient(passback.edx_url, passback.course_id, passback.lms_id, "").service_url
