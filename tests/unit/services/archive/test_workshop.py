"""The bounded pool in which pixels are worked on."""

import threading
from itertools import count

import pytest

from calotype.errors import DamagedPixels, Unavailable
from calotype.services.archive.workshop import Workshop


def test_results_come_in_the_order_of_the_items():
    with Workshop(3) as workshop:
        assert list(workshop.map(lambda number: number * number, range(50))) == [n * n for n in range(50)]


def test_no_more_work_at_one_time_than_there_are_threads_whoever_asks():
    at_work, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work(_number):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        both.wait(60)
        with lock:
            at_work -= 1

    with Workshop(2) as workshop:
        askers = [threading.Thread(target=lambda: list(workshop.map(work, range(6)))) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    # The barrier opens for two at a time only: there were two, and never three.
    assert most == 2


def test_endless_items_are_begun_a_few_at_a_time():
    taken = count()
    with Workshop(2) as workshop:
        results = workshop.map(lambda number: number, taken)
        assert [next(results) for _ in range(10)] == list(range(10))
        results.close()
        assert next(taken) <= 14


def test_what_work_and_items_raise_comes_in_its_turn():
    def items():
        yield 1
        yield 2
        raise DamagedPixels("the third frame is cut off")

    with Workshop(2) as workshop:
        results = workshop.map(lambda number: 1 // (number - 2), items())
        assert next(results) == -1
        with pytest.raises(ZeroDivisionError):
            next(results)
        with pytest.raises(DamagedPixels, match="third"):
            next(results)
        assert next(results, None) is None


def test_what_is_asked_of_a_workshop_that_is_stopped_is_unavailable():
    workshop = Workshop(1)
    begun, go = threading.Event(), threading.Event()

    def work(number):
        begun.set()
        go.wait(60)
        return number

    results = workshop.map(work, range(9))
    begun.wait(60)
    stopper = threading.Thread(target=workshop.stop)
    stopper.start()
    go.set()
    stopper.join()
    assert next(results) == 0
    with pytest.raises(Unavailable, match="being stopped"):
        list(results)
    with pytest.raises(Unavailable, match="being stopped"):
        next(workshop.map(work, [1]))


def test_who_works_in_a_thread_of_his_own_counts_too():
    at_work, most, lock = 0, 0, threading.Lock()
    two, go_on = threading.Event(), threading.Event()

    def work(_number):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            if at_work == 2:
                two.set()
        assert go_on.wait(60)
        with lock:
            at_work -= 1

    with Workshop(2) as workshop:

        def work_here():
            for number in range(6):
                with workshop.turn():
                    work(number)

        askers = [threading.Thread(target=lambda: list(workshop.map(work, range(6)))) for _ in range(2)]
        askers += [threading.Thread(target=work_here) for _ in range(2)]
        for asker in askers:
            asker.start()
        assert two.wait(60)
        go_on.set()
        for asker in askers:
            asker.join()
    assert most == 2


def test_spare_work_is_done_in_the_order_of_its_items_where_nobody_asks():
    with Workshop(1) as workshop:
        here = []
        results = workshop.spare(lambda number: here.append(threading.get_ident()) or number, range(3))
        assert list(results) == [0, 1, 2]
    assert set(here) == {threading.get_ident()}


def test_spare_work_lets_all_others_go_first(monkeypatch):
    monkeypatch.setattr("calotype.services.archive.workshop.PATIENCE_S", 60.0)
    order = []
    began, go_on = threading.Event(), threading.Event()

    def wanted(number):
        began.set()
        assert go_on.wait(60)
        order.append(f"wanted {number}")

    with Workshop(1) as workshop:
        asked = [workshop.submit(wanted, number) for number in range(3)]
        assert began.wait(60)
        idle = threading.Thread(target=lambda: list(workshop.spare(lambda _: order.append("spare"), range(1))))
        idle.start()
        go_on.set()
        for each in asked:
            each.result(60)
        idle.join(60)
    assert order == ["wanted 0", "wanted 1", "wanted 2", "spare"]


def test_spare_work_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr("calotype.services.archive.workshop.PATIENCE_S", 0.01)
    with Workshop(2) as workshop:
        go_on = threading.Event()
        # Two are asked for: one works, one has just ended its turn and not told yet. There is a turn to be had.
        asked = workshop.submit(lambda _: go_on.wait(60), 0)
        workshop._ask()
        assert list(workshop.spare(lambda number: number + 1, [1])) == [2]
        go_on.set()
        asked.result(60)
