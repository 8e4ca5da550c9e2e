from __future__ import annotations

import pytest

from models.licences import LicenceError, LicenceKind, read_licence


@pytest.mark.parametrize(
    ("text", "kind", "value", "identifier"),
    [
        ("CC-BY-4.0", LicenceKind.SPDX, "CC-BY-4.0", "CC-BY-4.0"),
        (" cc0-1.0 ", LicenceKind.SPDX, "CC0-1.0", "CC0-1.0"),
        ("CC-BY-4.0 OR ODbL-1.0", LicenceKind.SPDX, "CC-BY-4.0 OR ODbL-1.0", "other"),
        ("https://data.example/terms", LicenceKind.ADDRESS, "https://data.example/terms", "other"),
        ("仅供规划部门内部使用", LicenceKind.TEXT, "仅供规划部门内部使用", "other"),
        ("CC-BY-9.0", LicenceKind.TEXT, "CC-BY-9.0", "other"),
    ],
)
def test_how_a_licence_is_written(
    text: str, kind: LicenceKind, value: str, identifier: str
) -> None:
    found = read_licence(text)
    assert (found.kind, found.value, found.identifier) == (kind, value, identifier)
    assert read_licence(found.value) == found


@pytest.mark.parametrize("text", ["", "  ", "a\x00b", "x" * 20_001])
def test_what_is_no_licence(text: str) -> None:
    with pytest.raises(LicenceError) as caught:
        read_licence(text)
    assert "SPDX" in caught.value.zh
