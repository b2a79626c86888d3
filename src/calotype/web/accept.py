"""Content negotiation: which of the forms we can give a client wants most (RFC 9110 12.5.1, PS3.18 8.7.4).

Parses ``Accept`` and chooses; what the forms are is each resource's affair. Lenient where real viewers need it:
parameter values with a slash are read without quotes (``type=application/dicom``, OHIF), an element that cannot be
read is passed over as long as another can.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest

MAX_HEADER_CHARS: Final = 8192
MAX_RANGES: Final = 64

_TYPE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)/([!#$%&'*+.^_`|~0-9A-Za-z-]+)\Z")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
# RFC 9110 12.4.2, and without the nought before the point: so Java writes it, and with it Weasis.
_QUALITY: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|\.[0-9]{1,3}|1(?:\.0{0,3})?)\Z")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters; type, subtype and parameter names in lower case."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def essence(self) -> str:
        """``type/subtype``."""
        return f"{self.type}/{self.subtype}"

    def parameter(self, name: str) -> str | None:
        """Return the first value of a parameter, or ``None``."""
        return next((value for key, value in self.parameters if key == name), None)

    def covers(self, essence: str) -> bool:
        """Whether this type, which may hold wild cards, stands for ``essence``."""
        kind, _, subtype = essence.partition("/")
        return self.type in ("*", kind) and self.subtype in ("*", subtype)


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of ``Accept``: a media type, perhaps with wild cards, and how much it is wanted (0 to 1)."""

    media: MediaType
    quality: float = 1.0

    def specificity(self, form: Form) -> int:
        """How exactly this range names ``form``: 0 not at all, 1 ``*/*``, 2 ``type/*``, 3 the type, 4 its content."""
        media = self.media
        if not media.covers(form.essence):
            return 0
        if media.type == "*":
            return 1
        if media.subtype == "*":
            return 2
        wanted = media.parameter("type") if form.content else None
        if wanted is None:
            return 3
        content = parse_media_type(wanted)
        return 4 if content is not None and content.covers(form.content) else 0


@dataclass(frozen=True, slots=True)
class Form:
    """A form that we can answer in; ``content`` is the media type inside a ``multipart/related``."""

    essence: str
    content: str = ""

    def __str__(self) -> str:
        return f'{self.essence}; type="{self.content}"' if self.content else self.essence


@dataclass(frozen=True, slots=True)
class Syntaxes:
    """Which transfer syntaxes a client takes: all but ``refused``, or those in ``named`` only.

    ``qualities`` says how much each that it named is wanted, ``otherwise`` how much all others are.
    """

    named: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()
    qualities: tuple[tuple[str, float], ...] = ()
    otherwise: float = 0.0

    @property
    def is_anything(self) -> bool:
        """Whether every object may be sent as it is stored, and nothing is wanted more."""
        return self.named is None and not self.refused and all(q <= self.otherwise for _, q in self.qualities)

    def before(self, transfer_syntax: str) -> list[UID]:
        """Return the syntaxes that are wanted more than this one, the most wanted first."""
        qualities = dict(self.qualities)
        mine = qualities.get(transfer_syntax, self.otherwise)
        better = [UID(name) for name, quality in self.qualities if quality > mine]
        return sorted(better, key=lambda name: -qualities[name])

    def __contains__(self, transfer_syntax: object) -> bool:
        """Whether an object may be sent in ``transfer_syntax``."""
        return transfer_syntax not in self.refused and (self.named is None or transfer_syntax in self.named)


ANYTHING: Final = (MediaRange(MediaType("*", "*")),)


def parse_media_type(text: str) -> MediaType | None:
    """Read ``type/subtype; name=value; name="quoted value"``; ``None`` when it is none."""
    pieces = _split(text, ";")
    essence = _TYPE.match(next(pieces, "").strip())
    if essence is None:
        return None
    parameters: list[tuple[str, str]] = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not name and not equals:
            continue  # RFC 9110 5.6.6 allows empty parameters: "a/b;;c=d"
        if not _NAME.match(name) or not equals:
            return None
        if value.startswith('"'):
            if len(value) < 2 or not value.endswith('"'):
                return None
            value = _ESCAPE.sub(r"\1", value[1:-1])
        parameters.append((name, value))
    return MediaType(essence[1].lower(), essence[2].lower(), tuple(parameters))


