"""PS3.8 Table 9-10 as data: the states, events and actions of the upper layer protocol machine.

A reader can hold this file against the Standard's pages (9.2.1 states, 9.2.2 events and actions, 9.2.3 table).
Nothing here runs: ``upper_layer`` looks an action up, turns its steps into indications and commands, and goes to
the next state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class State(StrEnum):
    """PS3.8 Tables 9-1 to 9-5."""

    STA1 = "Sta1"
    """Idle."""
    STA2 = "Sta2"
    """Transport connection open, awaiting A-ASSOCIATE-RQ PDU."""
    STA3 = "Sta3"
    """Awaiting local A-ASSOCIATE response primitive."""
    STA4 = "Sta4"
    """Awaiting transport connection opening to complete."""
    STA5 = "Sta5"
    """Awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ PDU."""
    STA6 = "Sta6"
    """Association established and ready for data transfer."""
    STA7 = "Sta7"
    """Awaiting A-RELEASE-RP PDU."""
    STA8 = "Sta8"
    """Awaiting local A-RELEASE response primitive."""
    STA9 = "Sta9"
    """Release collision, requestor side; awaiting A-RELEASE response primitive."""
    STA10 = "Sta10"
    """Release collision, acceptor side; awaiting A-RELEASE-RP PDU."""
    STA11 = "Sta11"
    """Release collision, requestor side; awaiting A-RELEASE-RP PDU."""
    STA12 = "Sta12"
    """Release collision, acceptor side; awaiting A-RELEASE response primitive."""
    STA13 = "Sta13"
    """Awaiting transport connection close indication."""


class Event(StrEnum):
    """PS3.8 Table 9-10, first column."""

    EVT1 = "A-ASSOCIATE request primitive"
    EVT2 = "Transport connection confirmation"
    EVT3 = "A-ASSOCIATE-AC PDU received"
    EVT4 = "A-ASSOCIATE-RJ PDU received"
    EVT5 = "Transport connection indication"
    EVT6 = "A-ASSOCIATE-RQ PDU received"
    EVT7 = "A-ASSOCIATE response primitive (accept)"
    EVT8 = "A-ASSOCIATE response primitive (reject)"
    EVT9 = "P-DATA request primitive"
    EVT10 = "P-DATA-TF PDU received"
    EVT11 = "A-RELEASE request primitive"
    EVT12 = "A-RELEASE-RQ PDU received"
    EVT13 = "A-RELEASE-RP PDU received"
    EVT14 = "A-RELEASE response primitive"
    EVT15 = "A-ABORT request primitive"
    EVT16 = "A-ABORT PDU received"
    EVT17 = "Transport connection closed indication"
    EVT18 = "ARTIM timer expired"
    EVT19 = "Unrecognized or invalid PDU received"


class Action(StrEnum):
    """PS3.8 Tables 9-6 to 9-9."""

    AE_1 = "AE-1"
    AE_2 = "AE-2"
    AE_3 = "AE-3"
    AE_4 = "AE-4"
    AE_5 = "AE-5"
    AE_6 = "AE-6"
    AE_7 = "AE-7"
    AE_8 = "AE-8"
    DT_1 = "DT-1"
    DT_2 = "DT-2"
    AR_1 = "AR-1"
    AR_2 = "AR-2"
    AR_3 = "AR-3"
    AR_4 = "AR-4"
    AR_5 = "AR-5"
    AR_6 = "AR-6"
    AR_7 = "AR-7"
    AR_8 = "AR-8"
    AR_9 = "AR-9"
    AR_10 = "AR-10"
    AA_1 = "AA-1"
    AA_2 = "AA-2"
    AA_3 = "AA-3"
    AA_4 = "AA-4"
    AA_5 = "AA-5"
    AA_6 = "AA-6"
    AA_7 = "AA-7"
    AA_8 = "AA-8"


class Step(Enum):
    """What actions are made of; the words are those of PS3.8 Tables 9-6 to 9-9."""

    SEND_PDU = auto()
    """Send the PDU of the primitive."""
    SEND_REJECT = auto()
    """Send an A-ASSOCIATE-RJ PDU from the service-provider."""
    SEND_ABORT = auto()
    """Send an A-ABORT PDU, service-user source: the primitive's, when there is one."""
    SEND_PROVIDER_ABORT = auto()
    """Send an A-ABORT PDU, service-provider source."""
    INDICATE = auto()
    """Issue the indication or confirmation primitive of the PDU received."""
    INDICATE_PROVIDER_ABORT = auto()
    """Issue an A-P-ABORT indication."""
    INDICATE_LOSS = auto()
    """Issue an A-P-ABORT indication because the transport connection is gone."""
    START_ARTIM = auto()
    """Start the ARTIM timer, or restart it."""
    STOP_ARTIM = auto()
    """Stop the ARTIM timer if it runs."""
    CLOSE = auto()
    """Close the transport connection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action does, and where it leads."""

    steps: tuple[Step, ...]
    next_state: State


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One row of PS3.8 Tables 9-6 to 9-9; ``otherwise`` is for the two rows that put a condition."""

    outcome: Outcome
    otherwise: Outcome | None = None


def _row(next_state: State, *steps: Step) -> ActionRow:
    return ActionRow(Outcome(steps, next_state))


ACTIONS: Mapping[Action, ActionRow] = {
    # The transport connection of AE-1 is opened by whoever drives the machine; only the PDU waits for it.
    Action.AE_1: _row(State.STA4),
    Action.AE_2: _row(State.STA5, Step.SEND_PDU),
    Action.AE_3: _row(State.STA6, Step.INDICATE),
    Action.AE_4: _row(State.STA1, Step.INDICATE, Step.CLOSE),
    Action.AE_5: _row(State.STA2, Step.START_ARTIM),
    # Acceptable by the service-provider, or not: that is, of a protocol version that we speak.
    Action.AE_6: ActionRow(
        Outcome((Step.STOP_ARTIM, Step.INDICATE), State.STA3),
        otherwise=Outcome((Step.STOP_ARTIM, Step.SEND_REJECT, Step.START_ARTIM), State.STA13),
    ),
    Action.AE_7: _row(State.STA6, Step.SEND_PDU),
    Action.AE_8: _row(State.STA13, Step.SEND_PDU, Step.START_ARTIM),
    Action.DT_1: _row(State.STA6, Step.SEND_PDU),
    Action.DT_2: _row(State.STA6, Step.INDICATE),
    Action.AR_1: _row(State.STA7, Step.SEND_PDU),
    Action.AR_2: _row(State.STA8, Step.INDICATE),
    Action.AR_3: _row(State.STA1, Step.INDICATE, Step.CLOSE),
    Action.AR_4: _row(State.STA13, Step.SEND_PDU, Step.START_ARTIM),
    Action.AR_5: _row(State.STA1, Step.STOP_ARTIM),
    Action.AR_6: _row(State.STA7, Step.INDICATE),
    Action.AR_7: _row(State.STA8, Step.SEND_PDU),
    # Whether we requested the association decides where a release collision leads.
    Action.AR_8: ActionRow(
        Outcome((Step.INDICATE,), State.STA9),
        otherwise=Outcome((Step.INDICATE,), State.STA10),
    ),
    Action.AR_9: _row(State.STA11, Step.SEND_PDU),
    Action.AR_10: _row(State.STA12, Step.INDICATE),
    Action.AA_1: _row(State.STA13, Step.SEND_ABORT, Step.START_ARTIM),
    Action.AA_2: _row(State.STA1, Step.STOP_ARTIM, Step.CLOSE),
    Action.AA_3: _row(State.STA1, Step.INDICATE, Step.CLOSE),
    Action.AA_4: _row(State.STA1, Step.INDICATE_LOSS),
    Action.AA_5: _row(State.STA1, Step.STOP_ARTIM),
    Action.AA_6: _row(State.STA13),
    Action.AA_7: _row(State.STA13, Step.SEND_PROVIDER_ABORT),
    Action.AA_8: _row(State.STA13, Step.SEND_PROVIDER_ABORT, Step.INDICATE_PROVIDER_ABORT, Step.START_ARTIM),
}

# A column per state, a row per event, as the Standard prints it; a dot is its blank cell.
_TABLE_9_10 = """
        Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10 Sta11 Sta12 Sta13
