"""What each door answers: a :class:`Reason` becomes a DIMSE status or an HTTP status, looked up once.

One row per reason, one column per service (PS3.7 Annex C; PS3.4 B.2.3, C.4.1.1.4, C.4.2.1.5, C.4.3.1.4, N-services
PS3.7 C.4). STOW-RS failure reasons (PS3.18 10.5.3.1) take the C-STORE column. A test proves that no cell is empty.
Nothing here logs, counts or raises.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from calotype.errors import CalotypeError, ClassMismatch, Reason


class Service(Enum):
    """Which column of the table: the DIMSE service that answers."""

    STORE = auto()
    FIND = auto()
    MOVE = auto()
    GET = auto()
    N_SERVICE = auto()
    """N-CREATE, N-SET, N-GET, N-ACTION, N-DELETE, N-EVENT-REPORT."""


SUCCESS: Final = 0x0000
PENDING: Final = 0xFF00
PENDING_OPTIONAL_KEYS_UNSUPPORTED: Final = 0xFF01
"""C-FIND: matches go on, and some optional keys were not supported for existence (PS3.4 C.4.1.1.4)."""
CANCEL: Final = 0xFE00

WARNING_SUBOPERATIONS_FAILED: Final = 0xB000
"""C-MOVE, C-GET: all sub-operations are done and at least one failed or warned (PS3.4 C.4.2.1.5)."""
WARNING_COERCION: Final = 0xB000
"""C-STORE: stored, with elements changed (PS3.4 B.2.3)."""
WARNING_CLASS_MISMATCH: Final = 0xB007
WARNING_ELEMENTS_DISCARDED: Final = 0xB006
WARNING_ATTRIBUTE_LIST: Final = 0x0107
WARNING_ATTRIBUTE_VALUE_OUT_OF_RANGE: Final = 0x0116

OUT_OF_RESOURCES: Final = 0xA700
OUT_OF_RESOURCES_MATCHES: Final = 0xA701
"""C-MOVE, C-GET: unable to work out how many sub-operations there are."""
OUT_OF_RESOURCES_SUBOPERATIONS: Final = 0xA702
MOVE_DESTINATION_UNKNOWN: Final = 0xA801
IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
"""C-FIND, C-MOVE, C-GET; in C-STORE: the data set does not match the SOP class."""
TRANSFER_SYNTAX_NOT_SUPPORTED: Final = 0xC122
"""STOW-RS only (PS3.18 Table I.2-2): C-STORE settles transfer syntaxes before anything is sent."""
CANNOT_UNDERSTAND: Final = 0xC000
"""C-STORE: cannot understand the data set; others: unable to process."""

NO_SUCH_ATTRIBUTE: Final = 0x0105
INVALID_ATTRIBUTE_VALUE: Final = 0x0106
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
NO_SUCH_SOP_INSTANCE: Final = 0x0112
NO_SUCH_EVENT_TYPE: Final = 0x0113
NO_SUCH_ARGUMENT: Final = 0x0114
INVALID_ARGUMENT_VALUE: Final = 0x0115
INVALID_SOP_INSTANCE: Final = 0x0117
NO_SUCH_SOP_CLASS: Final = 0x0118
CLASS_INSTANCE_CONFLICT: Final = 0x0119
MISSING_ATTRIBUTE: Final = 0x0120
MISSING_ATTRIBUTE_VALUE: Final = 0x0121
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
NO_SUCH_ACTION: Final = 0x0123
NOT_AUTHORIZED: Final = 0x0124
DUPLICATE_INVOCATION: Final = 0x0210
UNRECOGNIZED_OPERATION: Final = 0x0211
MISTYPED_ARGUMENT: Final = 0x0212
RESOURCE_LIMITATION: Final = 0x0213

_S, _F, _M, _G, _N = Service.STORE, Service.FIND, Service.MOVE, Service.GET, Service.N_SERVICE

_STATUS: Final[dict[Reason, dict[Service, int]]] = {
    Reason.INVALID_REQUEST: {_S: 0xC000, _F: 0xA900, _M: 0xA900, _G: 0xA900, _N: 0x0106},
    # A search that finds nothing is no error; what a search or C-GET cannot find is its own matter, hence C000.
    Reason.NOT_FOUND: {_S: 0xC000, _F: 0xC000, _M: 0xA801, _G: 0xC000, _N: 0x0112},
    Reason.CONFLICT: {_S: 0x0111, _F: 0xC000, _M: 0xC000, _G: 0xC000, _N: 0x0111},
    Reason.REFUSED: {_S: 0x0124, _F: 0x0124, _M: 0x0124, _G: 0x0124, _N: 0x0124},
    Reason.UNSUPPORTED: {_S: 0x0122, _F: 0x0122, _M: 0xA900, _G: 0xA900, _N: 0x0118},
    Reason.OUT_OF_RESOURCES: {_S: 0xA700, _F: 0xA700, _M: 0xA701, _G: 0xA701, _N: 0x0213},
    Reason.UNAVAILABLE: {_S: 0xA700, _F: 0xA700, _M: 0xA702, _G: 0xA702, _N: 0x0213},
    Reason.CANCELLED: {_S: 0xC000, _F: 0xFE00, _M: 0xFE00, _G: 0xFE00, _N: 0x0110},
    Reason.INTERNAL: {_S: 0x0110, _F: 0xC000, _M: 0xC000, _G: 0xC000, _N: 0x0110},
}

_HTTP: Final[dict[Reason, int]] = {
    Reason.INVALID_REQUEST: 400,
    Reason.NOT_FOUND: 404,
    Reason.CONFLICT: 409,
    Reason.REFUSED: 403,
    Reason.UNSUPPORTED: 406,
    Reason.OUT_OF_RESOURCES: 503,
    Reason.UNAVAILABLE: 503,
    # Whoever asked has gone; the number only ever reaches the log (nginx uses the same one).
    Reason.CANCELLED: 499,
    Reason.INTERNAL: 500,
}


def status_for(reason: Reason, service: Service) -> int:
    """Return the DIMSE status that ``service`` answers when something was not done for ``reason``."""
    return _STATUS[reason][service]


def status_of(error: BaseException, service: Service) -> int:
    """Return the DIMSE status for an exception; one that is not ours is our bug (``INTERNAL``)."""
    if isinstance(error, ClassMismatch) and service is Service.STORE:
        return IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS
    return _STATUS[error.reason if isinstance(error, CalotypeError) else Reason.INTERNAL][service]


def http_status(reason: Reason, *, request_body: bool = False) -> int:
    """Return the HTTP status; what is unsupported is 415 when it came in the request's body, otherwise 406."""
    if reason is Reason.UNSUPPORTED and request_body:
        return 415
    return _HTTP[reason]


