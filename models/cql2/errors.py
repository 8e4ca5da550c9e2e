"""What is wrong with a filter, said so that its author can mend it."""

from __future__ import annotations

from typing import Final

from models.errors import TwinError

#: Names that a refusal lists.
_MOST_TOLD: Final = 60


class FilterError(TwinError):
    """The filter cannot be read, is too large, or compares what cannot be compared."""

    code = "CQL2-01"

    def locate(self, en: str, zh: str) -> None:
        """Add where in the filter it is."""
        self.en = f"{self.en} It is at {en}."
        self.zh = f"{self.zh}位置：{zh}。"
        self.args = (self.en,)


class NotListedError(FilterError):
    """The filter names a function or property that is not on the list of those allowed.

    ``kind`` is ``function`` or ``property`` and ``name`` the word as the client wrote it, so that
    an attempt to reach what nobody offered can be logged. ``where`` is the parameter it came in.
    """

    code = "CQL2-02"

    def __init__(
        self, kind: str, name: str, allowed: tuple[str, ...], where: str = "filter"
    ) -> None:
        self.kind, self.name = kind, name
        more = len(allowed) - _MOST_TOLD
        told = allowed[:_MOST_TOLD]
        word = {"function": "函数", "property": "属性"}[kind]
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        super().__init__(
            f"{where}: found {kind} '{shown}', which is not offered. "
            f"Expected one of: {', '.join(told)}"
            + (f" and {more} more, which /queryables lists." if more > 0 else "."),
            f"{where}：{word}“{shown}”不可用。可用：{'、'.join(told)}"
            + (f"等，其余 {more} 个见 /queryables。" if more > 0 else "。"),
        )
