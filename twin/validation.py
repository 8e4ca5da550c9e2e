"""What pydantic and JSON found and expected of a value, in English and Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_INSTANT: Final = "2026-01-31T08:00:00+08:00"
_NUMBER: Final = ("expected a valid number", "应为数字")
_INTEGER: Final = ("expected a valid integer", "应为整数")
_LOGICAL: Final = ("expected true or false", "应为 true 或 false")
_OBJECT: Final = ("expected a JSON object", "应为 JSON 对象")
_MOMENT: Final = (f"expected a date and time such as {_INSTANT}", f"应为日期时间，如 {_INSTANT}")
#: Sentences by pydantic's error types; ``{ge}`` and the like are of the error's context.
_SAID: Final = {
    "missing": ("it must be given", "必填，但未给出"),
    "extra_forbidden": ("there is no such field", "没有这个参数"),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": ("expected a finite number", "应为有限数值"),
    "bool_type": _LOGICAL,
    "bool_parsing": _LOGICAL,
    "string_type": ("expected text", "应为文本"),
    "string_too_short": (
        "expected at least {min_length} character(s)",
        "至少应有 {min_length} 个字符",
    ),
    "string_too_long": ("expected at most {max_length} characters", "至多 {max_length} 个字符"),
    "list_type": ("expected a JSON array", "应为 JSON 数组"),
    "too_short": (
        "expected at least {min_length} item(s), not {actual_length}",
        "至少应有 {min_length} 项，实有 {actual_length} 项",
    ),
    "too_long": (
        "expected at most {max_length} items, not {actual_length}",
        "至多可有 {max_length} 项，实有 {actual_length} 项",
    ),
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "uuid_parsing": ("expected a UUID", "应为 UUID"),
    "uuid_type": ("expected a UUID", "应为 UUID"),
    "json_invalid": ("expected JSON", "应为 JSON"),
    "literal_error": ("expected {expected}", "应为 {expected} 之一"),
    "enum": ("expected {expected}", "应为 {expected} 之一"),
    "path_not_directory": ("the path does not point to a directory", "应为现有目录"),
    "greater_than": ("expected greater than {gt}", "应大于 {gt}"),
    "greater_than_equal": ("expected greater than or equal to {ge}", "应不小于 {ge}"),
    "less_than": ("expected less than {lt}", "应小于 {lt}"),
    "less_than_equal": ("expected less than or equal to {le}", "应不大于 {le}"),
    "timezone_aware": (f"expected a time zone, as in {_INSTANT}", f"应带时区，如 {_INSTANT}"),
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
}
#: Sentences of validators that raise ValueError: typer's choices and dates.
_SENTENCES: Final = (
    (re.compile(r"is not one of (.+)\."), "应为 {} 之一", "expected one of {}"),
    (re.compile(r"does not match the formats? (.+)\."), "格式应为 {}", "expected the format {}"),
)
#: Characters of a value that a sentence quotes.
_QUOTED: Final = 60


def told(error: Mapping[str, Any]) -> tuple[str, str]:
    """What was found and what was expected, in English and Chinese, by one of
    ``ValidationError.errors()``."""
    en, zh = expectation(error)
    if error["type"] == "missing":  # its input is all that was given
        return en, zh
    value = _quoted(error.get("input"))
    return f"found '{value}', {en}", f"收到“{value}”，{zh}"


def where(error: Mapping[str, Any]) -> str:
    """The place of a fault, its parts joined by dots; names that a client made up are cut."""
    return ".".join(_cut(str(part)) for part in error["loc"])


def expectation(error: Mapping[str, Any]) -> tuple[str, str]:
    """What was expected, in English and Chinese, by one of ``ValidationError.errors()``.

    Our own validators raise ``ValueError(english, chinese)``.
    """
    context = error.get("ctx", {})
    own: tuple[object, ...] = getattr(context.get("error"), "args", ())
    if len(own) == 2:
        return str(own[0]), str(own[1])
    if said := _SAID.get(error["type"]):
        en, zh = (sentence.format(**context) for sentence in said)
        return en, zh.replace(", ", "、").replace(" or ", "、")
    message = error["msg"].removeprefix("Value error, ").replace("%Y-%m-%d", "YYYY-MM-DD")
    for pattern, zh, en in _SENTENCES:
        if match := pattern.search(message):
            return en.format(match[1]), zh.format(match[1])
    en = re.sub("^Input should (be|have)", "expected", message)
    return en[:1].lower() + en[1:], "不符合要求"


def broken_json(error: json.JSONDecodeError) -> tuple[str, str]:
    """Where a text stops being JSON, in English and Chinese."""
    return (
        f"broken JSON at line {error.lineno}, column {error.colno} ({error.msg})",
        f"JSON 有误，第 {error.lineno} 行第 {error.colno} 列处无法解析",
    )


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
