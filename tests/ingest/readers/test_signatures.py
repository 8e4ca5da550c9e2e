"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.readers.signatures import Kind, sniff

FAR = " " * 20_000


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[TITLE]\nA net\n[JUNCTIONS]\n", Kind.TEXT),
        ("\ufeff\n [true north]\nx = 1\n", Kind.TEXT),
        ("[JUNCTIONS]\n", Kind.TEXT),
        ('[{"a": 1}]', Kind.JSON),
        ("[1, 2]", Kind.JSON),
        ("[\n-1]", Kind.JSON),
        ("[null]", Kind.JSON),
        ("[]", Kind.JSON),
        ('["a"]', Kind.JSON),
        ('{"a": 1}', Kind.JSON),
        ('{"type": "FeatureCollection", "features": []}', Kind.GEOJSON),
        ('{"type": "CityJSON", "version": "2.0"}', Kind.CITYJSON),
        ('{"CityObjects": {"b1": {"type": "Building"' + FAR + '"type": "CityJSON"', Kind.CITYJSON),
    ],
)
def test_texts(tmp_path: Path, text: str, kind: Kind) -> None:
    path = tmp_path / "file"
    path.write_text(text, "utf-8")
    assert sniff(path) is kind
