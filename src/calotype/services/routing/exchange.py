"""The exchange with neighbours that a person asks for: send, retrieve, find.

Sending and retrieving are jobs (``sending``, ``retrieving``); a question is answered at once. What is asked is
checked here, before anything starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES
from calotype.errors import InvalidRequest
from calotype.services.archive.ingest import Ingest
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import Job
from calotype.services.routing.commitment.requests import Requests
from calotype.services.routing.deidentifying import wishes_to_json
from calotype.services.routing.nodes import Node, Role, check_ae_title, serving
from calotype.services.routing.peers import Found, Inquirer, Keys, LocalFiles, WishfulBook
from calotype.services.routing.retrieving import GetJob, MoveJob
from calotype.services.routing.send import Dispatch
from calotype.services.routing.sending import SendFilesJob, SendJob, arguments_of

SEND: Final = "send"
SEND_FILES: Final = "send-files"
MOVE: Final = "move"
GET: Final = "get"

MAX_TRANSFER_SYNTAXES: Final = 16


class Method(StrEnum):
    """How to retrieve."""

    MOVE = "move"
    """The node opens an association to the destination (C-MOVE)."""
    GET = "get"
    """Over the association that asks (C-GET): no way back to us is needed."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a node has found; ``is_complete`` unless it has more than was asked for."""

    found: Sequence[Found]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """Who we are to others, and what may be sent from this machine besides the archive."""

    ae_title: str = "CALOTYPE"
    own_ae_titles: frozenset[str] = frozenset({"CALOTYPE"})
    """By these a C-MOVE reaches our own listeners."""
    folders: tuple[Path, ...] = ()
    """Files are sent only from below these."""


class Exchange:
    """Sends to neighbours, and asks them. Thread-safe."""

    def __init__(
        self,
        jobs: Jobs,
        nodes: WishfulBook,
        *,
        dispatch: Dispatch,
        inquirer: Inquirer,
        files: LocalFiles,
        ingest: Ingest,
        requests: Requests,
        settings: ExchangeSettings,
    ) -> None:
        self._jobs = jobs
        self._nodes = nodes
        self._inquirer = inquirer
        self._settings = settings
        self._dispatch = dispatch
        self._send_files = SendFilesJob(nodes, dispatch, files, settings.folders, requests)
        jobs.register(SEND, SendJob(nodes, dispatch, requests))
        jobs.register(SEND_FILES, self._send_files)
        jobs.register(MOVE, MoveJob(nodes, inquirer))
        jobs.register(GET, GetJob(nodes, inquirer, ingest, settings.ae_title))

    def send(
        self, ae_title: str, selection: Selection, *, commit: bool = False, deidentify: Wishes | None = None
    ) -> Job:
        """Send what the archive holds of ``selection`` to a node, as a job; ``commit``: and ask for its commitment.

        ``deidentify``: without its patient, as to a node that wants everything so. NotFound for an unknown node,
        InvalidRequest for a selection of nothing, or for a commitment to what is sent under other UIDs.
        """
        node = self._recipient(ae_title, commit=commit, is_deidentified=deidentify is not None)
        title = f"{_described(selection)} to {node.title}"
        arguments = {
            "node": node.title,
            "selection": arguments_of(selection),
            "commit": commit,
            "deidentify": wishes_to_json(deidentify),
        }
        return self._jobs.submit(SEND, title, arguments)

    def wishes(self, options: frozenset[Option] | None, patient_id: str, patient_name: str) -> Wishes:
        """Return how to de-identify: by ``options``, those of the settings when ``None``. Refused when we cannot."""
        return self._dispatch.wishes(options, patient_id, patient_name)

    def send_files(self, ae_title: str, paths: Sequence[Path], *, commit: bool = False) -> Job:
        """Send files and folders of this machine to a node, as :meth:`send`. Refused for folders not allowed."""
        node = self._recipient(ae_title, commit=commit)
        if not paths:
            raise InvalidRequest("Say which files or folders to send.")
        relative = [path for path in paths if not path.is_absolute()]
        if relative:
            raise InvalidRequest(f"{relative[0]}: name files by their whole path, from the root of the file system.")
        self._send_files.check(paths)
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        arguments = {"node": node.title, "paths": [str(path) for path in paths], "commit": commit}
        return self._jobs.submit(SEND_FILES, f"{paths[0]}{more} to {node.title}", arguments)

    def retrieve(
        self,
        ae_title: str,
        wanted: Selection,
        *,
        method: Method = Method.MOVE,
        destination: str = "",
        transfer_syntaxes: Sequence[UID] = (),
    ) -> Job:
        """Retrieve from a node, as a job.

        ``destination`` is who shall receive by C-MOVE, ourselves when empty. ``transfer_syntaxes`` are in which
        forms, best first: by C-GET nothing else is offered, by C-MOVE to ourselves our listeners prefer them.
        NotFound for an unknown node; InvalidRequest when what is asked for contradicts itself or the Standard.
        """
        node = serving(self._nodes, ae_title, Role.QUERY)
        check_hierarchy(wanted)
        _check_syntaxes(transfer_syntaxes)
        to = destination.strip(" ") or self._settings.ae_title
        check_ae_title(to)
        is_ours = to in self._settings.own_ae_titles
        if method is Method.GET and destination and not is_ours:
            raise InvalidRequest("C-GET brings objects to us: leave the destination out, or retrieve by C-MOVE.")
        if transfer_syntaxes and not is_ours:
            raise InvalidRequest(
                f"{to} negotiates the transfer syntax with {node.title} itself: leave the transfer syntaxes out."
            )
        arguments = {
            "node": node.title,
            "selection": arguments_of(wanted),
            "destination": to,
            "transfer_syntaxes": list(transfer_syntaxes),
        }
        where = "" if is_ours else f" to {to}"
        title = f"{_described(wanted)} from {node.title}{where}"
        return self._jobs.submit(MOVE if method is Method.MOVE else GET, title, arguments)

    def find(self, ae_title: str, level: Level, keys: Keys, limit: int, extensions: Negotiated = BASELINE) -> Answers:
        """Ask a node what it has, at most ``limit`` answers. NotFound; else as :meth:`Inquirer.find`."""
        node = serving(self._nodes, ae_title, Role.QUERY)
        with closing(self._inquirer.find(node, level, keys, limit + 1, extensions)) as answers:
            return _up_to(limit, list(answers))

    def worklist(self, ae_title: str, keys: Keys, limit: int) -> Answers:
        """Ask a node what it has scheduled, at most ``limit`` answers. NotFound; else as :meth:`Inquirer.find`."""
        node = serving(self._nodes, ae_title, Role.WORKLIST)
        with closing(self._inquirer.worklist(node, keys, limit + 1)) as answers:
            return _up_to(limit, list(answers))

    def _recipient(self, ae_title: str, *, commit: bool, is_deidentified: bool = False) -> Node:
        node = serving(self._nodes, ae_title, Role.STORE)
        if commit and (is_deidentified or node.anonymise):
            raise InvalidRequest("What is sent without its patient has other UIDs: ask for no commitment to it.")
        return serving(self._nodes, ae_title, Role.COMMITMENT) if commit else node


