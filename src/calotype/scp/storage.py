"""Storage (PS3.4 B): the data set of a C-STORE streams into the archive, and Success means it is committed.

What an archive takes, refuses or flags is ``services.archive.ingest``'s decision.
"""

from __future__ import annotations

from calotype.dicom.statuses import SUCCESS
from calotype.dicom.uids import SOP_CLASSES, STORAGE_CLASSES
from calotype.dicom.wire.messages import CStoreRQ, CStoreRSP
from calotype.dicom.wire.negotiation import AcceptedContext
from calotype.errors import InvalidRequest, Unsupported
from calotype.network.association import Association, Received
from calotype.services.archive.ingest import Declared, Ingest
from calotype.services.archive.ports import Channel, Origin


class StorageScp:
    """Answers C-STORE requests from one archive. Thread-safe: it keeps nothing between calls."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    def __call__(self, association: Association, received: Received) -> None:
        """Receive, commit and answer one object; what fails is left to the server to answer."""
        request, context = received.message, received.context
        assert isinstance(request, CStoreRQ)  # noqa: S101 - the server dispatches by this type
        _check_context(context)
        if not request.has_data_set:
            raise InvalidRequest("a C-STORE without a data set: send the object with it")
        # PS3.7 9.1.1.1 wants the command's SOP class to be the context's abstract syntax. Devices that negotiate
        # one class and send another are known; the object itself says what it is, and ingest holds both against it.
        declared = Declared(
            sop_class=request.affected_sop_class_uid,
            sop_instance=request.affected_sop_instance_uid,
            transfer_syntax=context.transfer_syntax,
        )
        origin = Origin(
            channel=Channel.DIMSE,
            calling_ae_title=association.calling_ae_title,
            called_ae_title=association.called_ae_title,
            address=association.peer_address,
        )
        with self._ingest.begin(declared, origin) as incoming:
            association.read_data_set(incoming.write)
            incoming.commit()
            # Answered before the block ends: tidying up needs nobody's waiting.
            association.send(
                context.context_id,
                CStoreRSP(
                    message_id_being_responded_to=request.message_id,
                    affected_sop_class_uid=request.affected_sop_class_uid,
                    affected_sop_instance_uid=request.affected_sop_instance_uid,
                    status=SUCCESS,
                ),
            )


def _check_context(context: AcceptedContext) -> None:
    """Raise Unsupported (0122) unless objects may come in ``context``."""
    abstract_syntax = context.abstract_syntax
    # A class that stands in no table was accepted as storage, or it would not be here.
    if abstract_syntax in SOP_CLASSES and abstract_syntax not in STORAGE_CLASSES:
        raise Unsupported(f"no context for storage: its SOP class is {abstract_syntax}")
    # PS3.7 D.3.3.4: a context in which the peer is SCP alone was made for the objects of its C-GET.
    if not context.scu_role:
        raise Unsupported("no context to store in: the sender is not SCU in it")
