"""Holds the web application to its rules: fresh types of the server, TypeScript, lint, format, tests; all at once.

With node from PATH or PyPI, as the build has it. A machine with neither passes, and says so; in CI it fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import CLEAN_INSTALL, environment, node_of_wheel, node_on_path  # noqa: E402 - lies beside us

PAGES = ROOT / "ui"
CHECKS = ("fresh", "types", "lint", "test")


def main() -> None:
    """Run all checks, and show what the failed ones said."""
    npm = node_on_path() or node_of_wheel()
    if npm is None:
        told = "the pages are not checked: no node >= 20.19 on PATH, nor PyPI's (requirements-node.lock)"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            raise SystemExit(told)
        print(told)
        return
    where = {"cwd": PAGES, "env": environment(npm)}
    if not _is_installed():
        subprocess.run([*npm, *CLEAN_INSTALL], check=True, **where)
    running = {
        check: subprocess.Popen(
            [*npm, "run", "--silent", check], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **where
        )
        for check in CHECKS
    }
    failed = []
    for check, process in running.items():
        said, _ = process.communicate()
        if process.returncode:
            failed.append(check)
            print(f"== {check}\n{said}")
    if failed:
        raise SystemExit(f"the pages fail: {', '.join(failed)} (cd ui && npm run {failed[0]})")


def _is_installed() -> bool:
    """Tell whether what the lock names is there: npm writes down what it has installed."""
    written = PAGES / "node_modules/.package-lock.json"
    return written.is_file() and written.stat().st_mtime >= (PAGES / "package-lock.json").stat().st_mtime


if __name__ == "__main__":
    main()
