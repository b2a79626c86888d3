"""Codes for what the house says: so that pages say it in their reader's language.

Sentences travel through the house as text: into rows of jobs, into one another as causes, over the wire and back. So
they are not made of codes here; they are recognised, by the one table of what is said. A test proves that each of its
sentences is still said somewhere, and as it stands here. What is not in the table, such as words of another system,
is told as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest
from typing import Final, Self

MAX_CHARS: Final = 1000
"""Longer text is told as it is: sentences of ours are short."""

_CAUSE: Final = "cause"
_HOLES: Final[Mapping[str, str]] = {
    # What a sentence may end with.
    "remark": r"(?:: (?P<remark>.+))?",
    "numbers": r"(?: \(result \d+, source \d+, reason \d+\))?",
    "again": r"(?:, try again later)?",
    "status": r"(?P<status>[0-9A-F]{4})",
    "attribute": r"(?P<attribute>[A-Za-z0-9 ]+)",
    "transaction": r"transaction (?P<transaction>\d+)",
    **{name: rf"(?P<{name}>\d+)" for name in ("count", "of", "most", "least", "number", "bytes", "port")},
}
"""Those that stand for something else than any text."""


class Code(StrEnum):
    """What is said, by the sentence that says it; in braces stands what differs. The first that fits counts."""

    template: tuple[str, ...]

    def __new__(cls, code: str, *template: str) -> Self:
        """Make a member of its code and its sentences."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.template = template
        return member

    # Why, where nothing else is known: the words of ``errors.Reason``.
    INVALID_REQUEST = ("invalid-request",)
    NOT_FOUND = ("not-found",)
    CONFLICT = ("conflict",)
    REFUSED = ("refused",)
    UNSUPPORTED = ("unsupported",)
    OUT_OF_RESOURCES = ("out-of-resources",)
    UNAVAILABLE = ("unavailable",)
    CANCELLED = ("cancelled",)
    INTERNAL = ("internal", "An error in the server; its log tells more. Please report it.")

    # A node does not answer, or says no
    HAVE_ITS_NAME = "have-its-name", "{cause}: give its own AE title in the address book"
    HAVE_US_ADDED = "have-us-added", "{cause}: have {us} added to the AE titles that it knows"
    NO_SUCH_PORT = "no-such-port", "the port of {peer} does not exist: choose one from 1 to 65535"
    SILENT = "silent", "{peer} does not answer within {seconds} s: check address, network and firewall"
    NOBODY_LISTENS = "nobody-listens", "nobody listens at {peer}: check the port, and whether the peer runs"
    HOST_UNKNOWN = "host-unknown", "the host name of {peer} is not known: check its spelling"
    NO_WAY = "no-way", "{peer} cannot be reached: {cause}"
    NO_TLS = "no-tls", "no TLS connection to {peer}: {cause}"
    NO_ASSOCIATION = "no-association", "{peer} did not answer the association request: {cause}"
    HUNG_UP = "hung-up", "{peer} ended the connection instead of answering the association request{because}"
    SHORT_PDUS = "short-pdus", "{peer} takes PDUs of {bytes} bytes: too short to use"
    REJECTED = "rejected", "{peer} rejected the association: {cause}{again}"
    SERVICE_NOT_OFFERED = (
        "service-not-offered",
        "{node} took the association but does not offer {service} ({abstract_syntax}).",
    )
    ANSWERED_WITH = "answered-with", "{node} answered {service} with {cause}."
    ANSWERS = "answers", "{node} answers"
    NOTHING_CAME = "nothing-came", "aborted: nothing whole came from the peer for {seconds} s"
    PEER_SILENT = "peer-silent", "closed: the peer was silent for {seconds} s"
    PEER_LEFT = "peer-left", "the peer closed the connection without releasing the association"
    PEER_TAKES_NOTHING = "peer-takes-nothing", "the peer took no data for {seconds} s"
    CONNECTION_LOST = "connection-lost", "the connection was lost"
    RELEASED_EARLY = (
        "released-early",
        "the node released the association instead of answering",
        "the node released the association before it was done",
    )

    # Associations turned away (PS3.8 Table 9-21, and what we find)
    REJECTED_PERMANENTLY = "rejected-permanently", "rejected permanently"
    REJECTED_FOR_NOW = "rejected-for-now", "rejected for now"
    CLOSED = "closed", "closed"
    NO_REQUEST = "no-request", "no association request"
    NO_REASON = "no-reason", "no reason given{numbers}"
    CONTEXT_NAME_UNSUPPORTED = "context-name-unsupported", "application context name not supported{numbers}"
    CALLING_UNKNOWN = "calling-unknown", "calling AE title not recognized{numbers}"
    CALLED_UNKNOWN = "called-unknown", "called AE title not recognized{numbers}"
    VERSION_UNSUPPORTED = "version-unsupported", "protocol version not supported{numbers}"
    CONGESTION = "congestion", "temporary congestion{numbers}"
    LIMIT_EXCEEDED = "limit-exceeded", "local limit exceeded{numbers}"
    CALLED_NOT_OURS = "called-not-ours", "the called AE title '{title}' is none of the listener's"
    CALLING_NOT_LISTED = "calling-not-listed", "the calling AE title '{title}' is not in the listener's list"
    NOT_DICOM_CONTEXT = "not-dicom-context", "the application context '{context}' is not DICOM's"
    STOPPING = "stopping", "the server is stopping", "the archive is being stopped"
    FOREIGN_NETWORK = "foreign-network", "the address {address} is in none of the listener's peer networks"
    PEER_SHORT_PDUS = "peer-short-pdus", "the peer takes PDUs of {bytes} bytes: too short to serve"
    ALL_IN_USE = "all-in-use", "all {count} associations of the listener are in use"
    PEER_HAS_ALL = "peer-has-all", "{address} has its {count} associations already"
    TOO_MANY_CONNECTIONS = "too-many-connections", "too many connections"
    TOO_MANY_FROM_THERE = "too-many-from-there", "too many connections from this address"
    NO_HANDSHAKE = "no-handshake", "no TLS handshake: {cause}"
    ENDED_AT_ONCE = "ended-at-once", "the connection ended at once ({cause})"
    OTHER_VERSION = "other-version", "the peer does not speak version 1 of the upper layer protocol"

    # Statuses of DIMSE (PS3.7 Annex C), with the node's own remark
    DIMSE_ATTRIBUTES = "dimse-attributes", "{status} Attribute list error{remark}"
    DIMSE_OUT_OF_RANGE = "dimse-out-of-range", "{status} Attribute value out of range{remark}"
    DIMSE_NO_ATTRIBUTE = "dimse-no-attribute", "{status} No such attribute{remark}"
    DIMSE_INVALID_VALUE = "dimse-invalid-value", "{status} Invalid attribute value{remark}"
    DIMSE_PROCESSING = "dimse-processing", "{status} Processing failure{remark}"
    DIMSE_DUPLICATE = "dimse-duplicate", "{status} Duplicate SOP instance{remark}"
    DIMSE_NO_INSTANCE = "dimse-no-instance", "{status} No such SOP instance{remark}"
    DIMSE_NO_EVENT = "dimse-no-event", "{status} No such event type{remark}"
    DIMSE_NO_ARGUMENT = "dimse-no-argument", "{status} No such argument{remark}"
    DIMSE_INVALID_ARGUMENT = "dimse-invalid-argument", "{status} Invalid argument value{remark}"
    DIMSE_INVALID_INSTANCE = "dimse-invalid-instance", "{status} Invalid SOP instance{remark}"
    DIMSE_NO_CLASS = "dimse-no-class", "{status} No such SOP class{remark}"
    DIMSE_CLASS_CONFLICT = "dimse-class-conflict", "{status} Class-instance conflict{remark}"
    DIMSE_MISSING_ATTRIBUTE = "dimse-missing-attribute", "{status} Missing attribute{remark}"
    DIMSE_MISSING_VALUE = "dimse-missing-value", "{status} Missing attribute value{remark}"
    DIMSE_CLASS_UNSUPPORTED = "dimse-class-unsupported", "{status} SOP class not supported{remark}"
    DIMSE_NO_ACTION = "dimse-no-action", "{status} No such action{remark}"
    DIMSE_NOT_AUTHORIZED = "dimse-not-authorized", "{status} Not authorized{remark}"
    DIMSE_TWICE = "dimse-twice", "{status} Duplicate invocation{remark}"
    DIMSE_UNRECOGNIZED = "dimse-unrecognized", "{status} Unrecognized operation{remark}"
    DIMSE_MISTYPED = "dimse-mistyped", "{status} Mistyped argument{remark}"
    DIMSE_LIMITATION = "dimse-limitation", "{status} Resource limitation{remark}"
    DIMSE_NO_COUNT = "dimse-no-count", "{status} Out of resources: number of matches unknown{remark}"
    DIMSE_NO_SUBOPERATIONS = (
        "dimse-no-suboperations",
        "{status} Out of resources: unable to perform sub-operations{remark}",
    )
    DIMSE_RESOURCES = "dimse-resources", "{status} Out of resources{remark}"
    DIMSE_SYNTAX = "dimse-syntax", "{status} Transfer syntax not supported{remark}"
    DIMSE_DESTINATION = "dimse-destination", "{status} Move destination unknown{remark}"
    DIMSE_MISMATCH = (
        "dimse-mismatch",
        "{status} Data set or identifier does not match SOP class{remark}",
        "{status} Data set does not match SOP class (warning){remark}",
    )
    DIMSE_SOME_FAILED = (
        "dimse-some-failed",
        "{status} Sub-operations complete, one or more failed; or elements coerced{remark}",
    )
    DIMSE_DISCARDED = "dimse-discarded", "{status} Elements discarded{remark}"
    DIMSE_CANCELLED = "dimse-cancelled", "{status} Cancelled{remark}"
    DIMSE_CANNOT_UNDERSTAND = "dimse-cannot-understand", "{status} Cannot understand{remark}"
    DIMSE_UNKNOWN = "dimse-unknown", "{status} Unknown status{remark}"

    # Jobs
    GIVEN_UP = "given-up", "given up after {count} attempts: {cause}"
    SERVER_ENDED = "server-ended", "given up: the server ended {count} times while it ran"
    NOT_HANDED_OVER = "not-handed-over", "{count} of {of} objects could not be handed to {node}: {cause}"
    TOOK_NONE = "took-none", "{node} took none of {count} objects: {cause}"
    SENT_NONE = "sent-none", "{node} could send none of {count} objects: {cause}"
    STOPPED_EARLY = "stopped-early", "{node} stopped before it was done: {cause}"
    NO_FINAL_ANSWER = "no-final-answer", "the node ended without a final response"
    SEE_EACH = "see-each", "see the outcome of each"
    LEFT_ASIDE = "left-aside", "left aside: {cause}"
    NOTHING_TO_SEND = "nothing-to-send", "The archive holds nothing of what is to be sent."
    NOTHING_TO_ANONYMISE = "nothing-to-anonymise", "the archive holds nothing of what is to be de-identified"
    FOLDER_NOT_ALLOWED = (
        "folder-not-allowed",
        "{path} is in no folder that may be sent from: an administrator lists those in jobs.folders.",
    )
    NOT_ASKED_TO_COMMIT = "not-asked-to-commit", "{node} was not asked to commit: {cause}"
    WILL_COMMIT = "will-commit", "{transaction}: {node} was asked and will report"
    COMMITS = "commits", "{transaction}: {node} commits to {count} of {of}"
    PACKED_AS = "packed-as", "packed as {name}"
    WITHHELD = "withheld", "{node} is to know no patients, and these objects were to be sent as they are"
    NO_JOB = "no-job", "There is no job {number}."
    JOB_ENDED = "job-ended", "Job {number} has ended already: it is {state}."
    JOB_RUNS = "job-runs", "Job {number} is running: cancel it first."
    JOB_NOT_ENDED = "job-not-ended", "Job {number} is {state}: cancel it before you delete it."
    JOB_DONE = "job-done", "Job {number} is done and nothing of it failed: there is nothing to do again."

    # Nodes
    NODE_UNKNOWN = (
        "node-unknown",
        "AE title '{name}' is not in the address book: add it to [[nodes]].",
        "AE title '{name}' is not in the address book: add it (`calotype nodes add`).",
        "AE title '{name}' is not in the address book.",
    )
    NODE_THERE = "node-there", "AE title {name} is in the address book already."
    NODE_OF_SETTINGS = (
        "node-of-settings",
        "AE title {name} stands in the settings' [[nodes]]: change it there.",
        "AE title {name} stands in the settings' [[nodes]] already.",
    )
    NODE_KEEPS_NAME = (
        "node-keeps-name",
        "ae_title: a node keeps its AE title; add one with the new title and delete this one.",
    )
    NODE_MOVED = (
        "node-moved",
        (
            "AE title {name} is bound to {host} and was called from {address}: if the device has moved,"
            " change the node's host."
        ),
    )
    NODE_ROLE = (
        "node-role",
        "{name} does not have the role '{role}' in the address book; add it if it does that.",
    )
    NAME_EMPTY = "name-empty", "An AE title must not be empty."
    NAME_LONG = "name-long", "AE title '{name}' is longer than {most} characters."
    NAME_CHARACTERS = (
        "name-characters",
        "AE title '{name}' holds characters other than printable ASCII without backslash.",
    )
    NO_HOST = (
        "no-host",
        "{node} has no host: give its host name or address.",
        "{node}: '{host}' is no host: give its host name or address.",
    )
    KEY_ALONE = "key-alone", "The key {path} has no certificate: name both, or neither."
    WHOLE_PATH = "whole-path", "{path}: name the PEM file by its whole path, from the root of the file system."
    TIMEOUT_RANGE = "timeout-range", "A timeout of {seconds} s: give seconds above 0 and up to {limit}."
    NO_JSON = "no-json", "This is no JSON: {cause}.", "this is no JSON: {cause}", "the body is no JSON: {cause}"
    NO_NODES_IN_IT = (
        "no-nodes-in-it",
        "There are no nodes in it: give Orthanc's DicomModalities, or DicomSCP's RemoteNodes or MoveDestinations.",
        "This is a JSON file, but no object: give Orthanc's DicomModalities or an appsettings.json.",
    )
    SAME_NAME = "same-name", "{where}: {node} has the AE title of {other}; the first is taken."
    ENTRY_SHAPE = (
        "entry-shape",
        "{where}: is no object",
        "{where}: is neither a list nor an object",
        "{where}: has not the form [AE title, host, port, manufacturer]",
    )
    ENTRY_TEXT = "entry-text", "{where}: {attribute} is missing, or no text"
    ENTRY_PORT = "entry-port", "{where}: Port is missing, or no number"
    REFUSAL_GONE = "refusal-gone", "There is no refusal {number}: it was settled, or is too long ago; see the list."
    NOT_ADMITTED = "not-admitted", "{name} is not admitted to {right}: have it admitted"
    MAY_NOT_MOVE = "may-not-move", "{name} may not move to {destination}: have it added"

    # Who asks
    LOG_IN = "log-in", "Log in first."
    CHOOSE_PASSWORD = (
        "choose-password",
        "Choose a password of your own first; until then nothing else is open.",
    )
    NEEDS_OPERATOR = (
        "needs-operator",
        "This needs the role operator, of a token also the scope store.",
        "This needs the role operator, of a token also the scope operate.",
    )
    NEEDS_ADMIN = "needs-admin", "This needs the role admin, of a token also the scope admin."
    WRONG_PASSWORD = "wrong-password", "The current password is wrong."
    PASSWORD_LENGTH = (
        "password-length",
        "A password has {least} to {most} characters; a few words make a good one.",
    )
    PASSWORD_GUESSED = (
        "password-guessed",
        "This password would be guessed soon: choose one with other words and characters.",
    )
    PASSWORD_SAME = "password-same", "This is the password that you have; choose another."
    TOO_MANY_ATTEMPTS = "too-many-attempts", "Too many attempts failed. Try again in {seconds} seconds."
    NO_USER = "no-user", "There is no user '{name}'."
    USER_NAME = (
        "user-name",
        "A user's name has 1 to {most} letters, digits and signs, without spaces, colons and slashes.",
    )
    LAST_ADMIN = "last-admin", "{name} is the only administrator: make somebody else one first."
    TOKEN_LABEL = "token-label", "label: say what it is for, in 1 to {most} characters."

    # Studies and the recycle bin
    NO_STUDY = "no-study", "the archive holds no study {study}", "no study {study} in the archive"
    NOTHING_OF = "nothing-of", "the archive holds nothing of {what}"
    NO_DELETION = "no-deletion", "there is no deletion {number} in the recycle bin"
    LABEL_TEXT = "label-text", "a label has 1 to {most} characters and no comma: '{text}' has not"
    REMARK_LONG = "remark-long", "a remark has at most {most} characters, and no control codes"

    # Files and objects that come
    NO_DICOM_FILE = (
        "no-dicom-file",
        "not a DICOM file: no 'DICM' at byte 128",
        "not a DICOM file: it ends after {bytes} bytes",
    )
    A_DICOMDIR = "a-dicomdir", "a DICOMDIR: it lists objects and is none"
    EMPTY_DATA_SET = "empty-data-set", "the data set is empty"
    DUPLICATE = "duplicate", "{instance} is in the archive already, and duplicates are refused by setting"

    # Worklist
    IN_STEP = "in-step", "step {number}: {cause}"
    MISSING = "missing", "{attribute} is missing"
    NO_STEPS = "no-steps", "{attribute} is missing: give a list of at least one step"
    STEP_TWICE = "step-twice", "ScheduledProcedureStepID '{id}' stands in two steps"
    WRONG_VALUE = "wrong-value", "{attribute}: '{value}' {cause}"
    TOO_LONG = "too-long", "has {count} characters, {vr} takes {most}"
    NO_DATE = "no-date", "is no date, write YYYYMMDD"
    NO_TIME = "no-time", "is no time, write HHMMSS"
    NO_AE_TITLE = "no-ae-title", "is no AE title: ASCII only"
    NO_NUMBER = "no-number", "is no number", "is no whole number"
    NO_CODE = "no-code", "is no code: capitals, digits, spaces and underscores only"
    NO_UID = "no-uid", "is no UID: digits and dots, at most 64"
    MANY_GROUPS = "many-groups", "has more than three component groups"
    GROUP_LONG = "group-long", "has a component group of more than {most} characters"
    ONE_VALUE = "one-value", "{attribute} has {count} values and takes one"
    NUMBERS_GIVEN = "numbers-given", "{kind}: all {most} numbers of the day are given; enter one by hand"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as it is, and what it says: ``values`` fill the braces of the code's words, ``cause`` that one.

    ``code`` is null for words that have none, such as those of another system.
    """

    text: str
    code: Code | None = None
    values: dict[str, str] = field(default_factory=dict)
    cause: list[Said] = field(default_factory=list)


def said(text: str, otherwise: str | None = None) -> list[Said]:
    """Return the sentences of a text. ``otherwise`` is the code of one that has no code of its own."""
    if not text:
        return []
    found = list(_read(text)) if len(text) <= MAX_CHARS else []
    return found or [Said(text, None if otherwise is None else Code(otherwise))]


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[Said, ...]:
    parts = text.split("; ")
    several = tuple(told for part in parts for told in said(part)) if len(parts) > 1 else ()
    known = sum(told.code is not None for told in several)
    # A sentence may have a semicolon of its own, and a cause may swallow the sentences after it.
    return several if known > 1 else _sentence(text) or (several if known else ())


def _sentence(text: str) -> tuple[Said, ...]:
    plain = text.removesuffix(".")
    for pattern, code in _PATTERNS:
        if match := pattern.fullmatch(plain):
            values = {name: value for name, value in match.groupdict("").items() if name != _CAUSE}
            causes = said(match[_CAUSE]) if _CAUSE in pattern.groupindex else []
            return (Said(text, code, values, causes),)
    return ()


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template.removesuffix("."))
    # Words and holes take turns.
    holes = (_HOLES.get(name, f"(?P<{name}>.+?)") for name in pieces[1::2])
    words = map(re.escape, pieces[::2])
    return re.compile("".join(f"{word}{hole}" for word, hole in zip_longest(words, holes, fillvalue="")))


_PATTERNS: Final = [(_pattern(template), code) for code in Code for template in code.template]
