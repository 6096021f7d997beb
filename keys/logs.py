"""The key service's log: JSON lines of allow-listed fields, none of which can hold a value.

A library's message may quote what it objects to, so of foreign records only the source, the level and
the class of an exception are written.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FIELDS = ("case", "transfer", "code", "duration", "pid")
_OURS = "keys"
_LARGEST, _KEPT = 10_000_000, 3


class JsonLines(logging.Formatter):
    """Writes time, level, event and the fields of the allow-list."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line for `record`."""
        ours = record.name == _OURS
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg if ours else "library",
        }
        if not ours:
            line["source"] = record.name
        line |= {name: getattr(record, name) for name in _FIELDS if ours and hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def to_file(path: Path) -> None:
    """Send the log of this process to `path`."""
    handler = RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.INFO)
