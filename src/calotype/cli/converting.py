"""``calotype transcode``: files on disk in another transfer syntax. No archive is needed, none is touched."""

from __future__ import annotations

import mmap
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import click

from calotype.cli.failures import SOME_FAILED
from calotype.cli.progress import progress_bar
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.pixels.codec_table import CODECS
from calotype.dicom.pixels.options import DEFAULT_OPTIONS, EncodeOptions
from calotype.dicom.pixels.pixel_data import Offsets
from calotype.dicom.pixels.transcode import Each, Transcoded, convert
from calotype.dicom.uids import TRANSFER_SYNTAXES
from calotype.errors import CalotypeError, Conflict, InvalidRequest, NotFound, OutOfResources
from calotype.scu.files import PartTenFiles, read_parcel
from calotype.services.archive.ahead import MADE_AHEAD
from calotype.services.archive.converter import Order
from calotype.services.archive.errands import MAX_RESULT_BYTES, Errand, NotHere
from calotype.services.archive.fleet import Fleet, FleetSettings, processes_by_default
from calotype.services.archive.workshop import Workshop

_SHORT: Final = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big-endian": "1.2.840.10008.1.2.2",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg": "1.2.840.10008.1.2.4.50",
    "jpeg-lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-ls-near": "1.2.840.10008.1.2.4.81",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
    "jpeg-2000-lossy": "1.2.840.10008.1.2.4.91",
    "jpeg-xl": "1.2.840.10008.1.2.4.110",
    "htj2k": "1.2.840.10008.1.2.4.201",
    "htj2k-lossy": "1.2.840.10008.1.2.4.203",
}
_KEYWORDS: Final = {each.keyword.lower(): uid for uid, each in TRANSFER_SYNTAXES.items()}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to make of every file."""

    to: UID
    lossy: EncodeOptions | None
    offsets: Offsets
    force: bool


def syntax_named(text: str) -> UID:
    """Return the transfer syntax that a user names: a UID, its last part (.80), a keyword, or a short name.

    Raises InvalidRequest for one that nothing can be written in.
    """
    name = text.strip().lower()
    candidates = [_SHORT.get(name, ""), _KEYWORDS.get(name, ""), name]
    if name.startswith("."):
        candidates.append("1.2.840.10008.1.2.4" + name)
    for candidate in candidates:
        if (codec := CODECS.get(UID(candidate))) is not None and (codec.decoder is not None):
            return codec.uid
    raise InvalidRequest(
        f"{text}: no transfer syntax that files can be written in; give a UID, .80 for 1.2.840.10008.1.2.4.80, "
        f"or one of {', '.join(_SHORT)}"
    )


@click.command("transcode")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("destination", type=click.Path(path_type=Path))
@click.option("-t", "--to", "to", metavar="SYNTAX", required=True, help="A UID, .80, or a name: jpeg-ls, htj2k, rle.")
@click.option("--lossy", is_flag=True, help="Allow a syntax that loses; the file is a new object then.")
@click.option("--quality", type=click.IntRange(1, 100), default=DEFAULT_OPTIONS.jpeg_quality, help="JPEG, 1 to 100.")
@click.option("--near", type=click.IntRange(1, 255), default=DEFAULT_OPTIONS.near, help="JPEG-LS: largest error.")
@click.option("--psnr", type=float, default=DEFAULT_OPTIONS.psnr_db, help="JPEG 2000 and HTJ2K: quality in dB.")
@click.option("--distance", type=float, default=DEFAULT_OPTIONS.distance, help="JPEG XL: 1 is hardly seen.")
@click.option(
    "--offsets",
    type=click.Choice([each.name.lower() for each in Offsets]),
    default="basic",
    help="Table of where frames start.",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite files that are there.")
def transcode_command(
    sources: tuple[Path, ...],
    destination: Path,
    to: str,
    *,
    lossy: bool,
    quality: int,
    near: int,
    psnr: float,
    distance: float,
    offsets: str,
    force: bool,
) -> None:
    """Write files in another transfer syntax, exactly.

    SOURCES are Part 10 files and folders; DESTINATION is a file for one file, else a folder. What is not about the
    encoding of pixels keeps its bytes. Loss must be asked for with --lossy. Exits with 1 when some files could not
    be converted.
    """
    options = EncodeOptions(jpeg_quality=quality, near=near, psnr_db=psnr, distance=distance)
    wanted = _Wanted(syntax_named(to), options if lossy else None, Offsets[offsets.upper()], force)
    done = failed = 0
    with (
        Workshop() as workshop,
        Fleet(FleetSettings(processes=processes_by_default())) as fleet,
        progress_bar("transcode", silent=False) as advance,
    ):
        for turn in _in_turn(_pairs(sources, destination), wanted, fleet):
            try:
                turn.write(wanted, workshop.map)
                done += 1
            except CalotypeError as error:
                click.echo(f"{turn.source}: {error}", err=True)
                failed += 1
            advance(done + failed, None, turn.source.name)
    click.echo(f"{done} converted, {failed} not")
    if failed or not done:
        sys.exit(SOME_FAILED)


def _pairs(sources: tuple[Path, ...], destination: Path) -> Iterator[tuple[Path, Path]]:
    """Return each file and where it goes; a folder's files keep their places in it."""
    if len(sources) == 1 and sources[0].is_file() and not destination.is_dir():
        yield sources[0], destination
        return
    for source in sources:
        if not source.exists():
            raise NotFound(f"{source}: no such file or folder")
        for path in PartTenFiles().walk([source]):
            yield path, destination / (path.relative_to(source) if source.is_dir() else path.name)


