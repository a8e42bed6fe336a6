"""Line items, the columns of an LTI 1.3 platform's gradebook: found, or made where there is none.

Making one twice makes two columns, so it is looked for first, each time, and one thread at a time
looks or makes.
"""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.lti.answers import CallFailed, refused, try_later
from shared.lti.http import followed
from shared.lti.token import LINE_ITEM, LINE_ITEM_READ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.lti.http import Reply
    from shared.lti.platform import Platform
    from shared.lti.port import Recipient

_ONE: Final = "application/vnd.ims.lis.v2.lineitem+json"
_MANY: Final = "application/vnd.ims.lis.v2.lineitemcontainer+json"
"""edX answers 406 to anything else."""
LABEL_MAX_CHARACTERS: Final = 100
"""edX's limit, the narrowest that is known."""
PAGES_MAX: Final = 20
_EDX_PATH: Final = "/api/lti_consumer/"
_EDX_BLOCKS: Final = ("block-v1:", "ccx-block-v1:")
_LINK_MAX_CHARACTERS: Final = 4096
_NEXT: Final = re.compile(r"<([^<>]*)>\s*;[^,]*\brel\s*=\s*\"?next\b", re.IGNORECASE)


class LineItem(BaseModel):
    """A line item as a platform tells of it; `id` is its address."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    id: str
    label: str = ""
    resource_id: str | None = Field(default=None, alias="resourceId")


_ITEMS: Final = TypeAdapter(list[LineItem])


@dataclass(frozen=True, slots=True)
class _Wanted:
    resource_id: str | None
    label: str | None


class LineItems:
    """Where the grades of an assignment go at one platform.

    Args:
        url: of the container of line items (`lineitems` in a launch); None has no look-up.
        platform: which is asked.
        may_make: whether one that is not there is made.
    """

    def __init__(self, url: str | None, platform: Platform, *, may_make: bool = True) -> None:
        self._url = url
        self._platform = platform
        self._may_make = may_make
        self._lock = threading.Lock()
        self._found: dict[_Wanted, str] = {}

    def address(self, recipient: Recipient, possible: float | None) -> str:
        """Return the address of a recipient's line item.

        Args:
            recipient: names it by its address, its resource id or its label.
            possible: points possible for one that has to be made; None makes none.

        Raises:
            CallFailed: it is not there, or the platform did not say so.
        """
        if recipient.line_item is not None:
            return recipient.line_item
        wanted = _Wanted(recipient.resource_id, recipient.label)
        with self._lock:
            if wanted not in self._found:
                self._found[wanted] = self._look_up(wanted, possible)
            return self._found[wanted]

    def forget(self, address: str) -> None:
        """Look a line item up again the next time: it was not where it had been found."""
        with self._lock:
            for wanted in [key for key, found in self._found.items() if found == address]:
                del self._found[wanted]

    def _look_up(self, wanted: _Wanted, possible: float | None) -> str:
        if self._url is None or not (wanted.resource_id or wanted.label):
            raise refused(
                "There is no address of a line item, and no way to find one.", "not_found"
            )
        found = self._find(self._url, wanted)
        if found is not None:
            return followed(found.id, self._url)
        if not self._may_make or possible is None:
            raise refused("The LMS has no such line item.", "not_found")
        return self._make(self._url, wanted, possible)

    def _find(self, url: str, wanted: _Wanted) -> LineItem | None:
        """Return the line item by its resource id, else the one of its label."""
        if wanted.resource_id is not None:
            # Some platforms do not know the filter, and give all.
            asked = with_query(url, resource_id=wanted.resource_id)
            for item in self._listed(asked):
                if item.resource_id == wanted.resource_id:
                    return item
        if wanted.label is None:
            return None
        named = [item for item in self._listed(url) if item.label == wanted.label]
        if len(named) > 1:
            text = "The LMS has several line items of this label: give one a resource id."
            raise refused(text, "ambiguous")
        return named[0] if named else None

    def _listed(self, url: str) -> Iterator[LineItem]:
        try:
            yield from self._pages(LINE_ITEM, url)
        except CallFailed as failed:
            if failed.answer.cause != "scope":
                raise
            yield from self._pages(LINE_ITEM_READ, url)

    def _pages(self, scope: str, url: str) -> Iterator[LineItem]:
        for reply in pages(self._platform, scope, url, _MANY):
            try:
                yield from _ITEMS.validate_python(reply.json())
            except ValidationError:
                raise _not_understood(reply) from None

    def _make(self, url: str, wanted: _Wanted, possible: float) -> str:
        is_block = (wanted.resource_id or "").startswith(_EDX_BLOCKS)
        if is_edx(url) and not is_block:
            raise refused(
                "At edX only the line item of a block reaches the gradebook: name that block, "
                "block-v1:…, as the resource id.",
                "not_found",
            )
        item: dict[str, object] = {
            "scoreMaximum": max(math.ceil(possible), 1),  # edX takes whole numbers only
            "label": (wanted.label or wanted.resource_id or "")[:LABEL_MAX_CHARACTERS],
        }
        if wanted.resource_id is not None:
            item["resourceId"] = wanted.resource_id
        if is_block:
            item["resourceLinkId"] = wanted.resource_id
        headers = {"Content-Type": _ONE, "Accept": _ONE}
        body = json.dumps(item).encode("utf-8")
        reply = self._platform.call(LINE_ITEM, "POST", url, headers, body)
        if not reply.is_good:
            raise CallFailed(self._platform.meaning(reply))
        try:
            made = LineItem.model_validate(reply.json())
        except ValidationError:
            raise _not_understood(reply) from None
        return followed(made.id, url)


def is_edx(url: str) -> bool:
    """Whether an address is one of edX's services, which has some ways of its own."""
    return _EDX_PATH in urlsplit(url).path


def pages(platform: Platform, scope: str, url: str, accept: str) -> Iterator[Reply]:
    """Yield the pages of a list, each a good answer.

    Raises:
        CallFailed: one of them is none, or there are very many.
    """
    following = url
    for _ in range(PAGES_MAX):
        reply = platform.call(scope, "GET", following, {"Accept": accept})
        if not reply.is_good:
            raise CallFailed(platform.meaning(reply))
        yield reply
        link = _NEXT.search(reply.headers.get("link", "")[:_LINK_MAX_CHARACTERS])
        if link is None:
            return
        following = followed(link.group(1), following)
    raise refused("The LMS's list has no end.", "not_understood")


def with_query(url: str, **more: str) -> str:
    """Return an address with more parameters after those that it has."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more.items()])
    return urlunsplit(parts._replace(query=query))


def _not_understood(reply: Reply) -> CallFailed:
    text = "The LMS's list of line items cannot be read."
    return try_later(text, "not_understood", status=reply.status)