def selection(
    patient_id: str | None, studies: Sequence[str], series: Sequence[str], instances: Sequence[str]
) -> Selection:
    """Return what these name, at the level of the lowest. InvalidRequest when they name nothing."""
    if instances:
        level = Level.IMAGE
    elif series:
        level = Level.SERIES
    elif studies:
        level = Level.STUDY
    elif patient_id:
        level = Level.PATIENT
    else:
        raise InvalidRequest("Say what: a patient ID, studies, series or instances.")
    return Selection(level, _uids(studies), _uids(series), _uids(instances), patient_id or None)


def check_hierarchy(wanted: Selection) -> None:
    """Raise InvalidRequest unless a node may be asked for this.

    PS3.4 C.4.2.2.1: a retrieve names a single entity at each level above its own; at its own a list of UIDs.
    """
    above = {Level.SERIES: ("studies",), Level.IMAGE: ("studies", "series")}.get(wanted.level, ())
    for name in above:
        if len(getattr(wanted, name)) != 1:
            one = {"studies": "study", "series": "series"}[name]
            raise InvalidRequest(f"To retrieve at {wanted.level} level, name the one {one} that it is of.")


def _uids(names: Sequence[str]) -> tuple[UID, ...]:
    return tuple(map(UID, dict.fromkeys(names)))


def _check_syntaxes(transfer_syntaxes: Sequence[UID]) -> None:
    if len(transfer_syntaxes) > MAX_TRANSFER_SYNTAXES:
        raise InvalidRequest(f"More than {MAX_TRANSFER_SYNTAXES} transfer syntaxes: name the best ones.")
    for syntax in transfer_syntaxes:
        if syntax not in STORABLE_TRANSFER_SYNTAXES:
            raise InvalidRequest(f"{syntax[:64]!r} is the UID of no transfer syntax for stored objects.")


def _described(selected: Selection) -> str:
    """Return a selection in a few words."""
    names, one, many = {
        Level.PATIENT: ((selected.patient_id,), "patient", "patients"),
        Level.STUDY: (selected.studies, "study", "studies"),
        Level.SERIES: (selected.series, "series", "series"),
        Level.IMAGE: (selected.instances, "instance", "instances"),
    }[selected.level]
    return f"{one} {names[0]}" if len(names) == 1 else f"{len(names)} {many}"


def _up_to(limit: int, found: list[Found]) -> Answers:
    return Answers(list(islice(found, limit)), len(found) <= limit)