class _Turn:
    """One file whose turn is near: open and, where a child takes it, being converted; or why it cannot be."""

    def __init__(self, source: Path, target: Path, wanted: _Wanted, fleet: Fleet | None) -> None:
        self.source = source
        self._target = target
        self._open = ExitStack()
        self._errand: Errand | None = None
        self._error: CalotypeError | None = None
        try:
            with _in_words(target):
                self._prepare(wanted, fleet)
        except CalotypeError as error:
            self._error = error

    def write(self, wanted: _Wanted, each: Each) -> None:
        """Write the new file; what speaks against it is raised."""
        if self._error is not None:
            raise self._error
        # Once more: two files may have one name in one folder.
        self._check_target(wanted)
        with _in_words(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if self._errand is not None:
                with suppress(NotHere):
                    self._errand.wait()
                    self._write(wanted, self._errand.sop_instance, self._errand.chunks())
                    return
            self._write_here(wanted, each)

    def close(self) -> None:
        """Let go of it."""
        self._open.close()

    def _prepare(self, wanted: _Wanted, fleet: Fleet | None) -> None:
        self._check_target(wanted)
        self._parcel = read_parcel(self.source)
        self._file = self._open.enter_context(self.source.open("rb"))
        if fleet is None:
            return
        place, stored = self._parcel.place, self._parcel.kind.transfer_syntax
        order = Order(place.start, place.stop, stored, wanted.to, MAX_RESULT_BYTES, wanted.lossy, wanted.offsets)
        self._errand = fleet.begin(order, self._file.fileno(), is_one_of_many=True)
        if self._errand is not None:
            self._open.enter_context(self._errand)

    def _check_target(self, wanted: _Wanted) -> None:
        if self._target.exists() and not wanted.force:
            raise Conflict(f"{self._target} is there already; give --force to overwrite it")

    def _write_here(self, wanted: _Wanted, each: Each) -> None:
        with (
            mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as whole,
            whole[self._parcel.place] as data,
            convert(
                data,
                self._parcel.kind.transfer_syntax,
                wanted.to,
                lossy=wanted.lossy,
                offsets=wanted.offsets,
                each=each,
            ) as new,
        ):
            self._write(wanted, new.sop_instance if isinstance(new, Transcoded) else None, new.chunks())

    def _write(self, wanted: _Wanted, renamed: UID | None, chunks: Iterator[bytes]) -> None:
        kind = self._parcel.kind
        meta = write_file_meta(kind.sop_class, renamed or self._parcel.sop_instance, wanted.to)
        write_whole(self._target, meta, chunks)


def _in_turn(pairs: Iterator[tuple[Path, Path]], wanted: _Wanted, fleet: Fleet) -> Iterator[_Turn]:
    """Return the files in order, each valid until the next is asked for; some after it are being converted."""
    ready: deque[_Turn] = deque()
    first = next(pairs, None)
    second = next(pairs, None)
    # For one file alone no process is started.
    helped = None if second is None else fleet
    rest = chain((pair for pair in (first, second) if pair is not None), pairs)
    try:
        while True:
            ready.extend(_Turn(*pair, wanted, helped) for pair in islice(rest, MADE_AHEAD - len(ready)))
            if not ready:
                return
            turn = ready.popleft()
            try:
                yield turn
            finally:
                turn.close()
    finally:
        for turn in ready:
            turn.close()


@contextmanager
def _in_words(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutOfResources(f"{target} cannot be written: {error.strerror or error}") from error


def write_whole(target: Path, meta: bytes, chunks: Iterator[bytes]) -> None:
    """Write a file whole or not at all: what was there before stays until the new one is complete."""
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:64]}.", delete=False) as out:
        part = Path(out.name)
        try:
            out.write(meta)
            for chunk in chunks:
                out.write(chunk)
            out.close()
            # NamedTemporaryFile is for its owner only; what we write is as any other file.
            part.chmod(0o666 & ~_umask())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