class Category(Enum):
    """What a status means, whatever the service (PS3.7 Annex C.1)."""

    SUCCESS = auto()
    WARNING = auto()
    FAILURE = auto()
    CANCEL = auto()
    PENDING = auto()


def category(status: int) -> Category:
    """Return the category of a status; one outside every range of PS3.7 Annex C is a failure."""
    if status == SUCCESS:
        return Category.SUCCESS
    if status in {PENDING, PENDING_OPTIONAL_KEYS_UNSUPPORTED}:
        return Category.PENDING
    if status == CANCEL:
        return Category.CANCEL
    if status in {0x0001, WARNING_ATTRIBUTE_LIST, WARNING_ATTRIBUTE_VALUE_OUT_OF_RANGE} or status >> 12 == 0xB:
        return Category.WARNING
    return Category.FAILURE


_NAMES: Final[dict[int, str]] = {
    SUCCESS: "Success",
    WARNING_ATTRIBUTE_LIST: "Attribute list error",
    WARNING_ATTRIBUTE_VALUE_OUT_OF_RANGE: "Attribute value out of range",
    NO_SUCH_ATTRIBUTE: "No such attribute",
    INVALID_ATTRIBUTE_VALUE: "Invalid attribute value",
    PROCESSING_FAILURE: "Processing failure",
    DUPLICATE_SOP_INSTANCE: "Duplicate SOP instance",
    NO_SUCH_SOP_INSTANCE: "No such SOP instance",
    NO_SUCH_EVENT_TYPE: "No such event type",
    NO_SUCH_ARGUMENT: "No such argument",
    INVALID_ARGUMENT_VALUE: "Invalid argument value",
    INVALID_SOP_INSTANCE: "Invalid SOP instance",
    NO_SUCH_SOP_CLASS: "No such SOP class",
    CLASS_INSTANCE_CONFLICT: "Class-instance conflict",
    MISSING_ATTRIBUTE: "Missing attribute",
    MISSING_ATTRIBUTE_VALUE: "Missing attribute value",
    SOP_CLASS_NOT_SUPPORTED: "SOP class not supported",
    NO_SUCH_ACTION: "No such action",
    NOT_AUTHORIZED: "Not authorized",
    DUPLICATE_INVOCATION: "Duplicate invocation",
    UNRECOGNIZED_OPERATION: "Unrecognized operation",
    MISTYPED_ARGUMENT: "Mistyped argument",
    RESOURCE_LIMITATION: "Resource limitation",
    OUT_OF_RESOURCES: "Out of resources",
    TRANSFER_SYNTAX_NOT_SUPPORTED: "Transfer syntax not supported",
    OUT_OF_RESOURCES_MATCHES: "Out of resources: number of matches unknown",
    OUT_OF_RESOURCES_SUBOPERATIONS: "Out of resources: unable to perform sub-operations",
    MOVE_DESTINATION_UNKNOWN: "Move destination unknown",
    IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS: "Data set or identifier does not match SOP class",
    WARNING_SUBOPERATIONS_FAILED: "Sub-operations complete, one or more failed; or elements coerced",
    WARNING_ELEMENTS_DISCARDED: "Elements discarded",
    WARNING_CLASS_MISMATCH: "Data set does not match SOP class (warning)",
    CANCEL: "Cancelled",
    PENDING: "Pending",
    PENDING_OPTIONAL_KEYS_UNSUPPORTED: "Pending, some optional keys not supported",
}


def describe(status: int) -> str:
    """Return a status in words for logs and the command line: ``A700 Out of resources``."""
    name = _NAMES.get(status)
    if name is None:
        ranges = {0xA7: "Out of resources", 0xA9: "Data set or identifier does not match SOP class"}
        name = ranges.get(status >> 8, "Cannot understand" if status >> 12 == 0xC else "Unknown status")
    return f"{status:04X} {name}"
