"""One object: made anew in less room, proved to be the same, and put in the place of what came.

The order is what makes it safe. The new file is durable before a row names it, one commit changes the row, the old
file goes last: a crash leaves one file too many at worst, which ``verify`` finds. The commit changes nothing when the
object has been overwritten or removed meanwhile, by whomever. Readers who have the old file open read it to its end.

With loss, the outcome is another object (PS3.4 B.4.1, PS3.3 C.7.6.1.1.5), and is taken in as any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from blake3 import blake3

from calotype.clock import Clock, utc_now_us
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import Private, write_file_meta
from calotype.dicom.pixels.derivation import derived_uid
from calotype.dicom.pixels.pixel_data import Offsets
from calotype.dicom.pixels.proof import prove_close, prove_exact
from calotype.dicom.pixels.transcode import transcode
from calotype.dicom.sources import cut
from calotype.errors import CalotypeError, Cancelled, Conflict, InvalidRequest, NotFound, OutOfResources, Unavailable
from calotype.services.archive.compression.ports import NO_SIZES, CompressionStore, Result, Sizes, Task
from calotype.services.archive.compression.rules import COMPRESSIBLE, Rule
from calotype.services.archive.forms import Each, one_by_one
from calotype.services.archive.headers import compress_header
from calotype.services.archive.ingest import Declared, Ingest, Outcome
from calotype.services.archive.inspection import Inspected, inspect, mapped
from calotype.services.archive.naming import Forget, nothing_kept
from calotype.services.archive.ports import (
    Index,
    ObjectLocation,
    ObjectStore,
    Origin,
    Spool,
    StoredInstance,
)
from calotype.services.archive.predecessor import Predecessor
from calotype.services.archive.texts import Settled, Texts

_log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one object; ``reason`` where it stays as it came."""

    result: Result
    sizes: Sizes = NO_SIZES
    reason: str = ""


_PASSED_OVER: Final = Done(Result.PASSED_OVER)


class _NotSmaller(Exception):
    """The new form takes as much room as the old one."""


def _never() -> bool:
    return False


class Compressor:
    """Compresses stored objects. Thread-safe."""

    def __init__(  # noqa: PLR0917 - made in one place only, by what builds the archive
        self,
        objects: ObjectStore,
        index: Index,
        texts: Texts,
        ingest: Ingest,
        store: CompressionStore,
        each: Each = one_by_one,
        clock: Clock = utc_now_us,
        forget: Forget = nothing_kept,
    ) -> None:
        self._objects = objects
        self._index = index
        self._texts = texts
        self._ingest = ingest
        self._store = store
        self._each = each
        self._clock = clock
        self._forget = forget

    def compress(self, task: Task, rule: Rule | None, is_cancelled: Callable[[], bool] = _never) -> Done:
        """Compress one object as ``rule`` says, write down what came of it, and return that.

        What speaks against it is the reason why the object stays, and nothing is raised but what may be over later:
        OutOfResources, Unavailable, and Cancelled when ``is_cancelled`` says so between two frames.
        """
        stored = self._index.instance(task.sop_instance)
        done = _PASSED_OVER
        if stored is not None and rule is not None and stored.location.transfer_syntax in COMPRESSIBLE:
            before = Sizes(stored.location.size_bytes, stored.location.size_bytes)
            try:
                done = self._compress(task, stored, rule, is_cancelled)
            except _NotSmaller:
                done = Done(Result.NOT_SMALLER, before)
            except Conflict:
                _log.info("%s was changed while it was compressed, and is left alone", task.sop_instance)
            except (OutOfResources, Unavailable, Cancelled):
                raise
            except CalotypeError as error:
                if self._is_kept_as(stored):
                    _log.info("%s stays as it came: %s", task.sop_instance, error)
                    done = Done(Result.KEPT, before, str(error))
        if done.result is not Result.COMPRESSED:
            self._store.end(task.sop_instance, done.result, done.sizes, reason=done.reason, at_us=self._clock())
        return done

    def give_up(self, task: Task, reason: str) -> None:
        """Write down that an object stays as it came."""
        self._store.end(task.sop_instance, Result.KEPT, NO_SIZES, reason=reason, at_us=self._clock())

    def _is_kept_as(self, stored: StoredInstance) -> bool:
        now = self._index.instance(stored.ref.instance)
        return now is not None and now.location.key == stored.location.key

    def _compress(self, task: Task, stored: StoredInstance, rule: Rule, is_cancelled: Callable[[], bool]) -> Done:
        location, target = stored.location, rule.target
        assert target is not None  # noqa: S101 - rules without one apply to nothing
        each = _stoppable(self._each, is_cancelled)
        if rule.lossy is not None and self._is_derived(stored, rule):
            return _PASSED_OVER
        with (
            self._objects.open(location.key) as reader,
            mapped(reader, slice(location.data_offset, reader.size_bytes)) as data,
        ):
            # A damaged file must not become a sound one: what came is compressed, or nothing.
            if blake3(data).digest() != location.digest:
                raise InvalidRequest(f"{location.key} is not what was received; calotype verify tells more")
            old = inspect(reader)
            work = _Work(self._objects, stored, data, old.meta.source_ae_title, each)
            if rule.lossy is None:
                with work.exact(target) as made:
                    prove_exact(data, location.transfer_syntax, made.data, target, each=each)
                    new, header, settled = self._place(stored, old, made, target)
            else:
                with work.derived(rule) as made:
                    prove_close(data, location.transfer_syntax, made.data, target, each=each)
                    self._take_in(task.origin, stored, made, target)
        if rule.lossy is None:
            self._exchange(stored, new, header)
            self._texts.follow(stored.ref.study, settled)
            return Done(Result.COMPRESSED, Sizes(location.size_bytes, new.size_bytes))
        if not rule.keeps_original:
            self._store.retire(stored)
            self._remove(location.key)
            self._forget(location.digest)
        return Done(Result.DERIVED, Sizes(location.size_bytes, made.size_bytes))

    def _is_derived(self, stored: StoredInstance, rule: Rule) -> bool:
        """Tell whether this lossy object has been made already."""
        assert rule.target is not None  # noqa: S101 - as above
        uid = derived_uid(stored.ref.instance, rule.target, repr(rule.lossy))
        return rule.keeps_original and self._index.instance(uid) is not None

    def _place(
        self, stored: StoredInstance, old: Inspected, made: _Made, target: UID
    ) -> tuple[ObjectLocation, bytes, Settled]:
        """Put the new file beside the old one, durably, and read it as it will be read; no row names it yet."""
        key = self._objects.put(made.spool, stored.location.key)
        try:
            with self._objects.open(key) as reader:
                found = inspect(reader)
                _check_same(old, found)
                found, settled = self._texts.inspected(found, partial(inspect, reader))
                size_bytes = reader.size_bytes
        except BaseException:
            self._remove(key)
            raise
        location = ObjectLocation(key, size_bytes, found.meta.data_offset, found.data_bytes, made.digest, target)
        return location, compress_header(settled.document), settled

    def _exchange(self, stored: StoredInstance, new: ObjectLocation, header: bytes) -> None:
        try:
            self._store.exchange(stored, new, header)
        except (Conflict, NotFound):
            # Surely no row names it. After any other error one may: then verify decides.
            self._remove(new.key)
            raise
        self._remove(stored.location.key)
        self._forget(stored.location.digest)

    def _remove(self, key: str) -> None:
        """Remove a file without a row; what stays behind is found by verify."""
        try:
            self._objects.delete(key)
        except CalotypeError as error:
            _log.warning("%s is an orphan until verify removes it: %s", key, error)

    def _take_in(self, origin: Origin | None, stored: StoredInstance, made: _Made, target: UID) -> None:
        assert origin is not None  # noqa: S101 - the object is there, and so is where it came from
        declared = Declared(stored.sop_class, made.sop_instance, target)
        with self._ingest.begin(declared, origin) as incoming:
            for piece in cut(made.data):
                incoming.write((piece,))
            receipt = incoming.commit()
        if receipt.outcome in {Outcome.VERSION, Outcome.KEPT}:
            raise Conflict(f"{made.sop_instance} is here already, and is another object")