EVT1    AE-1  .     .     .     .     .     .     .     .     .     .     .     .
EVT2    .     .     .     AE-2  .     .     .     .     .     .     .     .     .
EVT3    .     AA-1  AA-8  .     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
EVT4    .     AA-1  AA-8  .     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
EVT5    AE-5  .     .     .     .     .     .     .     .     .     .     .     .
EVT6    .     AE-6  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
EVT7    .     .     AE-7  .     .     .     .     .     .     .     .     .     .
EVT8    .     .     AE-8  .     .     .     .     .     .     .     .     .     .
EVT9    .     .     .     .     .     DT-1  .     AR-7  .     .     .     .     .
EVT10   .     AA-1  AA-8  .     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
EVT11   .     .     .     .     .     AR-1  .     .     .     .     .     .     .
EVT12   .     AA-1  AA-8  .     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
EVT13   .     AA-1  AA-8  .     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
EVT14   .     .     .     .     .     .     .     AR-4  AR-9  .     .     AR-4  .
EVT15   .     .     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  .
EVT16   .     AA-2  AA-3  .     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
EVT17   .     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
EVT18   .     AA-2  .     .     .     .     .     .     .     .     .     .     AA-2
EVT19   .     AA-1  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
"""


def _read_table(text: str) -> dict[tuple[Event, State], Action]:
    header, *rows = (line.split() for line in text.strip().splitlines())
    return {
        (Event[event], State(state)): Action(action)
        for event, *cells in rows
        for state, action in zip(header, cells, strict=True)
        if action != "."
    }


TRANSITIONS: Mapping[tuple[Event, State], Action] = _read_table(_TABLE_9_10)
"""PS3.8 Table 9-10; a pair that is not here is a blank cell: it cannot happen, or means nothing."""

LOCAL_PRIMITIVES = frozenset((Event.EVT1, Event.EVT7, Event.EVT8, Event.EVT9, Event.EVT11, Event.EVT14, Event.EVT15))
"""Events that only our own side causes; one in a blank cell is our own mistake."""
