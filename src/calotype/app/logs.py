"""Where log lines go. Rooms only ever say ``logging.getLogger(__name__)``; this is the one place that listens."""

from __future__ import annotations

import logging
import logging.handlers
import sys

from calotype.app.settings import Logging
from calotype.errors import Refused

_FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"
_FILE_BYTES = 20 * 1024 * 1024
_FILES_KEPT = 10


class _OneLine(logging.Formatter):
    """Keeps what peers say from faking lines of their own: control characters of the message are shown escaped."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        if not record.message.isprintable():
            record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)


def start_logging(settings: Logging) -> None:
    """Write log lines to stderr, and to the file if there is one. Refused when the file cannot be written."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.file is not None:
        try:
            settings.file.parent.mkdir(parents=True, exist_ok=True)
            rotating = logging.handlers.RotatingFileHandler(
                settings.file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8"
            )
        except OSError as error:
            raise Refused(f"logging.file: {settings.file} cannot be written ({error.strerror})") from error
        handlers.append(rotating)
    for handler in handlers:
        handler.setFormatter(_OneLine(_FORMAT))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.level)
    # Which revisions it goes through, and which of its own parts it has loaded, helps nobody: the index says in one
    # line what was done.
    logging.getLogger("alembic").setLevel(logging.WARNING)
