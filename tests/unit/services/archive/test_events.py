"""Publishing never waits, and what is lost is counted."""

import threading

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.events import Events, InstanceStored
from support.archives import MODALITY


def event(number):
    return InstanceStored(
        InstanceRef(UID("1"), UID("2"), UID(f"3.{number}")), UID("4"), MODALITY, number, frozenset()
    )


def test_every_listener_gets_every_event_in_order():
    events = Events()
    first, second = events.subscribe(), events.subscribe()
    for number in range(3):
        events.publish(event(number))
    for subscription in (first, second):
        assert [subscription.get(0) for _ in range(4)] == [event(0), event(1), event(2), None]


def test_a_slow_listener_loses_the_oldest():
    events = Events()
    slow = events.subscribe(capacity=2)
    for number in range(5):
        events.publish(event(number))
    assert [slow.get(0), slow.get(0), slow.get(0)] == [event(3), event(4), None]


def test_a_closed_subscription_hears_nothing_more():
    events = Events()
    with events.subscribe() as subscription:
        events.publish(event(1))
    events.publish(event(2))
    assert list(subscription) == [event(1)]
    subscription.close()


def test_close_wakes_whoever_waits():
    subscription = Events().subscribe()
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(subscription.get()))
    waiting.start()
    subscription.close()
    waiting.join(timeout=30)
    assert heard == [None]


def test_publish_wakes_whoever_waits():
    events = Events()
    subscription = events.subscribe()
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(subscription.get(30)))
    waiting.start()
    events.publish(event(1))
    waiting.join(timeout=30)
    assert heard == [event(1)]
