"""What our server writes to its log: one JSON object a line, with labelled fields and no private value in a text."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

PRIVATE: Final = frozenset({"caller", "dialled_by", "number", "key", "keys", "phone_number"})
"""Fields whose values are masked whatever they hold."""


def set_up(level: str = "info") -> None:
    """Send our log, and warnings of the libraries we use, to standard output."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stdout, level=logging.WARNING, format='{"level": "%(levelname)s", "event": "%(name)s: %(message)s"}'
    )


def quiet() -> None:
    """For commands: nothing but what goes wrong, on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def mask(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide private fields."""
    for name in PRIVATE & fields.keys():
        fields[name] = "****"
    return fields