def parse_accept(text: str | None) -> tuple[MediaRange, ...]:
    """Read an ``Accept`` header; none, or an empty one, accepts anything.

    Raises InvalidRequest when nothing in it can be read, or when it is longer than any honest one.
    """
    if text is None or not text.strip():
        return ANYTHING
    if len(text) > MAX_HEADER_CHARS:
        raise InvalidRequest(f"Accept: longer than {MAX_HEADER_CHARS} characters")
    ranges: list[MediaRange] = []
    for element in _split(text, ","):
        if not element.strip():
            continue
        if len(ranges) == MAX_RANGES:
            raise InvalidRequest(f"Accept: more than {MAX_RANGES} media types")
        parsed = _parse_range(element)
        if parsed is not None:
            ranges.append(parsed)
    if not ranges:
        raise InvalidRequest(
            'Accept: no media type in it; an example is: multipart/related; type="application/dicom"'
        )
    return tuple(ranges)


def choose(ranges: Iterable[MediaRange], forms: Sequence[Form]) -> Form | None:
    """Return the form that is wanted most, of equals the first in ``forms``; ``None`` when none is acceptable."""
    ranges = tuple(ranges)
    best, best_quality = None, 0.0
    for form in forms:
        quality = _quality(ranges, form)
        if quality > best_quality:
            best, best_quality = form, quality
    return best


def accepted_syntaxes(ranges: Iterable[MediaRange], form: Form) -> Syntaxes:
    """Gather the ``transfer-syntax`` parameters of every range that names ``form``.

    PS3.18 8.7.3.5.2 makes Explicit VR Little Endian the default where no parameter is given. Few viewers mean
    that: a range without one, like ``transfer-syntax=*``, takes an object as it is stored.
    """
    qualities: dict[str, float] = {}
    refused: set[str] = set()
    otherwise = 0.0
    for wanted in ranges:
        if not wanted.specificity(form):
            continue
        syntax = wanted.media.parameter("transfer-syntax")
        if syntax is None or syntax == "*":
            otherwise = max(otherwise, wanted.quality)
        elif wanted.quality > 0:
            qualities[syntax] = max(qualities.get(syntax, 0.0), wanted.quality)
        else:
            refused.add(syntax)
    named = None if otherwise > 0 else frozenset(qualities)
    return Syntaxes(named, frozenset(refused - qualities.keys()), tuple(qualities.items()), otherwise)


def quality_in(ranges: Iterable[MediaRange], form: Form, syntax: str, answers: Container[str]) -> float:
    """Return how much ``form`` in a transfer syntax is wanted: 0 to 1.

    ``answers`` are the values of ``transfer-syntax`` that this is an answer to: a UID, ``*``, empty for none.
    """
    found = []
    for wanted in ranges:
        named = wanted.media.parameter("transfer-syntax") or ""
        if (specificity := wanted.specificity(form)) and named in answers:
            found.append((named == syntax, specificity, wanted.quality))
    return max(found, default=(False, 0, 0.0))[2]


def with_syntax(ranges: Iterable[MediaRange], syntax: str) -> tuple[MediaRange, ...]:
    """Return what is accepted with this ``transfer-syntax`` in the place of any other."""
    changed = []
    for wanted in ranges:
        media = wanted.media
        rest = tuple(pair for pair in media.parameters if pair[0] != "transfer-syntax")
        media = MediaType(media.type, media.subtype, (*rest, ("transfer-syntax", syntax)))
        changed.append(MediaRange(media, wanted.quality))
    return tuple(changed)


def _quality(ranges: Sequence[MediaRange], form: Form) -> float:
    """RFC 9110 12.5.1: the most specific range decides; of several as specific (one per syntax), the kindest."""
    found = [(wanted.specificity(form), wanted.quality) for wanted in ranges]
    return max((pair for pair in found if pair[0]), default=(0, 0.0))[1]


def _parse_range(text: str) -> MediaRange | None:
    media = parse_media_type(text)
    if media is None or (media.type == "*" and media.subtype != "*"):
        return None
    quality = media.parameter("q")
    if quality is None:
        return MediaRange(media)
    if not _QUALITY.match(quality):
        return None
    rest = tuple(pair for pair in media.parameters if pair[0] != "q")
    return MediaRange(MediaType(media.type, media.subtype, rest), float(quality))


def _split(text: str, separator: str) -> Iterator[str]:
    """Split at ``separator`` outside quotes; an unclosed quote runs to the end."""
    start, quoted, escaped = 0, False, False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            yield text[start:at]
            start = at + 1
    yield text[start:]
