"""The IFC library's own messages, kept apart for one task instead of in its global log."""

from __future__ import annotations

from typing import Any

from ifcopenshell import ifcopenshell_wrapper


def error_log() -> Any:
    """A new log that keeps errors in memory; pass it as ``logger``."""
    log = ifcopenshell_wrapper.logger()
    log.output_format(log.FMT_INMEMORY)
    log.verbosity(log.LOG_ERROR)
    return log


def entries(log: Any) -> list[dict[str, str]]:
    """Its messages, each with ``code``, ``message``, ``instance`` and ``product``."""
    return [message.to_dict() for message in log.log_messages()]
