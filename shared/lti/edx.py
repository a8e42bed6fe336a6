"""Where a grade goes at edX, from what the classic course config says: pure.

A captured launch says the same by `lis_outcome_service_url` and `lis_result_sourcedid`; where there
is one it is to be taken.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from shared.errors import ConfigError
from shared.lti.port import Recipient

_COURSE_PREFIXES: Final = ("course-v1:", "ccx-v1:")
_BLOCK: Final = "lti_consumer"
_OLD_BLOCK: Final = "+type@lti+block@"
"""edX's first LTI block, still in old courses; it takes the same requests at another handler."""
_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")


def edx_recipient(edx_url: str, course_id: str, lms_id: str, student: str) -> Recipient:
    """Return where a student's grade goes.

    Args:
        edx_url: `EDX_URL`: a host, or a URL with a scheme; a bare host is spoken to by https.
        course_id: as in the course config, such as `BerkeleyX+Data8.1x+1T2024`, with or without
            `course-v1:` before it.
        lms_id: the assignment's id in the course config: the block's, such as `6333e19d…`; a whole
            usage key (`block-v1:…`) is taken as it is.
        student: the Hub's user name, which is edX's anonymous id of the student where the Hub's
            login made it from the launch's `user_id`.

    Raises:
        ConfigError: one of staff's words cannot be used; the line names it.
    """
    base = edx_base(edx_url)
    course_key = _course_key(course_id)
    usage_key = _usage_key(course_key, lms_id)
    handler = "grade_handler" if _OLD_BLOCK in usage_key else "outcome_service_handler"
    path = f"/courses/{course_key}/xblock/{usage_key}/handler_noauth/{handler}"
    # As edX writes it in a launch, although only what follows the last colon counts when it reads.
    host, block = base.partition("://")[2], usage_key.rpartition("@")[2]
    parts = (course_key, f"{host}-{block}", student)
    sourcedid = ":".join(quote(part, safe="") for part in parts)
    return Recipient(sourcedid=sourcedid, service_url=base + path)


def edx_base(edx_url: str) -> str:
    """Return the beginning of every address at an edX: scheme and host, without a slash.

    Raises:
        ConfigError: it is neither a host nor an http address.
    """
    written = edx_url.strip().rstrip("/")
    scheme, separator, host = written.rpartition("://")
    scheme = scheme.lower() if separator else "https"
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise ConfigError("EDX_URL: is no host, such as courses.edx.org, and no http address")
    return f"{scheme}://{host}"


def _course_key(course_id: str) -> str:
    if course_id.startswith(_COURSE_PREFIXES):
        return _usable("course_id", course_id)
    return _usable("course_id", f"course-v1:{course_id}")


def _usage_key(course_key: str, lms_id: str) -> str:
    if lms_id.startswith(("block-v1:", "ccx-block-v1:")):
        return _usable("the assignment's id", lms_id)
    kind, _, run = course_key.partition(":")
    block = {"course-v1": "block-v1", "ccx-v1": "ccx-block-v1"}[kind]
    return _usable("the assignment's id", f"{block}:{run}+type@{_BLOCK}+block@{lms_id}")


def _usable(what: str, key: str) -> str:
    is_good = key.isascii() and key.isprintable() and not set(key) & set(" /?#%\\")
    if not is_good or key.endswith((":", "@")):
        raise ConfigError(f"{what}: {key!a} cannot stand in an address of edX")
    return key
