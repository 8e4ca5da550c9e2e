"""Whatever is wrong with a file, and however large it claims to be, a check ends with a report."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiles.check import Limits, check_tileset
from tiles.errors import TilesetError

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted


def english(text: str) -> set[str]:
    """The words of Latin letters."""
    return set(re.findall("[A-Za-z]+", text))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[1, 2]",
        b"{",
        b"null",
        b'{"asset": 1}',
        b"[" * 100_000,
        b"\x1f\x8bbroken",
        b"\xff\xfe",
    ],
)
def test_hostile_roots_end_in_a_finding(planted: Planted, data: bytes) -> None:
    (planted.folder / "tileset.json").write_bytes(data)
    found = check_tileset(planted.folder)
    assert "TSC-04" in found.totals
    (told,) = (one.zh for one in found.findings if one.code == "TSC-04")
    assert english(told) <= {"tileset", "json", "JSON", "asset", "root", "gzip", "URI"}


@pytest.mark.parametrize("member", ["root", "children", "geometricError"])
def test_the_chinese_of_a_wrong_member_is_chinese(planted: Planted, member: str) -> None:
    (planted.json if member == "root" else planted.root)[member] = -1
    told = [one.zh for one in planted.check().findings if one.code in ("TSC-04", "TSC-20")]
    assert told
    assert english(" ".join(told)) <= {
        "tileset", "json", "JSON", "asset", "root", "children", "geometricError"
    }  # fmt: skip


def test_the_chinese_about_what_is_no_archive_is_chinese(tmp_path: Path) -> None:
    (tmp_path / "x.3tz").write_bytes(b"no zip")
    with pytest.raises(TilesetError) as caught:
        check_tileset(tmp_path / "x.3tz")
    assert "not a zip file" in caught.value.en
    assert english(caught.value.zh.replace(str(tmp_path), "")) <= {"x", "tz", "zip"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("extensions", 5), ("children", [3]), ("contents", 7), ("implicitTiling", []), ("refine", {})],
)
def test_members_of_a_wrong_type_end_in_a_finding(planted: Planted, key: str, value: Any) -> None:
    planted.root[key] = value
    assert planted.check().summary.tiles >= 1
    planted.json["extensionsUsed"] = 3
    assert set(planted.check().totals) >= {"TSC-04"}


@pytest.mark.parametrize("data", [b"glTF", b"b3dm" + b"\xff" * 60, b"cmpt" + b"\xff" * 40, b"?"])
def test_hostile_contents_end_in_a_finding(planted: Planted, data: bytes) -> None:
    (planted.folder / "0.glb").write_bytes(data)
    assert set(planted.check().totals) == {"TSC-08"}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_file_with_wrong_bytes_ends_in_a_report(planted: Planted, data: st.DataObject) -> None:
    """Whatever becomes of a content or the tileset, the check ends with a report."""
    planted.check()
    name = data.draw(st.sampled_from(["0.glb", "tileset.json"]))
    path = planted.folder / name
    whole = path.read_bytes()
    spoiled = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(spoiled)
    report = check_tileset(planted.folder)
    assert report.summary.tiles <= 3 and len(report.findings) == sum(report.totals.values())
    path.write_bytes(whole)


def test_a_bomb_is_not_unpacked(planted: Planted) -> None:
    (planted.folder / "0.glb").write_bytes(gzip.compress(bytes(50_000_000)))
    assert set(planted.check(Limits(content_bytes=1_000_000)).totals) == {"TSC-06"}


def test_huge_counts_are_refused_before_memory_is_taken(planted: Planted) -> None:
    planted.glb(lambda document: document["accessors"][0].update(count=2_000_000_000))
    assert set(planted.check().totals) == {"TSC-06"}


def test_a_deep_tileset_ends(planted: Planted) -> None:
    """400 levels of external tilesets, each in a file of its own."""
    child = planted.root["children"][0]
    for level in range(400):
        inner = {
            "asset": {"version": "1.1"},
            "geometricError": 10.0,
            "root": {**child, "geometricError": 10.0, "content": {"uri": f"{level + 1}.json"}},
        }
        (planted.folder / f"{level}.json").write_text(json.dumps(inner))
    planted.root["children"][1]["content"]["uri"] = "0.json"
    planted.root["children"][1]["geometricError"] = 10.0
    assert "TSC-06" in planted.check().totals
