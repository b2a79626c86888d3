"""The protocol machine's table against another transcription of the Standard's, and against itself."""

from __future__ import annotations

from pynetdicom.fsm import TRANSITION_TABLE

from calotype.dicom.wire.states import ACTIONS, LOCAL_PRIMITIVES, TRANSITIONS, Action, Event, State


def test_table_is_the_one_that_pynetdicom_has():
    theirs = {
        (Event[event.upper()], State(state)): Action(action) for (event, state), action in TRANSITION_TABLE.items()
    }

    assert dict(TRANSITIONS) == theirs


def test_every_action_has_a_row_and_every_row_is_used():
    assert set(TRANSITIONS.values()) == set(ACTIONS) == set(Action)


def test_every_state_can_be_reached():
    reached = {State.STA1}
    for action in TRANSITIONS.values():
        row = ACTIONS[action]
        reached.add(row.outcome.next_state)
        if row.otherwise is not None:
            reached.add(row.otherwise.next_state)

    assert reached == set(State)


def test_only_two_actions_put_a_condition():
    assert {action for action, row in ACTIONS.items() if row.otherwise} == {Action.AE_6, Action.AR_8}


def test_what_a_peer_does_is_answered_in_every_state_with_an_open_connection():
    open_states = set(State) - {State.STA1, State.STA4}
    received = [Event.EVT3, Event.EVT4, Event.EVT6, Event.EVT10, Event.EVT12, Event.EVT13, Event.EVT16, Event.EVT19]

    assert all((event, state) in TRANSITIONS for event in received for state in open_states)
    assert LOCAL_PRIMITIVES.isdisjoint(received)
