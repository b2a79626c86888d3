"""Jobs that send: what the archive holds, or files of this machine, object by object to a neighbour.

What was answered is an outcome and is not sent again; what was not (the node is away, the line broke, its disk is
full) is tried again later. How objects travel is in ``send``; a job that is told so asks afterwards for storage
commitment (``pledging``).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.errors import CalotypeError, InvalidRequest, NotFound, OutOfResources, Refused, Unavailable
from calotype.services.archive.ports import ObjectReader
from calotype.services.jobs.model import ItemResult
from calotype.services.jobs.run import JobRun
from calotype.services.routing.cargo import Cargo
from calotype.services.routing.commitment.requests import Requests
from calotype.services.routing.deidentifying import wishes_from_json
from calotype.services.routing.nodes import AddressBook, Node
from calotype.services.routing.peers import LocalFiles
from calotype.services.routing.pledging import ITEM, batches, pledge
from calotype.services.routing.ports import Answer, Parcel, Result
from calotype.services.routing.send import Dispatch, Handover

RESULTS: Final[Mapping[Result, ItemResult]] = {
    Result.COMPLETED: ItemResult.OK,
    Result.WARNING: ItemResult.WARNED,
    Result.FAILED: ItemResult.FAILED,
}

OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
"""PS3.4 Table B.2-1: the node would take the object, had it the room."""


class SendJob:
    """Sends a selection of the archive; items are SOP Instance UIDs."""

    def __init__(self, nodes: AddressBook, dispatch: Dispatch, requests: Requests) -> None:
        self._nodes = nodes
        self._dispatch = dispatch
        self._requests = requests

    def __call__(self, run: JobRun) -> None:
        """Send what is not sent yet. NotFound when the archive or the address book does not have it any more.

        InvalidRequest when the job does not say whether its patient may be told: nobody is told by default.
        """
        if "deidentify" not in run.arguments:
            raise InvalidRequest("The job does not say whether to de-identify: it is of another version. Send anew.")
        node = self._nodes.find(run.arguments["node"])
        cargo = self._dispatch.locate(selection_of(run.arguments["selection"]))
        if not cargo:
            raise NotFound("The archive holds nothing of what is to be sent.")
        rest = [item for item in cargo if item.parcel.sop_instance not in run.finished_items]
        # Who gets objects without their patient must not be told the UIDs that they had.
        commits = run.arguments.get("commit") and not node.anonymise
        asked_about = [_reference(item.parcel) for item in cargo] if commits else []
        run.total = _total(run, len(rest), asked_about)
        names = [item.parcel.sop_instance for item in rest]
        deidentify = wishes_from_json(run.arguments["deidentify"])
        follow(run, node, names, self._dispatch.send(rest, node, deidentify=deidentify))
        pledge(run, node, asked_about, self._requests)


class SendFilesJob:
    """Sends files below folders that are allowed; items are paths."""

    def __init__(
        self,
        nodes: AddressBook,
        dispatch: Dispatch,
        files: LocalFiles,
        allowed_folders: Sequence[Path],
        requests: Requests,
    ) -> None:
        self._nodes = nodes
        self._requests = requests
        self._dispatch = dispatch
        self._files = files
        self._allowed_folders = [folder.resolve() for folder in allowed_folders]

    def check(self, paths: Sequence[Path]) -> None:
        """Raise Refused unless every path is in one of the folders that may be sent from."""
        for path in paths:
            # Resolved first: neither ".." nor a link may lead out.
            if not any(path.resolve().is_relative_to(folder) for folder in self._allowed_folders):
                raise Refused(
                    f"{path} is in no folder that may be sent from: an administrator lists those in jobs.folders."
                )

    def __call__(self, run: JobRun) -> None:
        """Send what is not sent yet. NotFound for a path that is not there, Refused for one that is not allowed."""
        node = self._nodes.find(run.arguments["node"])
        paths = [Path(path) for path in run.arguments["paths"]]
        self.check(paths)
        names: list[str] = []
        cargo: list[Cargo] = []
        asked_about: list[Reference] = []
        commits = bool(run.arguments.get("commit")) and not node.anonymise
        for path in self._files.walk(paths):
            if run.is_cancelled:
                return
            name = _name(path)
            is_finished = name in run.finished_items
            if is_finished and not commits:
                continue
            try:
                parcel = self._files.read(path)
            except CalotypeError as error:
                run.outcome(name, ItemResult.WARNED, f"left aside: {error}")
                continue
            if commits:
                asked_about.append(_reference(parcel))
            if not is_finished:
                names.append(name)
                cargo.append(Cargo(parcel, partial(self._open, path, parcel)))
        asked_about = list(dict.fromkeys(asked_about))
        run.total = _total(run, len(cargo), asked_about)
        follow(run, node, names, self._dispatch.send(cargo, node))
        pledge(run, node, asked_about, self._requests)

    def _open(self, path: Path, parcel: Parcel) -> tuple[Parcel, ObjectReader]:
        return parcel, self._files.open(path)


def follow(run: JobRun, node: Node, names: Sequence[str], handovers: Generator[Handover, None, None]) -> None:
    """Note what comes of each object, ``names`` being the items in the order in which they are to be sent.

    Unavailable when some were not answered, to be tried again; OutOfResources when that was the last attempt, and
    Refused when the node took nothing at all.
    """
    lost: list[tuple[str, str]] = []
    comment = ""
    is_any_taken = run.progress.done > 0
    is_last_attempt = run.is_last_attempt
    with closing(handovers):
        for handover in handovers:
            answer = handover.answer
            if handover.is_lost or _is_temporary(answer):
                lost.append((names[handover.position], answer.comment))
            else:
                run.outcome(names[handover.position], RESULTS[answer.result], answer.comment)
                comment = comment or answer.comment
                is_any_taken = is_any_taken or answer.result is not Result.FAILED
                is_last_attempt = False
            if run.is_cancelled:
                return
    if lost:
        _, cause = lost[0]
        told = f"{len(lost)} of {run.total} objects could not be handed to {node}: {cause}"
        if not is_last_attempt:
            raise Unavailable(told)
        for name, why in lost:
            run.outcome(name, ItemResult.FAILED, why)
        raise OutOfResources(f"given up after {run.job.attempts} attempts: {told}")
    failed = run.progress.failed
    if failed and not is_any_taken:
        raise Refused(f"{node} took none of {failed} objects: {comment or 'see the outcome of each'}")


def selection_of(arguments: Mapping[str, Any]) -> Selection:
    """Return the selection that :func:`arguments_of` has made JSON of."""
    return Selection(
        Level(arguments["level"]),
        tuple(map(UID, arguments["studies"])),
        tuple(map(UID, arguments["series"])),
        tuple(map(UID, arguments["instances"])),
        arguments["patient_id"],
    )


def arguments_of(selection: Selection) -> dict[str, Any]:
    """Return a selection as JSON."""
    return {
        "level": selection.level.value,
        "studies": list(selection.studies),
        "series": list(selection.series),
        "instances": list(selection.instances),
        "patient_id": selection.patient_id,
    }


def _is_temporary(answer: Answer) -> bool:
    return answer.status in OUT_OF_RESOURCES


def _total(run: JobRun, rest: int, asked_about: Sequence[Reference]) -> int:
    """Return how many items a job has in all: what it sends, and what it asks for afterwards."""
    pledges = {ITEM.format(number + 1) for number in range(batches(len(asked_about)))}
    return run.progress.finished + rest + len(pledges - run.finished_items)


def _reference(parcel: Parcel) -> Reference:
    return Reference(parcel.kind.sop_class, parcel.sop_instance)


def _name(path: Path) -> str:
    """Return a path as text that can be kept: bytes that are no UTF-8 are written as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
