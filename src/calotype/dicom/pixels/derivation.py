"""What a lossily compressed image says of itself: it is another object, derived from the first.

PS3.3 C.7.6.1.1.5 (Lossy Image Compression), C.7.6.1.1.2 (Image Type), C.12.4.1 (derivation). Nothing here touches
pixels.
"""

from __future__ import annotations

from typing import Final
from uuid import NAMESPACE_OID, uuid5

from calotype.dicom.datasets import UNDEFINED_LENGTH, Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.anatomy import Anatomy
from calotype.dicom.pixels.codec_table import CODECS
from calotype.dicom.uids import transfer_syntax, uid_of_uuid
from calotype.errors import Unsupported

IMAGE_TYPE, SOP_CLASS, SOP_INSTANCE = 0x00080008, 0x00080016, 0x00080018
DERIVATION_DESCRIPTION, SOURCE_IMAGES, DERIVATION_CODES = 0x00082111, 0x00082112, 0x00089215
LOSSY, LOSSY_RATIO, LOSSY_METHOD = 0x00282110, 0x00282112, 0x00282114

_MAX_DESCRIPTION_BYTES: Final = 1024
_MAX_SHORT_VALUE_BYTES: Final = 0xFFFE


def derived_uid(sop_instance: str, to: UID, how: str) -> UID:
    """Return the SOP Instance UID of what is made of an object: the same for the same source, syntax and options."""
    return uid_of_uuid(uuid5(NAMESPACE_OID, f"{sop_instance}|{to}|{how}"))


def marked_lossy(anatomy: Anatomy) -> dict[int, Element]:
    """Return what an image must say whose pixels came from a lossy syntax and are not in one any more."""
    return {LOSSY: Element(LOSSY, "CS", b"01")} if _text(anatomy, LOSSY) != "01" else {}


def derived(anatomy: Anatomy, to: UID, new_uid: UID, ratio: float) -> dict[int, Element | bytes]:
    """Return the elements, or their bytes in the source's layout, that a lossy ``to`` changes.

    ``ratio`` is that of this step: uncompressed size by compressed size. Values of earlier steps are kept before.
    """
    sop_class, sop_instance = _text(anatomy, SOP_CLASS), _text(anatomy, SOP_INSTANCE)
    image_type = ["DERIVED", *(_text(anatomy, IMAGE_TYPE).split("\\")[1:] or ["PRIMARY"])]
    told = f"Lossy compression: {transfer_syntax(to).name}, ratio {ratio:.2f}"
    before = anatomy.values.get(DERIVATION_DESCRIPTION, b"").rstrip(b" \0")
    description = (before + b"; " if before else b"") + told.encode("ascii")
    if len(description) > _MAX_DESCRIPTION_BYTES:
        description = before  # PS3.5 6.2: an ST has no room for more; the code says it, too.
    source = (
        Element(0x00081150, "UI", _even(sop_class.encode("ascii", "replace"), b"\0")),
        Element(0x00081155, "UI", _even(sop_instance.encode("ascii", "replace"), b"\0")),
        Element(0x0040A170, "SQ", (_code("121320", "Uncompressed predecessor"),)),
    )
    elements = (
        Element(IMAGE_TYPE, "CS", _ascii("\\".join(image_type))),
        Element(SOP_INSTANCE, "UI", _even(new_uid.encode("ascii"), b"\0")),
        Element(DERIVATION_DESCRIPTION, "ST", _even(description, b" ")),
        Element(LOSSY, "CS", b"01"),
        _appended(anatomy, LOSSY_RATIO, "DS", f"{ratio:.2f}"),
        _appended(anatomy, LOSSY_METHOD, "CS", CODECS[to].lossy_method),
    )
    return {
        **{each.tag: each for each in elements},
        SOURCE_IMAGES: _with_item(anatomy, SOURCE_IMAGES, source),
        DERIVATION_CODES: _with_item(anatomy, DERIVATION_CODES, _code("113040", "Lossy Compression")),
    }


def _code(value: str, meaning: str) -> tuple[Element, ...]:
    return (
        Element(0x00080100, "SH", _ascii(value)),
        Element(0x00080102, "SH", _ascii("DCM")),
        Element(0x00080104, "LO", _ascii(meaning)),
    )


def _appended(anatomy: Anatomy, tag: int, vr: str, value: str) -> Element:
    before = _text(anatomy, tag)
    text = f"{before}\\{value}" if before else value
    if len(text) > _MAX_SHORT_VALUE_BYTES:
        raise Unsupported("the object has been compressed with loss more often than it can say")
    return Element(tag, vr, _ascii(text))


def _with_item(anatomy: Anatomy, tag: int, item: tuple[Element, ...]) -> bytes:
    """Return a sequence, laid out as the source, with one more item; the items that are there keep their bytes."""
    alone = encode([Element(tag, "SQ", (item,))], anatomy.syntax)
    place = next((each for each in anatomy.tokens if each[0] == tag), None)
    if place is None:
        return alone
    _, vr, start, value_start, end = place
    if vr != "SQ" and value_start - start != 8:
        raise Unsupported("a sequence in the form of UN cannot be added to")
    head = anatomy.text.read_at(start, value_start - start)
    order = "big" if anatomy.syntax == "1.2.840.10008.1.2.2" else "little"
    undefined = int.from_bytes(head[-4:], order) == UNDEFINED_LENGTH  # type: ignore[arg-type]
    items = anatomy.text.read_at(value_start, end - value_start - (8 if undefined else 0))
    items += alone[value_start - start :]
    return head[:-4] + len(items).to_bytes(4, order) + items  # type: ignore[arg-type]


def _text(anatomy: Anatomy, tag: int) -> str:
    return anatomy.values.get(tag, b"").decode("latin-1").strip(" \0")


def _ascii(text: str) -> bytes:
    return _even(text.encode("latin-1"), b" ")


def _even(value: bytes, pad: bytes) -> bytes:
    return value + pad * (len(value) % 2)
