"""What was turned away stays readable, and never grows without bound."""

from calotype.dicom.wire.pdu import REJECT_CALLED_AE_TITLE, REJECT_LOCAL_LIMIT_EXCEEDED, AssociateRJ
from calotype.network.rejections import Rejections, in_words


def add(rejections, detail, words=("closed", "connection", "no association request")):
    return rejections.add(listener="main", peer_address="192.0.2.1", words=words, detail=detail)


def test_words_are_the_standards():
    assert in_words(REJECT_CALLED_AE_TITLE) == (
        "rejected permanently",
        "service user",
        "called AE title not recognized",
    )
    assert in_words(REJECT_LOCAL_LIMIT_EXCEEDED) == (
        "rejected for now",
        "service provider (presentation)",
        "local limit exceeded",
    )


def test_reserved_numbers_stay_numbers():
    assert in_words(AssociateRJ(9, 8, 7)) == ("result 9", "source 8", "reason 7")


def test_the_newest_comes_first_and_the_oldest_goes():
    rejections = Rejections(keep=3)
    for number in range(5):
        add(rejections, str(number))
    assert [rejection.detail for rejection in rejections.recent()] == ["4", "3", "2"]
    assert [rejection.detail for rejection in rejections.recent(limit=1)] == ["4"]


def test_counters_outlive_what_is_kept():
    rejections = Rejections(keep=1)
    add(rejections, "a")
    add(rejections, "b")
    add(rejections, "c", in_words(REJECT_CALLED_AE_TITLE))
    assert rejections.counts() == {"no association request": 2, "called AE title not recognized": 1}
