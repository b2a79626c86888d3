"""C-GET SCU (PS3.4 C.4.3): fetch from a node over the association that asks.

What happens to the objects is a ``Receiver``'s; the one that writes files is in ``folder``. Which contexts are
proposed for them is worked out in ``proposals``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from calotype.dicom import statuses
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.statuses import Service, status_of
from calotype.dicom.wire.messages import CGetRQ, CGetRSP, CStoreRQ, CStoreRSP
from calotype.errors import CalotypeError, Unavailable, Unsupported
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationEnded
from calotype.scu.calling import NATIVE_SYNTAXES, Caller, failure, out_of_turn, require_context, roles_as_scp
from calotype.scu.keys import Keys, encode_keys
from calotype.scu.proposals import COMMON_STORAGE_CLASSES, MAX_STORAGE_CONTEXTS, proposals
from calotype.scu.query import (
    Conversation,
    Progress,
    Root,
    find,
    progress_of,
    refuses_the_whole,
    retrieve_keys,
    until_final,
)
from calotype.services.routing.nodes import Node
from calotype.services.routing.peers import Receiver


def get(
    caller: Caller,
    node: Node,
    level: Level,
    keys: Keys,
    receiver: Receiver,
    *,
    root: Root = Root.STUDY,
    sop_classes: Sequence[UID] = (),
    transfer_syntaxes: Sequence[UID] = (),
) -> Generator[Progress, None, None]:
    """Fetch what ``keys`` name into ``receiver``, yielding the node's progress reports.

    ``sop_classes`` are what to be ready for; when not given the node is asked (C-FIND), and when it does not say,
    the usual ones are taken. ``transfer_syntaxes`` are the only ones to offer, the best first; when not given, as
    many as there is room for. The last report is final and says how it ended. An object that ``receiver`` cannot
    keep is refused to the node, which counts it as failed; why stands in the final report's comment. Closing the
    generator sends a C-CANCEL.

    Raised are refusals of the whole, as in :func:`calotype.scu.query.move`.
    """
    asked = retrieve_keys(level, keys, root)
    wanted = sop_classes or sop_classes_of(caller, node, keys, root) or COMMON_STORAGE_CLASSES
    wanted = wanted[:MAX_STORAGE_CONTEXTS]
    contexts = [(root.get, NATIVE_SYNTAXES), *proposals(wanted, syntaxes=transfer_syntaxes)]
    with caller.dial(node, contexts, roles_as_scp(wanted)) as association:
        context = require_context(association, root.get, f"C-GET by {root.name.lower()} root", node)
        request = CGetRQ(message_id=association.next_message_id(), affected_sop_class_uid=root.get)
        association.send(context.context_id, request, encode_keys(asked, context.transfer_syntax))
        reports = _reports(association, request.message_id, receiver)
        last = yield from until_final(reports, Conversation(association, context.context_id, request.message_id))
    if refuses_the_whole(last):
        raise failure(node, "C-GET", last.status, last.comment)
    yield last


def sop_classes_of(caller: Caller, node: Node, keys: Keys, root: Root) -> tuple[UID, ...]:
    """Ask which SOP classes the studies named by ``keys`` have; empty when the node does not say."""
    higher = {keyword: keys[keyword] for keyword in ("PatientID", "StudyInstanceUID") if keys.get(keyword)}
    question = higher | {"SOPClassesInStudy": ""}
    found: dict[UID, None] = {}
    try:
        for answer in find(caller, node, Level.STUDY, question, root=root):
            found.update(dict.fromkeys(UID(uid) for uid in answer.get("SOPClassesInStudy", "").split("\\") if uid))
    except CalotypeError:
        # Many nodes answer C-GET and not this optional key, or no C-FIND at all. If it is down, C-GET will say so.
        return ()
    return tuple(found)


def _reports(association: Association, message_id: int, receiver: Receiver) -> Iterator[Progress]:
    """Keep what comes and give the node's reports, the final one last."""
    first_problem = ""
    while True:
        received = association.receive()
        if received is None:
            raise Unavailable("the node released the association before it was done")
        message = received.message
        if isinstance(message, CStoreRQ):
            problem = _keep(association, received, message, receiver)
            first_problem = first_problem or problem
        elif isinstance(message, CGetRSP) and message.message_id_being_responded_to == message_id:
            progress = progress_of(association, message, received.context.transfer_syntax)
            if progress.is_final and first_problem:
                progress = replace(progress, comment=first_problem)
            yield progress
            if progress.is_final:
                return
        else:
            raise out_of_turn(association, message)


def _keep(association: Association, received: Received, request: CStoreRQ, receiver: Receiver) -> str:
    """Keep one object and answer for it; return why it could not be kept, empty when it was."""
    status, problem = statuses.SUCCESS, ""
    try:
        # PS3.7 D.3.3.4: objects come only where we offered to be their SCP, not on the context that asked for them.
        if not received.context.scp_role:
            raise Unsupported("the object came on a context that is not for storage")
        with receiver.begin(
            request.affected_sop_class_uid,
            request.affected_sop_instance_uid,
            received.context.transfer_syntax,
            association.called_ae_title,
        ) as incoming:
            association.read_data_set(incoming.write)
            incoming.commit()
    except AssociationEnded:
        raise
    except CalotypeError as error:
        status, problem = status_of(error, Service.STORE), str(error)
    response = CStoreRSP(
        message_id_being_responded_to=request.message_id,
        affected_sop_class_uid=request.affected_sop_class_uid,
        affected_sop_instance_uid=request.affected_sop_instance_uid,
        status=status,
        error_comment=problem,
    )
    association.skip_data_set()
    association.send(received.context.context_id, response)
    return problem
