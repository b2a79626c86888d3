"""``calotype dump``: what is in a file, for people or as DICOM JSON."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from calotype.dicom import dump
from calotype.dicom.part10 import read_file_meta, scan
from calotype.dicom.pixels.anatomy import dissect
from calotype.dicom.uids import transfer_syntax
from calotype.dicom.walk import Walk
from calotype.errors import InvalidRequest, NotFound, Unavailable


@click.command("dump")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="DICOM JSON, one file a line.")
@click.option("--width", type=click.IntRange(8, 10_000), default=80, help="Characters of a value that are shown.")
def dump_command(files: tuple[Path, ...], *, as_json: bool, width: int) -> None:
    """Show the elements of Part 10 files."""
    for path in files:
        if len(files) > 1 and not as_json:
            click.echo(f"# {path}")
        with _mapped(path) as content:
            _dump(path, content, as_json=as_json, width=width)


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        # An empty file cannot be mapped: that is a ValueError.
        raise Unavailable(f"{path} cannot be read: {error}") from error
    with mapped:
        yield mapped


def _dump(path: Path, mapped: mmap.mmap, *, as_json: bool, width: int) -> None:
    meta = read_file_meta(mapped[: 2 * 1024 * 1024])
    if meta is None:
        raise InvalidRequest(f"{path} ends in its file meta information")
    with memoryview(mapped) as whole, whole[meta.data_offset :] as data:
        if as_json:
            click.echo(scan(data, meta.transfer_syntax, data_bytes=len(data)).json().decode("utf-8"))
            return
        how = transfer_syntax(meta.transfer_syntax)
        click.echo(f"# {how.name} ({meta.transfer_syntax}), {len(data)} bytes after the file meta information")
        if how.deflated:
            anatomy = dissect(data, meta.transfer_syntax)
            inflated = anatomy.text.read_at(0, anatomy.text.size_bytes)
            walk = Walk(inflated, len(inflated), explicit=True, little=True)
        else:
            walk = Walk(data, len(data), explicit=how.explicit_vr, little=how.little_endian)
        for line in dump.lines(walk, width=width):
            click.echo(line)
