"""The sentences of the linter."""

from __future__ import annotations

import re

import pytest

from models.findings import Severity
from tiles.check.codes import CODES


@pytest.mark.parametrize("code", CODES)
def test_each_says_what_where_what_was_expected_and_what_to_do(code: str) -> None:
    kind = CODES[code]
    for text, end in ((kind.zh, "。"), (kind.en, ".")):
        assert {"{where}", "{found}", "{expected}"} <= set(re.findall(r"{\w+}", text))
        assert text.endswith(end)
    if kind.severity is not Severity.INFO:
        assert "请" in kind.zh
        assert len(re.split(r"[.;] ", kind.en.partition("{expected}")[2])) > 1  # a remedy follows
