"""The built-in viewer as a flow uses it, and a phantom whose every value is known where it is drawn.

``Phantom`` is a small CT: a ramp from left to right, a bar that tells the slice, and a bone inside. ``Viewer`` is the
viewer's window on a page; ``picture`` reads what a canvas shows.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from support import samples

Grey = NDArray[np.float64]

_INTERCEPT: Final = -1024
_READY: Final = "html[data-viewer=ready]"


@dataclass(frozen=True)
class Phantom:
    """A block of ``size`` slices of ``size`` rows and columns, 1 mm each way, values in HU.

    The upper half of each slice is a ramp over its columns, from ``first_hu`` to ``last_hu``; the lower half has one
    value, higher with each slice; in the middle of the block lies a bone.
    """

    series: int = 1
    size: int = 32
    first_hu: int = -160
    last_hu: int = 240
    bone_hu: int = 900

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return samples.uid(77, self.series)

    def ramp_hu(self, x: float) -> float:
        """Return the value at a place of the upper half, 0 the left edge and 1 the right one."""
        column = x * self.size - 0.5
        return self.first_hu + (self.last_hu - self.first_hu) * column / (self.size - 1)

    def bar_hu(self, number: int) -> float:
        """Return the value of the lower half of a slice, counted from 1."""
        return self.first_hu + (self.last_hu - self.first_hu) * (number - 1) / (self.size - 1)

    def files(self, **how: Any) -> Iterator[bytes]:
        """Return each slice as a Part 10 file; ``how`` is as :func:`support.samples.ct` takes it."""
        changes = how.pop("changes", {})
        block = self._block()
        for number in range(1, self.size + 1):
            slope = {
                0x00180050: ("DS", "1"),
                0x00200032: ("DS", f"0\\0\\{number}"),
                0x00201041: ("DS", str(number)),
                0x00280030: ("DS", "1\\1"),
                0x00281052: ("DS", str(_INTERCEPT)),
                0x7FE00010: ("OW", block[number - 1].astype("<i2").tobytes()),
            }
            yield samples.part10(
                samples.ct(
                    self.size,
                    self.size,
                    number,
                    **{
                        "study_uid": self.study_uid,
                        "series_uid": samples.uid(77, self.series, 1),
                        "sop_uid": samples.uid(77, self.series, 1, number),
                        "changes": slope | changes,
                        **how,
                    },
                )
            )

    def _block(self) -> NDArray[np.int32]:
        half, quarter = self.size // 2, self.size // 4
        block = np.empty((self.size,) * 3)
        block[:, :half, :] = np.linspace(self.first_hu, self.last_hu, self.size)
        block[:, half:, :] = np.linspace(self.first_hu, self.last_hu, self.size)[:, None, None]
        # Beside the middle, so that what is read there stays as it is.
        block[quarter:-quarter, half + 2 : -quarter // 2, 2:quarter] = self.bone_hu
        return np.rint(block - _INTERCEPT).astype(np.int32)


def picture(canvas: Locator) -> Grey:
    """Return what a canvas shows as grey, 0 to 255, by row and column."""
    encoded = str(canvas.evaluate("canvas => canvas.toDataURL('image/png')"))
    return grey_of(base64.b64decode(encoded.partition(",")[2]))


def grey_of(png: bytes) -> Grey:
    """Return a picture's grey, 0 to 255, by row and column."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=np.float64)


@dataclass(frozen=True)
class Window:
    """A window as its pane says it (PS3.3 C.11.2.1.2)."""

    center: float
    width: float

    def grey(self, value: float) -> float:
        """Return what a value is drawn as, 0 to 255."""
        return float(np.clip((value - (self.center - self.width / 2)) / self.width, 0, 1) * 255)


@dataclass(frozen=True)
class Viewer:
    """The viewer's window."""

    page: Page

    def wait(self) -> None:
        """Wait until every pane is drawn."""
        # One whose slices are asked for is not waited for yet, and turns.
        expect(self.page.locator("main .mantine-Loader-root")).to_have_count(0)
        expect(self.page.locator(_READY)).to_have_count(1)
        expect(self.page.locator("main .mantine-Loader-root")).to_have_count(0)

    @property
    def canvas(self) -> Locator:
        """What the one pane draws on."""
        return self.page.locator("main canvas")

    @property
    def window(self) -> Window:
        """The window that the pane says it shows."""
        found = re.search(r"C (-?\d+) W (\d+)", self.page.locator("[data-window]").inner_text())
        assert found is not None
        return Window(float(found[1]), float(found[2]))

    @property
    def slice_number(self) -> int:
        """Which slice the pane says it shows, from 1."""
        counted = self.page.locator("[data-corner=bottom-left]").inner_text()
        found = re.search(r"(\d+) / \d+", counted)
        assert found is not None, counted
        return int(found[1])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the page a place of a square picture is; 0 and 1 are its edges."""
        box = self.canvas.bounding_box()
        assert box is not None
        side = min(box["width"], box["height"])
        return (
            box["x"] + box["width"] / 2 + (x - 0.5) * side,
            box["y"] + box["height"] / 2 + (y - 0.5) * side,
        )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw the first button from one place of the picture to another."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at(*end), steps=6)
        mouse.up()

    def choose_layout(self, name: str) -> None:
        """Show another layout, and wait until it is drawn."""
        self.page.get_by_role("button", name="Layout").click()
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.wait()


def grey_at(shown: Grey, x: float, y: float) -> float:
    """Return the grey at a place of a square picture in the middle of what is shown."""
    height, width = shown.shape
    side = min(height, width)
    row, column = height / 2 + (y - 0.5) * side, width / 2 + (x - 0.5) * side
    return float(shown[int(row), int(column)])
