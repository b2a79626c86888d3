"""``calotype anonymise``: files, folders and zip archives, or studies of the archive, written without their patient.

The key is the one of the settings' storage folder, so files become what the archive would make of them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from calotype.app.anonymising import anonymiser_of
from calotype.app.picturing import decoding_of, isolation_of
from calotype.cli.converting import write_whole
from calotype.cli.failures import SOME_FAILED
from calotype.cli.progress import progress_bar
from calotype.cli.session import Session
from calotype.dicom.deidentify.options import Option, Wishes, options_of
from calotype.dicom.deidentify.result import Deidentified
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.part10 import write_file_meta
from calotype.errors import CalotypeError, Conflict, InvalidRequest, NotFound, OutOfResources
from calotype.scu.files import FileReader, PartTenFiles, read_parcel
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.zips import BoundedZip

_CHUNK_BYTES: Final = 1024 * 1024
_ZIP_MAGIC: Final = b"PK\x03\x04"


class _Sink:
    """Writes what comes out below one folder, in the order and under the names of the new UIDs; counts."""

    def __init__(self, folder: Path, anonymiser: Anonymiser, wishes: Wishes, *, force: bool) -> None:
        self._folder = folder
        self._force = force
        self.anonymiser = anonymiser
        self.wishes = wishes
        self.counts: Counter[str] = Counter()

    def write(self, new: Deidentified) -> None:
        """Write one object. Conflict when its file is there, OutOfResources when it cannot be written."""
        ref = new.ref
        if not (ref.study and ref.series and ref.instance):
            raise InvalidRequest("it names no study, series or instance")
        target = self._folder / ref.study / ref.series / f"{ref.instance}.dcm"
        if target.exists() and not self._force:
            raise Conflict(f"{target} is there already; give --force to overwrite it")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, write_file_meta(new.sop_class, ref.instance, new.transfer_syntax), new.chunks())
        except OSError as error:
            raise OutOfResources(f"{target} cannot be written: {error.strerror or error}") from error

    def done(self, source: str, error: CalotypeError | None = None) -> None:
        """Count one object, and say what was wrong with it."""
        self.counts["failed" if error else "done"] += 1
        if error is not None:
            click.echo(f"{source}: {error}", err=True)


@click.command("anonymise")
@click.argument("sources", nargs=-1, required=True)
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--option", "options", multiple=True, metavar="NAME", help=f"Of PS3.15: {', '.join(Option)}. Repeatable."
)
@click.option("--basic", is_flag=True, help="The Basic Profile alone, whatever the settings say.")
@click.option("--patient-id", default="", help="Who the patient becomes; by key when not given.")
@click.option("--patient-name", default="", help="FAMILY^GIVEN of who the patient becomes.")
@click.option("--study", is_flag=True, help="SOURCES are Study Instance UIDs of the archive, not files.")
@click.option("-f", "--force", is_flag=True, help="Overwrite files that are there.")
@click.pass_obj
def anonymise_command(
    session: Session,
    sources: tuple[str, ...],
    destination: Path,
    options: tuple[str, ...],
    *,
    basic: bool,
    patient_id: str,
    patient_name: str,
    study: bool,
    force: bool,
) -> None:
    """Write objects without their patient (PS3.15 Annex E).

    SOURCES are Part 10 files, folders and zip archives, or with --study studies of the archive; DESTINATION is a
    folder, in which each object stands under its new UIDs. What may show who it is (text in pixels, reports,
    documents) is refused unless [anonymise] says what to do about it. The same original becomes the same each time.
    Exits with 1 when some objects could not be written.
    """
    settings = session.loaded.settings
    chosen = frozenset[Option]() if basic else options_of(" ".join(options)) if options else None
    with isolation_of(settings) as isolation, progress_bar("anonymise") as advance:
        anonymiser = anonymiser_of(settings, decoding_of(settings, isolation).decode)
        sink = _Sink(destination, anonymiser, anonymiser.wishes(chosen, patient_id, patient_name), force=force)
        for source in _studies(session, sources, sink) if study else _files(sources, sink):
            advance(sink.counts.total(), None, source)
    click.echo(f"{sink.counts['done']} written, {sink.counts['failed']} not")
    if sink.counts["failed"] or not sink.counts["done"]:
        sys.exit(SOME_FAILED)


def _studies(session: Session, studies: tuple[str, ...], sink: _Sink) -> Iterator[str]:
    from calotype.app.opening import open_archive  # the index's libraries: not needed for files

    with open_archive(session.loaded.settings) as archive:
        located = list(archive.retrieve.locate(Selection(Level.STUDY, tuple(map(UID, studies)))))
        if not located:
            raise NotFound("the archive holds none of these studies")
        for stored in located:
            try:
                current, reader = archive.retrieve.open_current(stored)
                place, syntax = current.location.place, current.location.transfer_syntax
                with reader, sink.anonymiser.anonymised(reader, place, syntax, sink.wishes) as new:
                    sink.write(new)
            except CalotypeError as error:
                sink.done(stored.ref.instance, error)
            else:
                sink.done(stored.ref.instance)
            yield stored.ref.instance


def _files(sources: tuple[str, ...], sink: _Sink) -> Iterator[str]:
    for path in PartTenFiles().walk(map(Path, sources)):
        if _is_zip(path):
            yield from _members(path, sink)
            continue
        _file(path, str(path), sink)
        yield path.name


def _members(path: Path, sink: _Sink) -> Iterator[str]:
    with path.open("rb") as file, TemporaryDirectory(prefix="calotype-") as folder:
        archive = BoundedZip(file)
        member = Path(folder) / "member"
        for info in archive.members():
            name = f"{path}:{info.filename!r}"
            try:
                with member.open("wb") as out:
                    out.writelines(archive.chunks(info, _CHUNK_BYTES))
            except InvalidRequest as error:
                sink.done(name, error)
            else:
                _file(member, name, sink)
            yield name


def _file(path: Path, name: str, sink: _Sink) -> None:
    try:
        parcel = read_parcel(path)
        with (
            FileReader(path) as reader,
            sink.anonymiser.anonymised(reader, parcel.place, parcel.kind.transfer_syntax, sink.wishes) as new,
        ):
            sink.write(new)
    except CalotypeError as error:
        sink.done(name, error)
    else:
        sink.done(name)


def _is_zip(path: Path) -> bool:
    with FileReader(path) as reader:
        return reader.read_at(0, len(_ZIP_MAGIC)) == _ZIP_MAGIC
