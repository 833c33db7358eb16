"""Log lines that a person or a machine can read, and that hold no secret and no full number."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_KEY = re.compile(
    r"pin|text|token|password|passwd|pass(key|phrase)?$|passkey|secret|pepper|authorization|cookie"
    r"|credential|api_?key|signature|otp|body|transcript|message_content|csrf",
    re.IGNORECASE,
)
# Figures about a secret are no secret.
_HARMLESS_SUFFIX = re.compile(r"_(length|count|digest|bytes|seconds|attempts)$")
_MSISDN = re.compile(r"(?<![0-9])(?:\+?254|0)([17][0-9]{2})[0-9]{3}([0-9]{3})(?![0-9])")
_MSISDN_LENGTH_MIN = 10
_DEPTH_MAX = 8
# json.dumps with options of its own would build an encoder for each line.
_write_json = json.JSONEncoder(default=str).encode


def mask(text: str) -> str:
    """Replace every Kenyan mobile number in a text by its masked form, ``0712***678``."""
    if len(text) < _MSISDN_LENGTH_MIN:
        return text
    return _MSISDN.sub(r"0\1***\2", text)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what is named like a secret and mask numbers in the rest (a structlog processor)."""
    cleaned: EventDict = {}
    for key, value in event.items():
        if key.startswith("_"):
            cleaned[key] = value  # structlog's own record, removed before rendering
        elif not _is_secret(key):
            cleaned[key] = _clean(value, 0)
    return cleaned


def clean(value: Any) -> Any:
    """Return a value without secrets in its mappings and with masked numbers in its texts."""
    return _clean(value, 0)


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return bool(_SECRET_KEY.search(key)) and not _HARMLESS_SUFFIX.search(key)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return mask(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _DEPTH_MAX:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(key): _clean(item, depth + 1)
            for key, item in value.items()
            if not _is_secret(str(key))
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return mask(str(value))


def _written_at_once(render: Processor, stream: TextIO) -> Processor:
    """Return the last processor: it writes what is merely told, without the detour by a record.

    What is worse goes through the standard library, whose handlers report errors. A request has a
    line of its own, and the detour took half of its time.
    """

    def write(logger: WrappedLogger, method: str, event: EventDict) -> Any:
        if method != "info":
            return structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, method, event)
        # One call, so that lines of threads don't mix.
        stream.write(str(render(logger, method, event)) + "\n")
        raise structlog.DropEvent

    return write


def _to_json(event: EventDict, **_options: Any) -> str:
    return _write_json(event)


def configure_logging(*, as_json: bool, level: int = logging.INFO) -> None:
    """Send the process's log to standard error, own lines and libraries' lines alike."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        redact,
        # What follows holds no secret.
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, _written_at_once(renderer, sys.stderr)],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # What no line shows is not collected: a search of the stack and three questions a line.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # RQ tells each job twice at INFO; the tasks log what they did.
    for noisy in ("rq.worker", "rq.scheduler", "urllib3", "africastalking", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
