"""Twin definitions are files: the two of ours, and any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.crs import to_storage
from models.errors import TwinDefinitionError, UnknownTwinError
from models.twins import find_twin, load_twins, read_twin

PARK = {
    "id": "park-7",
    "name_zh": "园区",
    "name_en": "Park",
    "centre": [113.3, 23.1],
    "extent": [113.29, 23.09, 113.31, 23.11],
    "ground_height": 12.5,
}


def written(folder: Path, name: str = "park-7", **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**PARK, **changes}, allow_unicode=True), encoding="utf-8")
    return path


def test_ours_are_whole_and_four_kilometres_wide() -> None:
    twins = load_twins()
    assert len(twins) == 2
    for twin in twins.values():
        west, south, east, north = twin.extent
        e, n, _ = to_storage([west, east], [south, north], None, "EPSG:4490", "1985")
        assert e[1] - e[0] == pytest.approx(4000, rel=0.03)
        assert n[1] - n[0] == pytest.approx(4000, rel=0.03)
        assert twin.contains(*twin.centre)
        assert twin.verified["ground_height"] is False
        assert {"buildings", "bim", "pipes"} <= set(twin.layers)


def test_no_module_names_a_twin() -> None:
    root = Path(__file__).parents[2]
    ids = [twin.id for twin in load_twins().values()]
    for package in ("models", "ingest", "tiles", "twin"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8").lower()
            assert not any(name in text for name in ids), path


def test_a_new_twin_is_one_file(tmp_path: Path) -> None:
    written(tmp_path)
    twins = load_twins(tmp_path)
    park = find_twin(twins, "park-7")
    assert (park.ground_height, park.n_offset) == (12.5, 0.0)
    assert list(twins) == sorted(twins)


def test_extent_with_a_margin_in_metres(tmp_path: Path) -> None:
    park = read_twin(written(tmp_path))
    east = 113.31 + 500 / (111_320 * 0.92)
    assert not park.contains(east, 23.1)
    assert park.contains(east, 23.1, margin=600)
    assert park.contains([113.3, float("nan")], [23.1, 23.1]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"centre": [0, 0]}, "centre must lie inside"),
        ({"centre": [113.3]}, "centre.1"),
        ({"extent": [113.31, 23.09, 113.29, 23.11]}, "west < east"),
        ({"ground_height": "high"}, "ground_height"),
        ({"ground_height": float("nan")}, "ground_height"),
        ({"layers": ["buildings", "dragons"]}, "dragons"),
        ({"colour": "red"}, "colour"),
        ({"name_zh": ""}, "name_zh"),
        ({"id": "../x"}, "id"),
        ({"id": "other"}, "park-7"),
    ],
)
def test_a_faulty_definition_names_file_and_field(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(TwinDefinitionError) as caught:
        load_twins(tmp_path)
    assert field in caught.value.en
    assert path.name in caught.value.en
    assert path.name in caught.value.zh


@pytest.mark.parametrize("text", ["", "[", "just words", "!!python/object/apply:os.getcwd []"])
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TwinDefinitionError):
        load_twins(tmp_path)


def test_an_id_that_is_taken_and_an_id_that_is_not(tmp_path: Path) -> None:
    taken = next(iter(load_twins()))
    written(tmp_path, name=taken, id=taken)
    with pytest.raises(TwinDefinitionError, match="defined already"):
        load_twins(tmp_path)
    with pytest.raises(UnknownTwinError, match=taken):
        find_twin(load_twins(), "atlantis")
