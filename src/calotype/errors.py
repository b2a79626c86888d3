"""What can go wrong, in our own words.

Every error that leaves a room is one of these. The docstring of a class says when it is raised; the message
says what was wrong and what to do. Doors (``scp``, ``web``, ``cli``) catch :class:`CalotypeError` once and look
its :class:`Reason` up once, in ``dicom.statuses``. Foreign exceptions are translated where they enter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Reason(StrEnum):
    """Why something was not done; each door has one answer per reason."""

    INVALID_REQUEST = "invalid-request"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    OUT_OF_RESOURCES = "out-of-resources"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class CalotypeError(Exception):
    """The root of our tree; never raised itself."""

    reason: ClassVar[Reason] = Reason.INTERNAL


class InvalidRequest(CalotypeError):
    """The request, message or file contradicts the Standard or itself; asking again unchanged cannot help."""

    reason = Reason.INVALID_REQUEST


class ClassMismatch(InvalidRequest):
    """The data set's SOP Class or Instance UID is not the one that the command announced (C-STORE: A900)."""


class DamagedPixels(InvalidRequest):
    """Pixel data contradict their own header or end too early; the bytes are kept and served as they came."""


class NotFound(CalotypeError):
    """What the request names is not here."""

    reason = Reason.NOT_FOUND


class Conflict(CalotypeError):
    """What the request would create is here already, and policy forbids a second one."""

    reason = Reason.CONFLICT


class Refused(CalotypeError):
    """Whoever asks may not do this."""

    reason = Reason.REFUSED


class Unsupported(CalotypeError):
    """The request is right, and we (or the stored object) cannot serve it in the form asked for."""

    reason = Reason.UNSUPPORTED


class OutOfResources(CalotypeError):
    """The disk is full, a limit is reached; the same request may succeed later."""

    reason = Reason.OUT_OF_RESOURCES


class Unavailable(CalotypeError):
    """A part that we need (index, store, remote node) does not answer; the same request may succeed later."""

    reason = Reason.UNAVAILABLE


class Cancelled(CalotypeError):
    """Whoever asked no longer wants the answer."""

    reason = Reason.CANCELLED
