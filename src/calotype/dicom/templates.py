"""Remembers how the headers of a series look, so that a scan reads only what differs from slice to slice.

Nine tenths of a slice's header are byte for byte those of the slice before. A template is such a header cut into
*runs*, bytes that were the same in every header it was learned from, whole sequences included, with their DICOM JSON
and indexed attributes worked out; and between them *varying elements*, which are read one by one as always. The first
header of a series leaves a sample, the second makes it a template, later ones that differ elsewhere widen it. First
headers are learned from together, too: what a device says of every study makes a template for series to come.

Nothing may come out other than by the ordinary walk. Why it does not:

* a run is compared byte for byte at the very place where its first element starts, and it ends with the tag and VR
  of the varying element that follows: hence the same elements, in the same order, at the places a walk would find;
* what changes the meaning of other elements (:data:`_MEANINGS`) lies in a run, or there is no template; the first
  bytes, by which a walk tells explicit VR from implicit, too;
* from where the template ends, at Pixel Data the latest, the ordinary walk goes on; tags must go on rising there, and
  from above those that change a meaning;
* only little endian headers in perfect order are learned, and whatever is not in perfect order (a length that is odd
  or leads nowhere, damage, more elements than expected) is no match. No match means the ordinary walk, which decides.

What is kept is bounded, whatever comes: series, shapes of a series, elements and bytes of a header, bytes in all.
Scanning threads read immutable templates without a lock; one learns at a time, and the others do without.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from calotype.dicom import indexed, json_model
from calotype.dicom.evidence import NOTHING, collect, united
from calotype.dicom.indexed import Oddity
from calotype.dicom.json_model import Context
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.repair import Evidence, Reading
from calotype.dicom.walk import FRAGMENTS, PIXEL_DATA, Buffer, Damage, NeedMore, Token, Walk
from calotype.errors import InvalidRequest

_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = 0x00280103
_MEANINGS: Final = frozenset({_CHARACTER_SET, _PIXEL_REPRESENTATION})
"""Specific Character Set and Pixel Representation: elements that say how others are to be read."""

MAX_BYTES: Final = 64 * 1024
"""A template covers at most this much of a header."""
MAX_ELEMENTS: Final = 1000
MAX_REST_ELEMENTS: Final = 1000
"""The ordinary walk's own limits count from the first element; a rest so short that they cannot matter."""
MAX_SHAPES: Final = 4
"""Headers of one series with different elements: a localizer beside the slices, contrast agent in some."""
MAX_SHAPES_OF_ANY_SERIES: Final = 16
MAX_SERIES: Final = 64
BUDGET_BYTES: Final = 16 * 1024 * 1024
_ELEMENT_OVERHEAD_BYTES: Final = 400
"""What an element costs a template beside its bytes: its token, its place in the shape."""

_SERIES_INSTANCE_UID: Final = b"\x20\x00\x0e\x00"

_Key: TypeAlias = tuple[bool, bytes, Reading | None]


class _Step(NamedTuple):
    """A run, and the varying element behind it, whose tag and VR the run ends with."""

    run: bytes
    run_bytes: int
    length_bytes: int
    """Size of the length field that follows the run; 0 for a sequence, whose tag is not in the run either."""
    tag: int
    vr: str
    header_bytes: int
    brief: json_model.Brief


class Recalled(NamedTuple):
    """What a template and the varying elements say together: the parts of a ``part10.Header``.

    ``rest``: the elements behind those that the template covers.
    """

    attributes: dict[str, str]
    oddities: set[Oddity]
    rest: list[Token]
    json: partial[bytes]
    evidence: partial[Evidence]


