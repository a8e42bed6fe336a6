"""Images for zips that ask for more than the grader image has, made off the loop.

Whoever asks first starts the build in the background; until it is done the assignment is blocked
and its entries wait, without using tries and without holding up anybody else's.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from typing import TYPE_CHECKING, Final

from shared.errors import AssignmentBlocked, GraderError, ImageBuildFailed

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import ImageId, Sandbox

log = logging.getLogger(__name__)

AT_ONCE_WITHIN_S: Final = 2.0
"""An image that is there already is found in less, and nobody need wait for the next look."""
TRY_AGAIN_AFTER_S: Final = 600.0


class Extensions:
    """Hands out extended images; threads may ask at the same time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._made: dict[tuple[ImageId, tuple[str, ...]], Future[str]] = {}
        self._failed_at: dict[tuple[ImageId, tuple[str, ...]], float] = {}

    def image_with(
        self, image: str | None, image_id: ImageId, requirements: tuple[str, ...]
    ) -> str:
        """Return the name of an image that has `requirements` as well.

        Args:
            image: what to build on; None for the grader's own.
            image_id: what that name means now.
            requirements: what is missing in it.

        Raises:
            AssignmentBlocked: it is still being made, or cannot be; the text says which and why.
            GraderError: the engine is out of order.
        """
        key = (image_id, tuple(sorted(requirements)))
        with self._lock:
            if time.monotonic() > self._failed_at.get(key, float("inf")):
                del self._made[key], self._failed_at[key]
            if key not in self._made:
                self._made[key] = self._start(image, key[1])
            made = self._made[key]
        try:
            return made.result(AT_ONCE_WITHIN_S)
        except StillRunning as error:
            wanted = ", ".join(key[1])
            raise AssignmentBlocked(f"An image with {wanted} is being built.") from error
        except ImageBuildFailed as error:
            with self._lock:
                self._failed_at.setdefault(key, time.monotonic() + TRY_AGAIN_AFTER_S)
            raise AssignmentBlocked(
                f"It needs packages that the grader image does not have. {error}"
            ) from error
        except GraderError:
            with self._lock:
                self._made.pop(key, None)  # not its fault: the next one who asks starts anew
            raise

    def _start(self, image: str | None, requirements: tuple[str, ...]) -> Future[str]:
        made: Future[str] = Future()

        def make() -> None:
            log.info(
                "Looking for an image with what a zip asks for",
                extra={"action": "extending_image", "requirements": ", ".join(requirements)},
            )
            try:
                made.set_result(self._sandbox.extend(image, requirements))
            except GraderError as error:
                made.set_exception(error)
            except BaseException as error:
                made.set_exception(ImageBuildFailed(f"{type(error).__name__}: {error}"))
                raise

        # a daemon: a build of minutes must not hold up a stop
        threading.Thread(target=make, name="extend-image", daemon=True).start()
        return made
