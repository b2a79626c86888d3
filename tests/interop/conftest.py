"""What holds for every test with foreign peers."""

from support.foreign import (
    pynetdicom_closes_its_sockets,
    pynetdicom_is_done,
    pynetdicom_stands_still_when_it_says_so,
    pynetdicom_survives_late_words,
)

__all__ = [
    "pynetdicom_closes_its_sockets",
    "pynetdicom_is_done",
    "pynetdicom_stands_still_when_it_says_so",
    "pynetdicom_survives_late_words",
]
