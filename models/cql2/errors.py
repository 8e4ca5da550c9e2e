"""What is wrong with a filter, said so that its author can mend it."""

from __future__ import annotations

from models.errors import TwinError


class FilterError(TwinError):
    """The filter cannot be read, is too large, or compares what cannot be compared."""

    code = "CQL2-01"


class NotListedError(FilterError):
    """The filter names a function or property that is not on the list of those allowed.

    ``kind`` is ``function`` or ``property`` and ``name`` the word as the client wrote it, so that
    an attempt to reach what nobody offered can be logged.
    """

    code = "CQL2-02"

    def __init__(self, kind: str, name: str, allowed: tuple[str, ...]) -> None:
        self.kind, self.name = kind, name
        word = {"function": "函数", "property": "属性"}[kind]
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        super().__init__(
            f"filter: found {kind} '{shown}', which is not offered. "
            f"Expected one of: {', '.join(allowed)}.",
            f"filter：{word}“{shown}”不可用。可用：{'、'.join(allowed)}。",
        )
