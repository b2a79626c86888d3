"""``calotype render``: a DICOM file on disk as a picture, as the archive would show it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calotype.dicom.part10 import read_file_meta
from calotype.errors import InvalidRequest

if TYPE_CHECKING:
    from calotype.dicom.pixels.frames import ReadAt
    from calotype.dicom.pixels.luts import Window
    from calotype.dicom.pixels.subject import Subject

_FORMS = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".pdf": "application/pdf",
}


@click.command("render")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A .png, .jpg, .gif or .pdf file."
)
@click.option("--frame", type=click.IntRange(1), help="Which frame; a .gif has all of them by default.")
@click.option("--window", metavar="CENTER,WIDTH", help="In the place of what the file says.")
@click.option("--size", metavar="WIDTHxHEIGHT", help="Fit the picture into so many pixels.")
@click.option("--quality", type=click.IntRange(1, 100), default=90, show_default=True, help="Of a JPEG.")
@click.option(
    "--presentation",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Apply this presentation state.",
)
@click.option(
    "--damaged", is_flag=True, help="Show what is left of a damaged frame; what is missing is grey or noise."
)
@click.option("--overlays/--no-overlays", default=True, help="Show overlays.")
def render_command(
    file: Path,
    output: Path,
    *,
    frame: int | None,
    window: str | None,
    size: str | None,
    quality: int,
    presentation: Path | None,
    damaged: bool,
    overlays: bool,
) -> None:
    """Make a picture of a DICOM file: window, colours, overlays, shutters as an archive would show them.

    FILE may hold an image or an encapsulated PDF.
    """
    form = _FORMS.get(output.suffix.lower())
    if form is None:
        raise click.UsageError(f"-o {output}: the name ends in one of {', '.join(_FORMS)}")
    from calotype.dicom.pixels.images import to_gif, to_image  # numpy and Pillow: not needed for --help
    from calotype.dicom.pixels.presentation import Presentation
    from calotype.dicom.pixels.render import RenderParameters, render
    from calotype.dicom.pixels.subject import decode_here
    from calotype.services.archive.isolation import Isolation, IsolationSettings

    subject, read_at = _opened(file)
    if form == "application/pdf":
        output.write_bytes(subject.read_document(read_at))
        return
    parameters = RenderParameters(
        window=_window(window) if window else None,
        fit=_size(size) if size else None,
        has_overlays=overlays,
        presentation=Presentation(_opened(presentation)[0].attributes) if presentation else None,
    )
    subject.checked()
    # A decoder may die of a damaged frame: that is left to another process.
    with Isolation(IsolationSettings(processes=1)) as isolation:
        decode = partial(isolation.decode, is_forced=True) if damaged else decode_here
        if form == "image/gif" and frame is None:
            numbers = range(1, subject.number_of_frames + 1)
            pictures = (render(subject.frame(number, read_at, decode=decode), parameters) for number in numbers)
            data = to_gif(pictures, subject.durations_ms())
        else:
            picture = render(subject.frame(frame or 1, read_at, decode=decode), parameters)
            profile = subject.icc_profile if picture.ndim == 3 else b""
            data = to_image(picture, form, quality=quality, profile=profile)
    output.write_bytes(data)
    click.echo(f"{output}: {len(data)} bytes")


def _opened(file: Path) -> tuple[Subject, ReadAt]:
    from calotype.dicom.pixels.subject import read_subject

    content = memoryview(file.read_bytes())
    meta = read_file_meta(content)
    if meta is None:
        raise InvalidRequest(f"{file} is not a DICOM file: it ends within its meta information")
    return read_subject(content[meta.data_offset :], meta.transfer_syntax)


def _window(text: str) -> Window:
    from calotype.dicom.pixels.luts import Window

    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        raise click.UsageError("--window: write CENTER,WIDTH, for example 40,400") from None
    return Window(center, width)


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise click.UsageError("--size: write WIDTHxHEIGHT, for example 512x512") from None
    return width, height
