"""What passed through listeners, in spans."""

import time
from itertools import count

from calotype.network.standing import LiveAssociation, Standing, Totals
from calotype.network.traffic import KEPT, Span, Traffic


class Port:
    """A listener through which as much has passed as the test says."""

    def __init__(self):
        self.totals = Totals()

    def standing(self):
        return Standing(is_open=True, associations=(), totals=self.totals)


def test_spans_are_the_differences_of_all_listeners_totals():
    one, other = Port(), Port()
    one.totals = Totals(associations=7)
    traffic = Traffic([one, other], clock_us=count(100, 20).__next__)
    one.totals += Totals(associations=1, messages_received=3)
    other.totals += Totals(rejections=2, data_set_bytes_received=500)
    traffic.look()
    traffic.look()
    assert traffic.spans() == [
        Span(100, Totals(associations=1, rejections=2, messages_received=3, data_set_bytes_received=500)),
        Span(120, Totals()),
    ]


def test_an_hour_is_kept():
    traffic = Traffic([], clock_us=count().__next__)
    for _ in range(KEPT + 5):
        traffic.look()
    assert [span.end_us for span in traffic.spans()] == list(range(5, KEPT + 5))


def test_a_thread_looks_until_it_is_stopped():
    traffic = Traffic([Port()], span_s=0.01)
    traffic.start()
    deadline = time.monotonic() + 30
    while not traffic.spans() and time.monotonic() < deadline:
        time.sleep(0.005)
    traffic.stop()
    spans = traffic.spans()
    assert spans
    traffic.stop()
    assert traffic.spans() == spans


def test_an_association_counts_with_all_that_it_carried():
    live = LiveAssociation("CT1", "CALOTYPE", "10.0.0.9", 5, 1, 2, 30, 40)
    assert Totals.of(live) == Totals(1, 0, 1, 2, 30, 40)
    assert Totals.of(live) - Totals.of(live) == Totals()
