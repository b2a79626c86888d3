"""Text and identifiers as both protocols write them: AE titles, UIDs, short text <-> bytes (PS3.5 6.2).

Nothing here knows a PDU or a message. Decoding never raises: what a device sends is kept readable and free of
control characters, so that it can stand in a log line; whether it is acceptable is decided by whoever uses it.
"""

from __future__ import annotations

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest

AE_TITLE_BYTES = 16
NO_UID = UID("")


def decode_text(raw: bytes) -> str:
    """Return text without padding, cut at the first NUL, unprintable characters replaced by ``?``.

    PS3.8 allows the default repertoire only. Devices send local character sets all the same; read as Latin-1,
    different bytes stay different text.
    """
    text = raw.partition(b"\0")[0].decode("latin-1").strip()
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text).strip()


def decode_uid(raw: bytes) -> UID:
    """Return a UID without its padding; spaces as padding are forbidden (PS3.5 9.1) and common."""
    return UID(decode_text(raw))


def encode_text(text: str) -> bytes:
    """Return the bytes of short text. InvalidRequest when a character is outside Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{text!r} cannot be sent: only Latin-1 characters fit into protocol fields") from error


def encode_ae_title(title: str) -> bytes:
    """Return an AE title in its 16 bytes, padded with spaces. InvalidRequest when it does not fit."""
    raw = encode_text(title)
    if len(raw) > AE_TITLE_BYTES:
        raise InvalidRequest(f"AE title {title!r} has {len(raw)} characters; at most {AE_TITLE_BYTES} are allowed")
    return raw.ljust(AE_TITLE_BYTES)