@dataclass(frozen=True, slots=True)
class _Template:
    """One header of a series as a sample, and what is the same in every header of this shape so far.

    ``steps`` and ``last`` (the run behind the last varying element) cover ``sample``; there are none until a second
    header has shown what varies. ``fragments`` are the runs' JSON with gaps for the varying elements.
    """

    shape: tuple[tuple[int, str], ...]
    sample: bytes
    tokens: tuple[Token, ...]
    varying: frozenset[int]
    context: Context
    steps: tuple[_Step, ...] | None = None
    last: bytes = b""
    attributes: dict[str, str] = field(default_factory=dict)
    oddities: frozenset[Oddity] = frozenset()
    fragments: tuple[bytes, ...] = ()
    evidence: Evidence = NOTHING

    @property
    def last_tag(self) -> int:
        """The tag above which all that follows must be, so that it changes no meaning."""
        return max(self.shape[-1][0], _PIXEL_REPRESENTATION)

    @property
    def names_charset(self) -> bool:
        """Whether Specific Character Set is among the elements covered."""
        return any(tag == _CHARACTER_SET for tag, _ in self.shape)

    @property
    def cost_bytes(self) -> int:
        """What keeping it costs, about: the sample, the runs cut from it, and what they say, as JSON and as text."""
        return (
            2 * len(self.sample)
            + sum(len(fragment) for fragment in self.fragments)
            + sum(4 * len(value) for value in self.attributes.values())
            + _ELEMENT_OVERHEAD_BYTES * len(self.tokens)
        )

    def recall(self, walk: Walk, head: bytes) -> Recalled | None:
        """Read a header by this template, ``None`` when it does not match; ``head`` is the first bytes of ``walk``.

        Raises what a walk raises, where an element that varies or what follows is not in order.
        """
        varying: list[Token] = []
        end = self._match(walk, head, varying)
        if end < 0:
            return None
        rest = walk.rest(end, MAX_REST_ELEMENTS)
        if walk.damaged or walk.odd_length or (rest and rest[0][0] <= self.last_tag):
            return None
        attributes = self.attributes.copy()
        oddities = set(self.oddities)
        indexed.add(walk, varying, self.context, attributes, oddities)
        indexed.add(walk, rest, self.context, attributes, oddities)
        indexed.check_patient_id(attributes, oddities)
        document = partial(self._json, walk, varying, rest)
        return Recalled(attributes, oddities, rest, document, partial(self._told, walk, varying, rest))

    def _match(self, walk: Walk, head: bytes, varying: list[Token]) -> int:
        """Find the elements that vary; return where the template ends, -1 when it does not match."""
        if self.steps is None:
            return -1
        pos = 0
        for run, run_bytes, length_bytes, tag, vr, header_bytes, _ in self.steps:
            if not head.startswith(run, pos):
                return -1
            pos += run_bytes
            if length_bytes:
                start = pos + length_bytes
                # A value that leads behind the end is found out by the next run: none starts there, not even b"".
                pos = start + int.from_bytes(head[pos:start], "little")
                token = (tag, vr, start - header_bytes, start, pos)
            else:
                token = walk.single(pos)
                pos = token[4]
                if token[:2] != (tag, vr):
                    return -1
            if (pos - token[3]) & 1:
                return -1
            varying.append(token)
        return pos + len(self.last) if head.startswith(self.last, pos) else -1

    def _told(self, walk: Walk, varying: list[Token], rest: list[Token]) -> Evidence:
        return united(self.evidence, collect(walk, (*varying, *rest), self.context))

    def _json(self, walk: Walk, varying: list[Token], rest: list[Token]) -> bytes:
        members = list(self.fragments)
        context = self.context
        steps = self.steps or ()
        members[1::2] = [step.brief.member(walk, token, context) for step, token in zip(steps, varying, strict=True)]
        members += [json_model.member(walk, token, context).encode("utf-8", "replace") for token in rest]
        body = b",".join(filter(None, members))
        if not self.names_charset and not body.isascii():
            # The document must name a character set that the data set does not: rare, and where it stands is a
            # question for the ordinary way.
            fresh = Walk(walk.data, walk.total, explicit=walk.explicit, little=True)
            return json_model.to_json(fresh, fresh.top(), context)
        return b"{%b}" % body


class Templates:
    """Templates by series; shared by all threads."""

    __slots__ = ("_by_series", "_lock", "_used_bytes")

    def __init__(self) -> None:
        self._by_series: dict[_Key, tuple[_Template, ...]] = {}
        self._used_bytes = 0
        self._lock = threading.Lock()

    def recall(self, data: Buffer, total: int, *, explicit: bool, reading: Reading | None = None) -> Recalled | None:
        """Read the header of a little endian data set of ``total`` bytes, ``None`` when that takes a walk."""
        head = _head(data)
        key = _key(head, reading, explicit=explicit)
        known = self._by_series.get(key)
        is_new = known is None
        if known is None:
            known = self._by_series.get(_of_any_series(key), ())
        for template in known:
            try:
                recalled = template.recall(Walk(data, total, explicit=explicit, little=True), head)
            except (Damage, NeedMore, InvalidRequest):
                # What this is and what to say about it is for the ordinary walk to tell.
                return None
            if recalled is not None:
                if is_new:
                    self._meet(key)
                return recalled
        return None

    def learn(self, walk: Walk, tokens: list[Token], context: Context) -> None:
        """Learn from a header that was walked over in the ordinary way."""
        if walk.damaged or walk.odd_length or not walk.little:
            return
        covered = _covered(tokens)
        head = _head(walk.data)
        key = _key(head, context.reading, explicit=walk.explicit)
        if not covered or not key[1] or not self._lock.acquire(blocking=False):
            return
        try:
            sample = _Sample(walk, head[: covered[-1][4]], covered, context)
            if key not in self._by_series:
                self._keep(_of_any_series(key), sample, MAX_SHAPES_OF_ANY_SERIES)
            self._keep(key, sample, MAX_SHAPES)
        finally:
            self._lock.release()

    def _meet(self, key: _Key) -> None:
        """Have the series learned from its next header on: a template of its own has less that varies."""
        if self._lock.acquire(blocking=False):
            try:
                self._make_room()
                self._by_series.setdefault(key, ())
            finally:
                self._lock.release()

    def _keep(self, key: _Key, sample: _Sample, max_shapes: int) -> None:
        known = self._by_series.get(key, ())
        shape = tuple((tag, vr) for tag, vr, _, _, _ in sample.tokens)
        same = next((template for template in known if template.shape == shape), None)
        fresh = _seed(shape, sample) if same is None else _widen(same, sample)
        if fresh is same:
            return
        kept = (fresh, *(template for template in known if template is not same))[:max_shapes]
        self._forget(key)
        self._used_bytes += sum(template.cost_bytes for template in kept)
        self._make_room()
        self._by_series[key] = kept

    def _make_room(self) -> None:
        """Forget the oldest until there is room for one more; what serves all series goes last."""
        while self._by_series and (self._used_bytes > BUDGET_BYTES or len(self._by_series) >= MAX_SERIES):
            self._forget(next((key for key in self._by_series if key[1]), next(iter(self._by_series))))

    def _forget(self, key: _Key) -> None:
        self._used_bytes -= sum(template.cost_bytes for template in self._by_series.pop(key, ()))


