"""Errors of analyses: a question that cannot be answered as it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from models.errors import TwinError

#: What is wrong with a field, by the kind of pydantic's error; the rest says its limit itself.
_ZH: Final = {
    "missing": "必填，但未给出",
    "extra_forbidden": "没有这个参数",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "too_short": "至少应有 {min_length} 项，实有 {actual_length} 项",
    "too_long": "至多可有 {max_length} 项，实有 {actual_length} 项",
    "string_too_long": "至多 {max_length} 个字符",
    "literal_error": "应为 {expected} 之一",
    "finite_number": "应为有限数值",
    "float_type": "应为数值",
    "float_parsing": "应为数值",
    "int_type": "应为整数",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为数组",
    "model_type": "应为 JSON 对象",
}


class BadRequestError(TwinError):
    """The request names something that is not there, or a value that is not allowed."""

    code = "ANA-01"

    def __init__(self, en: str, zh: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(en, zh)
        self.errors = tuple(errors)


class UnknownAnalysisError(TwinError):
    """No analysis of that name is registered."""

    code = "ANA-02"


def from_validation(name: str, error: ValidationError) -> BadRequestError:
    """All that is wrong with a request for analysis ``name``, in one sentence of each language."""
    faults = error.errors(include_url=False, include_input=False)
    rows = [_fault(dict(fault)) for fault in faults[:20]]
    en = "; ".join(f"{row['where']}: {row['en']}" for row in rows)
    zh = "；".join(f"{row['where']}：{row['zh']}" for row in rows)
    return BadRequestError(
        f"The request for '{name}' cannot be used: {en}. Its schema shows what is expected.",
        f"“{name}”的请求不可用：{zh}。应填内容见其 schema。",
        rows,
    )


def _fault(fault: dict[str, Any]) -> dict[str, str]:
    context = {key: str(value) for key, value in fault.get("ctx", {}).items()}
    message = str(fault["msg"])
    zh = _ZH.get(str(fault["type"]))
    return {
        "where": ".".join(str(part) for part in fault["loc"]) or "request",
        "en": message,
        "zh": zh.format_map(context) if zh else f"不符合要求（{message}）",
    }
