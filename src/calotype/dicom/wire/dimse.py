"""P-DATA fragments <-> messages (PS3.7 6.3, PS3.8 Annex E): commands are put together, data sets pass through.

A message is a command set, then, when the command says so, a data set, both on one presentation context and never
mixed with another message. What a command asks for is in ``messages``; what becomes of a data set is up to whoever
reads it: nothing of it is kept here.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from calotype.dicom.wire.command_sets import decode_message, encode_message
from calotype.dicom.wire.messages import InvalidMessage, Message
from calotype.dicom.wire.pdu import pdv_prefix
from calotype.dicom.wire.primitives import DataFragment
from calotype.errors import InvalidRequest

MAX_COMMAND_SET_BYTES = 65536
MAX_SEND_PDU_BYTES = 1 << 20
"""Sent to peers that take any length: longer PDUs gain nothing."""

ALL_CONTEXT_IDS = range(1, 256, 2)
_PDV_HEADER_BYTES = 6


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command set is complete; its data set follows when ``message.has_data_set``."""

    context_id: int
    message: Message


@dataclass(slots=True)
class DataSetFragment:
    """The next slice of the data set, never empty; valid as long as the fragment it came with.

    Not frozen, for the reason given at ``primitives.DataFragment``.
    """

    context_id: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class DataSetEnd:
    """The data set is complete."""

    context_id: int


MessagePart: TypeAlias = CommandReceived | DataSetFragment | DataSetEnd

_NOTHING: tuple[MessagePart, ...] = ()


class MessageAssembler:
    """One association's stream of messages. Used by one thread.

    ``context_ids`` are the presentation contexts that were accepted; by default all that can exist pass, for users
    that look their context up themselves.
    """

    __slots__ = ("_command", "_command_context", "_context_ids", "_data_context")

    def __init__(self, context_ids: Container[int] = ALL_CONTEXT_IDS) -> None:
        self._context_ids = context_ids
        self._command = bytearray()
        self._command_context = 0
        self._data_context = 0

    @property
    def is_between_messages(self) -> bool:
        """Whether no message has begun that is not complete."""
        return not (self._command_context or self._data_context)

    def receive(self, fragment: DataFragment) -> Sequence[MessagePart]:
        """Take one fragment; return what it completes or brings.

        Raises InvalidMessage when it comes out of order, on a context not accepted, or ends a command set that
        cannot be read. The association is beyond repair then: abort it.
        """
        if self._data_context and not fragment.is_command and fragment.context_id == self._data_context:
            part = (DataSetFragment(fragment.context_id, fragment.data),) if len(fragment.data) else _NOTHING
            if fragment.is_last and fragment.ends_pdv:
                self._data_context = 0
                return (*part, DataSetEnd(fragment.context_id))
            return part
        return self._receive_command(fragment)

    def _receive_command(self, fragment: DataFragment) -> Sequence[MessagePart]:
        self._check_order(fragment)
        if len(self._command) + len(fragment.data) > MAX_COMMAND_SET_BYTES:
            raise InvalidMessage(f"a command set is longer than {MAX_COMMAND_SET_BYTES} bytes")
        is_complete = fragment.is_last and fragment.ends_pdv
        if is_complete and not self._command:
            command_set = bytes(fragment.data)
        else:
            self._command += fragment.data
            self._command_context = fragment.context_id
            if not is_complete:
                return _NOTHING
            command_set = bytes(self._command)
            self._command.clear()
        self._command_context = 0
        message = decode_message(command_set)
        if message.has_data_set:
            self._data_context = fragment.context_id
        return (CommandReceived(fragment.context_id, message),)

    def _check_order(self, fragment: DataFragment) -> None:
        context_id = fragment.context_id
        if context_id not in self._context_ids:
            raise InvalidMessage(f"data came on presentation context {context_id}, which was not accepted")
        if self._data_context:
            what = "a command" if fragment.is_command else f"data on context {context_id}"
            raise InvalidMessage(f"{what} came inside the data set on context {self._data_context}")
        if not fragment.is_command:
            raise InvalidMessage(f"a data set came on context {context_id} without a command that announces it")
        if self._command_context not in (0, context_id):
            raise InvalidMessage(f"a command on context {context_id} came inside one on {self._command_context}")


def fragment_bytes(max_pdu_bytes: int) -> int:
    """Return the longest fragment that a PDU for this peer can carry: even, as PS3.8 Annex E wants.

    ``max_pdu_bytes`` is what the peer announced, 0 for any. InvalidRequest when no fragment fits.
    """
    limit = min(max_pdu_bytes or MAX_SEND_PDU_BYTES, MAX_SEND_PDU_BYTES)
    fits = (limit - _PDV_HEADER_BYTES) & ~1
    if fits < 2:
        raise InvalidRequest(f"the peer takes PDUs of {max_pdu_bytes} bytes at most: no data fits into them")
    return fits


def command_pdus(context_id: int, message: Message, max_pdu_bytes: int) -> list[bytes]:
    """Return the P-DATA-TF PDUs of a command: one, unless the peer's limit is tiny."""
    command_set = encode_message(message)
    size, step = len(command_set), fragment_bytes(max_pdu_bytes)
    return [
        pdv_prefix(context_id, min(step, size - at), is_command=True, is_last=at + step >= size)
        + command_set[at : at + step]
        for at in range(0, size, step)
    ]


def data_set_pdus(
    context_id: int, data: bytes | bytearray | memoryview, max_pdu_bytes: int
) -> Iterator[bytes | memoryview]:
    """Give a data set as P-DATA-TF PDUs, in parts to be written one after another: prefix, slice, prefix, slice.

    The slices are views into ``data``. An empty data set is one empty fragment.
    """
    view, step = memoryview(data), fragment_bytes(max_pdu_bytes)
    size = len(view)
    for at in range(0, max(size, 1), step):
        end = min(at + step, size)
        yield pdv_prefix(context_id, end - at, is_command=False, is_last=end == size)
        yield view[at:end]
