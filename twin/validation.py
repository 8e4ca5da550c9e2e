"""What pydantic expected of a value, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: Chinese sentences by pydantic's error types; ``{ge}`` and the like are of the error's context.
_ZH: Final = {
    "missing": "必须给出",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "json_invalid": "应为 JSON",
    "list_type": "应为 JSON 数组",
    "literal_error": "应为 {expected} 之一",
    "path_not_directory": "应为现有目录",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
}
#: Sentences of validators that raise ValueError: typer's choices and dates.
_SENTENCES: Final = (
    (re.compile(r"is not one of (.+)\."), "应为 {} 之一", "expected one of {}"),
    (re.compile(r"does not match the formats? (.+)\."), "格式应为 {}", "expected the format {}"),
)


def expectation(error: Mapping[str, Any]) -> tuple[str, str]:
    """What was expected, in English and Chinese, by one of ``ValidationError.errors()``."""
    told: str = error["msg"].removeprefix("Value error, ").replace("%Y-%m-%d", "YYYY-MM-DD")
    for pattern, zh, en in _SENTENCES:
        if match := pattern.search(told):
            return en.format(match[1]), zh.format(match[1])
    en = re.sub("^Input should (be|have)", "expected", told)
    zh = _ZH.get(error["type"], "不符合要求")
    return en[:1].lower() + en[1:], zh.format(**error.get("ctx", {}))
