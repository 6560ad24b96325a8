"""Log format: text for a terminal, else one JSON object per line. Keys and clients' texts must never be logged."""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""Attributes of every record; any other was passed as `extra`."""


KEY = re.compile(r"([sp]k-tts-|whsec_)[0-9A-Za-z+/=]+")


def redacted(line: str) -> str:
    """A line without the keys and secrets in it, wherever they come from: a URL, a header, an error's text."""
    return KEY.sub(r"\1…", line)


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in PLAIN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redacted(orjson.dumps(line, default=str).decode())


def configure(level: str, form: str) -> None:
    """Log to standard error: the server's own records from `level` on, those of libraries from WARNING on.

    form: json, text, or auto (text for a terminal, else json).
    """
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger("ttsai_server").setLevel(level)
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # don't collect what no format shows: logging's own advice for speed
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
