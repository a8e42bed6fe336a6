"""Every error Gofer raises on purpose, as one tree.

A subclass's docstring is its default message; what a handler needs is an attribute, never parsed
from text. HTTP statuses are not here: they live in one table in the server.
"""

from __future__ import annotations


class GoferError(Exception):
    """Something went wrong in Gofer."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or type(self).__name__).split()))


class ConfigError(GoferError):
    """The configuration cannot be used."""


# --- at the door ----------------------------------------------------------------------------------


class SubmissionRejected(GoferError):
    """This submission cannot be accepted."""

    @property
    def public_message(self) -> str:
        """What the student is told: plain words, nothing of ours or of other students in it."""
        return str(self)


class NotANotebook(SubmissionRejected):
    """This is not a Jupyter notebook. Save your notebook and submit the .ipynb file."""


class WrongContentType(SubmissionRejected):
    """Send the notebook as JSON (Content-Type: application/json)."""


class MissingMetadata(SubmissionRejected):
    """This notebook does not say which assignment it is.

    Download a fresh copy and move your work into it.
    """


class MalformedMetadata(SubmissionRejected):
    """The assignment information in this notebook is damaged.

    Download a fresh copy and move your work into it.
    """


class UnknownAssignment(SubmissionRejected):
    """This course has no such assignment. Check that you opened this term's notebook."""


class TooLarge(SubmissionRejected):
    """This notebook is too large. Clear the outputs of your cells, save, and submit again."""


class TooMany(SubmissionRejected):
    """You have submitted this assignment often in a short time. Wait a little, then try again."""

    def __init__(self, message: str | None = None, *, retry_after_s: int = 60) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotAuthenticated(GoferError):
    """Sign in to submit."""


# --- batches --------------------------------------------------------------------------------------


class BatchRefused(GoferError):
    """This batch cannot be taken, and nothing of it was."""


class FileRefused(GoferError):
    """This file of a batch cannot be taken."""


# --- the spool and the gradebook ------------------------------------------------------------------


class SpoolError(GoferError):
    """The spool could not be used."""


class SpoolUnavailable(SpoolError):
    """The submission could not be stored just now. Nothing was accepted; try again in a minute."""


class SpoolFull(SpoolUnavailable):
    """The server's disk is full. Nothing was accepted; your teachers have to make room first."""


class DuplicateEntry(SpoolError):
    """An entry of this id is already in the spool."""


class UnknownEntry(SpoolError):
    """The spool has no such entry."""


class DamagedEntry(SpoolError):
    """This entry's files do not fit together."""


class GradebookError(GoferError):
    """The gradebook could not be used."""


class ValuesRefused(GradebookError):
    """The gradebook does not take such values, however often it is tried."""


class AlreadyRecorded(GradebookError):
    """This grading run is already in the gradebook."""


class NewerSchema(GradebookError):
    """The gradebook was written by a newer Gofer."""


# --- grading: our failures. A student's failure is a verdict, never one of these ---------------


class GraderError(GoferError):
    """The grading machinery failed."""

    retryable: bool = True


class SandboxUnavailable(GraderError):
    """The sandbox cannot be reached."""


class ImageMissing(GraderError):
    """The grader image does not exist on this engine. Build it with `gofer image build`."""


class ImageBuildFailed(GraderError):
    """The grader image could not be built."""

    retryable = False


class HarnessNotReady(GraderError):
    """The harness did not become ready, so no student code was run."""


class RunInterrupted(GraderError):
    """The sandbox was ended from outside in the middle of a run."""


class ResultsUnreadable(GraderError):
    """The sandbox's answer could not be read."""

    retryable = False


class InspectionFailed(GraderError):
    """Looking through an autograder zip came to no end. The zip is to blame, as far as is known."""


class AssignmentBlocked(GraderError):
    """This assignment cannot be graded until staff mend its autograder zip."""


# --- sending grades to an LMS ---------------------------------------------------------------------


class PassbackError(GoferError):
    """The grade could not be sent to the LMS."""
