"""What is wrong with a value is said in both languages: what was found, what was expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from models.errors import TwinError
from twin.analyses.errors import BadRequestError
from twin.analyses.registry import analyses, find
from twin.settings import Settings
from twin.testing import Program
from twin.validation import broken_json

#: Chinese sentences may hold names of fields, values and units, no English words beside them.
_ENGLISH = re.compile(r"[a-z]+ [a-z]+ [a-z]+", re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "document", "en", "zh"),
    [
        ("section", {}, "line: it must be given", "line：必填"),
        ("section", {"line": 5}, "found '5', expected a JSON array", "收到“5”，应为 JSON 数组"),
        ("section", {"line": [[1, 2]]}, "at least 2 item(s), not 1", "至少应有 2 项，实有 1 项"),
        ("section", {"line": [[1], [2, 3]]}, "line.0: found '[1]'", "line.0：收到“[1]”"),
        ("section", {"line": [["x", 1], [2, 3]]}, "found 'x', expected a valid", "“x”，应为数字"),
        ("section", {"line": [[1e999, 1], [2, 3]]}, "a finite number", "应为有限数值"),
        ("section", {"line": [[1, 2], [3, 4]], "scale": 7}, "found '7', expected 20,", "应为 20、"),
        ("ageing", {"old": 1.5}, "found '1.5', expected a valid integer", "应为整数"),
        ("ageing", {"old": 900}, "less than or equal to 300", "收到“900”，应不大于 300"),
        ("ageing", {"wrong": 1}, "wrong: found '1', there is no such field", "没有这个参数"),
        ("ageing", {"datetime": "soon"}, "found 'soon', expected a date", "应为日期时间"),
        ("ageing", {"datetime": "2026-01-31T08:00:00"}, "expected a time zone", "应带时区"),
        ("ageing", {"class_code": 7}, "found '7', expected text", "收到“7”，应为文本"),
        ("ageing", {"class_code": ""}, "at least 1 character", "至少应有 1 个字符"),
        ("ageing", [1], "found '[1]', expected a JSON object", "应为 JSON 对象"),
        ("connectivity", {}, "give nodes or segments", "请给出 nodes 或 segments"),
        ("buffer", {"distance": 1}, "give one of point", "应给且只给一个"),
        ("profile", {"nodes": ["a"]}, "at least two nodes", "至少应有两个点"),
        ("profile", {"crossings": "maybe", "nodes": ["a", "b"]}, "true or false", "true 或 false"),
        ("trace", {"nodes": ["a"], "direction": "up"}, "found 'up', expected 'up", "'upstream'、"),
    ],
)
def test_requests(name: str, document: Any, en: str, zh: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        find(name).parse(document)
    assert en in caught.value.en
    assert zh in caught.value.zh
    assert "不符合要求" not in caught.value.zh
    assert not _ENGLISH.search(caught.value.zh)


@pytest.mark.parametrize("value", [None, True, "text", -1e9, [], {}, [[]], "[1,2]"])
def test_no_field_of_any_request_leaks_an_english_sentence(value: Any) -> None:
    for analysis in analyses().values():
        fields = analysis.request.model_fields
        for name in fields:
            try:
                analysis.parse({**analysis.example, name: value})
            except BadRequestError as error:
                assert not _ENGLISH.search(error.zh), error.zh
                assert "不符合要求" not in error.zh, (analysis.name, name, error.en)


def test_a_long_value_is_cut() -> None:
    with pytest.raises(BadRequestError) as caught:
        find("ageing").parse({"old": "9" * 5000})
    assert len(caught.value.en) < 400
    assert "…" in caught.value.zh


def test_settings_say_it_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_PORT", "abc")
    with pytest.raises(TwinError) as caught:
        Settings()
    assert "TWIN_PORT: found 'abc', expected a valid integer" in caught.value.en
    assert "TWIN_PORT：收到“abc”，应为整数" in caught.value.zh


def test_broken_json_is_placed() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads('{"a": 1,\n "b" 2}')
    en, zh = broken_json(caught.value)
    assert "line 2, column 6" in en
    assert "第 2 行第 6 列" in zh


@pytest.mark.parametrize("text", ["line=[[1,2],[3,4", 'line={"a":', 'name="open'])
def test_broken_json_on_the_command_line_is_called_so(
    new_program: Callable[..., Program], text: str
) -> None:
    ended = new_program().run("query", "section", "--twin", "qianwan", "--set", text)
    assert ended.returncode == 2
    assert "broken JSON at line 1" in ended.stderr
    assert "JSON 有误" in ended.stderr
    assert text.split("=")[0] in ended.stderr
