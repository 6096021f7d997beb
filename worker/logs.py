"""The worker's log: JSON lines, with an allow-list of fields and no free text.

What a library logs is reduced to its logger's name and level: library messages quote input.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

LOG = logging.getLogger("pseudodont")
_FIELDS = ("case", "transfer", "scan", "code", "attempt", "duration_ms", "recipient", "count")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event and the fields of the allow-list."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a foreign record loses its message."""
        own = record.name == LOG.name
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg if own else f"library {record.name}",
        }
        if own:
            line |= {name: record.__dict__[name] for name in _FIELDS if record.__dict__.get(name) is not None}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)


def to_file(path: Path) -> None:
    """Send every log record of the process to `path`, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    handler = logging.StreamHandler(os.fdopen(descriptor, "a"))
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    LOG.setLevel(logging.INFO)
