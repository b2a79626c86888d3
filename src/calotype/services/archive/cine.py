"""Frames as a film: what is needed of whoever can make one, and ``ffmpeg`` as that, in a process of its own.

Nothing of it is linked or shipped: where the program is not on PATH there are no films, and nobody is told of them.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from calotype.errors import Unavailable, Unsupported

_ENCODERS: Final = (
    ("libx264", ("-preset", "veryfast", "-crf", "20")),
    ("libopenh264", ("-b:v", "8M")),
    ("h264_v4l2m2m", ("-b:v", "8M")),
    ("mpeg4", ("-q:v", "3")),
)
"""H.264 where the program has it, MPEG-4 Part 2 otherwise, with what makes each look well."""
_LIMIT_S: Final = 300.0
_PROBE_S: Final = 20.0
_RATES: Final = (0.1, 120.0)
_SAID_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Reel:
    """Frames of ``width`` by ``height``, 8 bits grey or RGB, shown at ``rate`` frames per second."""

    frames: Iterator[bytes]
    width: int
    height: int
    is_colour: bool
    rate: float


class Cine(Protocol):
    """Makes films. Thread-safe."""

    @property
    def is_here(self) -> bool:
        """Whether films can be made."""
        ...

    def film(self, reel: Reel) -> bytes:
        """Return an MP4. Unsupported when films cannot be made, Unavailable when this one failed."""
        ...


class NoCine:
    """Makes none."""

    is_here = False

    def film(self, _reel: Reel) -> bytes:
        """Raise Unsupported."""
        raise Unsupported("films are not made here: the program ffmpeg was not found")


class Ffmpeg:
    """Makes films by ``ffmpeg``; which of its encoders, is asked once."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._encoder: tuple[str, tuple[str, ...]] | None = None

    @classmethod
    def found(cls) -> Cine:
        """Return the program on PATH, or somebody who makes no films."""
        program = shutil.which("ffmpeg")
        return cls(Path(program)) if program else NoCine()

    @property
    def is_here(self) -> bool:
        """Whether the program is there; it was when this was made."""
        return True

    def film(self, reel: Reel) -> bytes:
        """Return an MP4 that players can start before its end. See :class:`Cine`."""
        with tempfile.TemporaryDirectory(prefix="calotype-cine-") as folder:
            target = Path(folder) / "film.mp4"
            process = subprocess.Popen(  # noqa: S603 - a program found on PATH, arguments are numbers of ours
                self._command(reel, target), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            watch = threading.Timer(_LIMIT_S, process.kill)
            watch.start()
            try:
                said = _fed(process, reel.frames)
            finally:
                watch.cancel()
                watch.join()
            if process.returncode or not target.exists():
                raise Unavailable(f"ffmpeg could not make a film: {said or process.returncode}")
            return target.read_bytes()

    def _command(self, reel: Reel, target: Path) -> list[str]:
        encoder, how = self._chosen()
        rate = min(_RATES[1], max(_RATES[0], reel.rate))
        return [
            str(self._program), "-nostdin", "-hide_banner", "-loglevel", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24" if reel.is_colour else "gray",
            "-s", f"{reel.width}x{reel.height}", "-r", f"{rate:.4f}", "-i", "-",
            # H.264 of browsers has chroma of half the size, so sides must be even.
            "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", encoder, *how, "-pix_fmt", "yuv420p",
            "-movflags", "+faststart", "-f", "mp4", str(target),
        ]  # fmt: skip

    def _chosen(self) -> tuple[str, tuple[str, ...]]:
        with self._lock:
            if self._encoder is None:
                try:
                    listed = subprocess.run(  # noqa: S603 - a program found on PATH
                        [self._program, "-hide_banner", "-encoders"],
                        capture_output=True, text=True, errors="replace", timeout=_PROBE_S, check=False,
                        stdin=subprocess.DEVNULL,
                    ).stdout.split()  # fmt: skip
                except (OSError, subprocess.TimeoutExpired) as error:
                    raise Unavailable(f"ffmpeg does not run: {error}") from error
                known = [each for each in _ENCODERS if each[0] in listed]
                if not known:
                    raise Unsupported("the ffmpeg here has no encoder for MP4")
                self._encoder = known[0]
            return self._encoder


def _fed(process: subprocess.Popen[bytes], frames: Iterator[bytes]) -> str:
    """Give a process all frames, wait for its end, and return what it had to say; it is ended if a frame fails."""
    assert process.stdin is not None  # noqa: S101 - both were asked for
    assert process.stderr is not None  # noqa: S101
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(process.stderr.read() if process.stderr else b""))
    listener.start()
    try:
        for frame in frames:
            try:
                process.stdin.write(frame)
            except OSError:
                break  # it has ended early; its exit code and its words tell why
    except BaseException:
        process.kill()
        raise
    finally:
        _close_quietly(process)
        process.wait()
        listener.join()
        process.stderr.close()
    return b"".join(said).decode("utf-8", "replace").strip()[-_SAID_CHARS:]


def _close_quietly(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except OSError:
        # What was buffered could not be written to a process that has ended: its exit code tells.
        return
