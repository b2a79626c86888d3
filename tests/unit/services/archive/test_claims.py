"""One at a time per name."""

import threading

import pytest

from calotype.services.archive.claims import Claims


def test_one_name_is_held_by_one():
    claims, inside, most = Claims(), [], []

    def work():
        for _ in range(50):
            with claims.hold("a"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_other_names_do_not_wait():
    claims = Claims()
    with claims.hold("a"), claims.hold("b"):
        assert sorted(claims._claims) == ["a", "b"]


def test_nothing_stays_behind_even_after_an_error():
    claims = Claims()
    with pytest.raises(ValueError, match="x"), claims.hold("a"):
        raise ValueError("x")
    with claims.hold("a"):
        assert len(claims._claims) == 1
    assert claims._claims == {}