@dataclass(frozen=True, slots=True)
class _Made:
    """A new form in a spool: its data set, what that is called, BLAKE3 over it, and how long the whole file is."""

    spool: Spool
    data: memoryview
    sop_instance: UID
    digest: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What is needed to make an object anew. The new form is lent, and thrown away unless it was put elsewhere."""

    objects: ObjectStore
    stored: StoredInstance
    data: memoryview
    source_ae_title: str
    each: Each

    @contextmanager
    def exact(self, target: UID) -> Iterator[_Made]:
        location = self.stored.location
        before = Predecessor(location.digest, location.data_bytes, location.transfer_syntax)
        with (
            transcode(self.data, location.transfer_syntax, target, offsets=Offsets.BASIC, each=self.each) as new,
            self._written(target, self.stored.ref.instance, new.chunks(), before.private()) as made,
        ):
            yield made

    @contextmanager
    def derived(self, rule: Rule) -> Iterator[_Made]:
        assert rule.target is not None  # noqa: S101 - as above
        syntax = self.stored.location.transfer_syntax
        with transcode(
            self.data, syntax, rule.target, lossy=rule.lossy, offsets=Offsets.BASIC, each=self.each
        ) as new:
            uid = new.sop_instance or self.stored.ref.instance
            with self._written(rule.target, uid, new.chunks(), None) as made:
                yield made

    @contextmanager
    def _written(
        self, target: UID, sop_instance: UID, chunks: Iterable[bytes], private: Private | None
    ) -> Iterator[_Made]:
        """Write a file into a spool; _NotSmaller as soon as it is as long as the old one."""
        meta = write_file_meta(
            self.stored.sop_class, sop_instance, target, source_ae_title=self.source_ae_title, private=private
        )
        digest = blake3()
        spool = self.objects.spool()
        try:
            spool.write((meta,))
            for chunk in chunks:
                digest.update(chunk)
                spool.write((chunk,))
                if spool.size_bytes >= self.stored.location.size_bytes:
                    raise _NotSmaller
            with spool.view() as whole, whole[len(meta) :] as made:
                yield _Made(spool, made, sop_instance, digest.digest(), len(whole))
        finally:
            spool.discard()


def _check_same(old: Inspected, new: Inspected) -> None:
    """Raise unless all that is indexed of an object reads as it did."""
    if new.header.attributes != old.header.attributes:
        raise InvalidRequest("its header does not read the same after compression")


def _stoppable(each: Each, is_cancelled: Callable[[], bool]) -> Each:
    def stoppable(work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        for result in each(work, items):
            if is_cancelled():
                raise Cancelled("the archive is being stopped")
            yield result

    return stoppable
