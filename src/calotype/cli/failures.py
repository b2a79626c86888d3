"""What went wrong, as one line on stderr and an exit code; the only place that decides either.

A script can tell apart: 0 done, 1 done but some failed, 2 wrong input or settings, 3 not found, 4 a peer or the
archive refused or does not answer, 5 no resources, 70 our own mistake, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from calotype.errors import CalotypeError, Reason

SOME_FAILED = 1

EXIT_CODES = {
    Reason.INVALID_REQUEST: 2,
    Reason.NOT_FOUND: 3,
    Reason.CONFLICT: 4,
    Reason.REFUSED: 4,
    Reason.UNSUPPORTED: 4,
    Reason.UNAVAILABLE: 4,
    Reason.OUT_OF_RESOURCES: 5,
    Reason.INTERNAL: 70,
    Reason.CANCELLED: 130,
}


@contextmanager
def reported() -> Iterator[None]:
    """Turn what a user can cause into one line; everything else keeps its traceback, being our mistake."""
    try:
        yield
    except CalotypeError as error:
        click.echo(f"calotype: {error}", err=True)
        sys.exit(EXIT_CODES[error.reason])
    except BrokenPipeError:
        # The reader of our output has left (`calotype find ... | head`); Python would complain while closing stdout.
        sys.stderr.close()
        sys.exit(SOME_FAILED)
