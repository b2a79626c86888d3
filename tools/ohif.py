"""Fetches the OHIF Viewer as its makers built it, and makes it fit to be served below any path.

The package on npm holds a finished build, made for the root of a host. Its files are checked against a digest, cut
down to what a reader of studies needs, and edited at places that are counted: another version whose places differ
fails here, and not before a reader. Addresses that must know their path hold ``__BASE__``, which the server replaces.

``python tools/ohif.py [FOLDER]`` fetches by hand; the build hook calls :func:`fetch`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PACKAGE = "@ohif/app"
VERSION = "3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="

FOLDER = Path(__file__).parent.parent / "src/calotype/static/ohif"
STAMP = ".made-of"
MADE_OF = f"{PACKAGE}@{VERSION} {INTEGRITY} edits 1"
"""What a finished folder says of itself; the last number counts changes of the edits below."""

_INSIDE = "package/dist/"
_LEFT_OUT = re.compile(
    r"""
    .*\.map | (?:ort|customizations)/.* |        # source maps; a runtime for models, which are not shipped
    sw\.js | init-service-worker\.js |           # unregisters every service worker of the origin
    google\.js | silent-refresh\.html | oidc-client.* | _headers | _redirects | serve\.json |
    assets/(?:apple-touch-|mstile-|coast-|yandex-|browserconfig).*
    """,
    re.VERBOSE,
)
_PACKED = {".js", ".css", ".svg", ".json", ".wasm", ".txt"}


class OhifChanged(ValueError):
    """The package is not the one that the edits were made for."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement, and how many times it happens over all files that it fits."""

    files: str
    old: str
    new: str
    count: int


_HERE = '((typeof window!=="undefined"&&window.PUBLIC_URL)||new URL(".",self.location.href).pathname)'

EDITS: Sequence[Edit] = (
    # Pages are told where they live by app-config.js; workers know it from their own address.
    Edit(r".*\.js", r'__webpack_require__\.p = "/"', f"__webpack_require__.p = {_HERE}", 8),
    Edit(r".*\.css", r"url\(/(?!/)", "url(", 5),
    Edit(r"manifest\.json", r'"/assets/', '"assets/', 9),
    # Scripts within the page are what a strict policy forbids; app-config.js does what they did.
    Edit(r"index\.html", r"<script>.*?</script>", "", 2),
    Edit(r"index\.html", r'<script [^>]*src="/init-service-worker\.js"></script>', "", 1),
    Edit(r"index\.html", r'<link rel="(?:apple-touch|yandex-)[^>]*>', "", 22),
    Edit(r"index\.html", r'<link rel="icon" type="image/png" sizes="228x228"[^>]*>', "", 1),
    Edit(r"index\.html", r'<meta name="msapplication-[^>]*>', "", 3),
    Edit(r"index\.html", r'(href|src)="/', r'\1="__BASE__', 7),
    # Loaded before the rest, as the scripts that it stands for were.
    Edit(r"index\.html", r'<script rel="preload" as="script" src="__BASE__app', '<script src="__BASE__app', 1),
)

NOTICE = f"""OHIF Viewer {VERSION}, MIT licence, https://ohif.org
As built by its makers, cut down and made relocatable.
It holds parts of: vtk.js (BSD-3-Clause), Cornerstone3D (MIT), dicom-microscopy-viewer (MIT), OpenJPEG (BSD-2-Clause),
CharLS (BSD-3-Clause), OpenJPH (BSD-2-Clause), libjpeg-turbo (BSD-3-Clause, IJG, zlib), React (MIT).
"""


def is_made(folder: Path = FOLDER) -> bool:
    """Tell whether ``folder`` holds this version with these edits."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == MADE_OF


def fetch(npm: Sequence[str], folder: Path = FOLDER) -> None:
    """Fetch the package by npm, from whatever registry it is set up for, into ``folder``.

    Raises OhifChanged for a package that is not the one expected, OSError and CalledProcessError when it cannot be
    had. ``folder`` is as it was then.
    """
    with tempfile.TemporaryDirectory() as place:
        command = [*npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts", "--pack-destination", place]
        # Outside of the sources, whose package.json is none of its business; what npm starts finds node by name.
        paths = os.pathsep.join((str(Path(npm[0]).parent), os.environ.get("PATH", "")))
        environment = {**os.environ, "PATH": paths}
        subprocess.run(command, cwd=place, check=True, stdout=sys.stderr, env=environment)  # noqa: S603 - npm, found by us
        [tarball] = Path(place).glob("*.tgz")
        check(tarball.read_bytes())
        unpack(tarball, folder)


def check(data: bytes) -> None:
    """Compare a package with the digest that this was made for. OhifChanged when it is another."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != INTEGRITY:
        raise OhifChanged(f"{PACKAGE}@{VERSION}: expected {INTEGRITY}, got {found}")


def unpack(tarball: Path, folder: Path, edits: Sequence[Edit] = EDITS) -> None:
    """Write what is wanted of a package into ``folder``, edited and with gzipped twins. OhifChanged as for fetch."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    counts: Counter[str] = Counter()
    try:
        with tarfile.open(tarball) as package:
            for member in package:
                name = member.name.removeprefix(_INSIDE)
                place = PurePosixPath(name)
                is_outside = name == member.name or place.is_absolute() or ".." in place.parts
                if not member.isfile() or is_outside or _LEFT_OUT.fullmatch(name):
                    continue
                content = package.extractfile(member)
                if content is not None:
                    _write(new / name, edited(name, content.read(), edits, counts))
        wrong = [
            f"{edit.old!r} {counts[edit.old]} times instead of {edit.count}"
            for edit in edits
            if counts[edit.old] != edit.count
        ]
        if wrong:
            raise OhifChanged(f"{PACKAGE}@{VERSION}: " + "; ".join(wrong))
        _write(new / "NOTICE.txt", NOTICE.encode())
        (new / STAMP).write_text(MADE_OF, "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def edited(name: str, content: bytes, edits: Sequence[Edit], counts: Counter[str]) -> bytes:
    """Return a file with its edits made; ``counts`` grows by what was replaced."""
    for edit in edits:
        if re.fullmatch(edit.files, name):
            content, made = re.subn(edit.old.encode(), edit.new.encode(), content)
            counts[edit.old] += made
    return content


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.suffix in _PACKED:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    npm_on_path = shutil.which("npm")
    if npm_on_path is None:
        sys.exit("npm is needed to fetch OHIF; it comes with node")
    fetch([npm_on_path], *(Path(each) for each in sys.argv[1:2]))