class _Sample(NamedTuple):
    """A header to learn from: its walk, its bytes and elements as far as a template may cover them."""

    walk: Walk
    head: bytes
    tokens: tuple[Token, ...]
    context: Context


def _head(data: Buffer) -> bytes:
    return data if isinstance(data, bytes) else bytes(data[:MAX_BYTES])


def _key(head: bytes, reading: Reading | None, *, explicit: bool) -> _Key:
    """Return what the headers of a series have in common: the first Series Instance UID, wherever it stands.

    The same series read in another way is another one.

    A wrong guess costs a look in vain, since templates compare what they cover.
    """
    at = head.find(_SERIES_INSTANCE_UID, 0, MAX_BYTES)
    if at < 0:
        return explicit, b"", reading
    length_at = at + (6 if explicit else 4)
    return explicit, head[at : at + 8 + int.from_bytes(head[length_at : length_at + 1], "little")], reading


def _of_any_series(key: _Key) -> _Key:
    """Return the key of the templates that are tried for a series not met before."""
    return key[0], b"", key[2]


def _covered(tokens: list[Token]) -> tuple[Token, ...]:
    """Return the elements that a template may cover."""
    count = 0
    for tag, vr, _, _, end in tokens[:MAX_ELEMENTS]:
        if tag in PIXEL_DATA or vr == FRAGMENTS or end > MAX_BYTES:
            break
        count += 1
    return tuple(tokens[:count])


def _seed(shape: tuple[tuple[int, str], ...], sample: _Sample) -> _Template:
    return _Template(shape, sample.head, sample.tokens, frozenset(), sample.context)


def _widen(template: _Template, sample: _Sample) -> _Template:
    """Return a template that matches ``sample`` too: ``template`` itself, when there is nothing to learn."""
    old, new = template.sample, sample.head
    differs = {
        number
        for number, (one, other) in enumerate(zip(template.tokens, sample.tokens, strict=True))
        if old[one[2] : one[4]] != new[other[2] : other[4]]
    }
    varying = template.varying | differs
    if varying == template.varying and template.steps is not None:
        return template
    if any(sample.tokens[number][0] in _MEANINGS for number in differs):
        return _seed(template.shape, sample)
    if 2 * len(varying) > len(sample.tokens):
        # So little is the same that reading by a template takes longer; remembered, so as not to learn it again.
        return template
    return _build(template.shape, sample, varying)


def _build(shape: tuple[tuple[int, str], ...], sample: _Sample, varying: frozenset[int]) -> _Template:
    walk, head, tokens, context = sample
    steps: list[_Step] = []
    runs: list[list[Token]] = [[]]
    run_start = 0
    for number, token in enumerate(tokens):
        if number not in varying:
            runs[-1].append(token)
            continue
        tag, vr, at, start, end = token
        length_bytes = 0 if vr in SEQUENCES else 2 if walk.explicit and start - at == 8 else 4
        run = head[run_start : start - length_bytes if length_bytes else at]
        steps.append(_Step(run, len(run), length_bytes, tag, vr, start - at, json_model.Brief(tag, vr)))
        runs.append([])
        run_start = end
    if steps and len(steps[0].run) < (6 if walk.explicit else 8):
        # The first bytes tell how a data set is laid out (in implicit VR, by the length too).
        return _seed(shape, sample)
    stable = [token for run in runs for token in run]
    attributes, oddities = indexed.collect(walk, stable, context)
    fragments = [b""] * (2 * len(runs) - 1)
    for number, run_tokens in enumerate(runs):
        members = (json_model.member(walk, token, context) for token in run_tokens)
        fragments[2 * number] = ",".join(filter(None, members)).encode("utf-8", "replace")
    return _Template(
        shape,
        head,
        tokens,
        varying,
        context,
        tuple(steps),
        head[run_start:],
        attributes,
        frozenset(oddities - {Oddity.NO_PATIENT_ID}),
        tuple(fragments),
        NOTHING if all(map(bytes.isascii, fragments)) else collect(walk, stable, context),
    )
