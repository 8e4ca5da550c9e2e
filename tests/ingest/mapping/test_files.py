"""Mapping files: saved, edited, and used again; profiles as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import RefusedError
from ingest.mapping import MappingFile, load_mapping, save_mapping
from ingest.mapping.words import profiles, survey_words
from ingest.readers.base import ReadOptions
from ingest.readers.survey_mapping import proposed
from ingest.testing import (
    CRS,
    DATUM,
    LINE,
    POINT,
    cells,
    keys,
    read,
    refusal,
    require_complete,
    run_of,
    write_xlsx,
)

FIELDS = sorted(survey_words().fields("point") | survey_words().fields("line"))
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    columns=st.dictionaries(texts, st.sampled_from(FIELDS)),
    suggested=st.dictionaries(texts, st.sampled_from(FIELDS), max_size=3),
    unknown=st.lists(texts, max_size=3),
    profile=st.sampled_from([None, *profiles()]),
)
def test_what_is_saved_is_read_back(
    tmp_path: Path,
    columns: dict[str, str],
    suggested: dict[str, str],
    unknown: list[str],
    profile: str | None,
) -> None:
    mapping = MappingFile(columns, profile, suggested, tuple(unknown))
    save_mapping(tmp_path / "m.yaml", mapping)
    assert load_mapping(tmp_path / "m.yaml") == mapping


def odd(folder: Path) -> Path:
    """Tables whose headers nobody knows: 测点标识 for the number, 管材料 for the material."""
    points, lines = run_of(3)
    points = [{**p, "测点标识": p["物探点号"]} for p in points]
    lines = [{**q, "管线材料类": q["材质"]} for q in lines]
    point = ["测点标识" if name == "物探点号" else name for name in POINT]
    line = ["管线材料类" if name == "材质" else name for name in LINE]
    return write_xlsx(
        folder / "a.xlsx",
        {"JSPoint": cells(point, points, [CRS, DATUM]), "JSLine": cells(line, lines, [])},
    )


def test_an_owner_saves_corrects_and_uses_a_mapping(tmp_path: Path) -> None:
    path = odd(tmp_path)
    assert {f.code for f in refusal(path)} == {"STR-01", "STR-10"}
    mapping = proposed([path], ReadOptions())
    assert mapping.suggested["管线材料类"] == "material"
    assert "测点标识" in (*mapping.unknown, *mapping.suggested)
    assert mapping.columns["X"] == "north_x"
    save_mapping(tmp_path / "m.yaml", mapping)
    text = (tmp_path / "m.yaml").read_text("utf-8")
    moved = text.replace("columns:\n", "columns:\n  测点标识: exp_no\n  管线材料类: material\n")
    (tmp_path / "m.yaml").write_text(moved, "utf-8")
    again = load_mapping(tmp_path / "m.yaml")
    delivery = read(path, options=ReadOptions(mapping=dict(again.columns)))
    assert keys(delivery, "pipe_point") == ["JS0", "JS1", "JS2"]
    assert set(delivery.tables["pipe_segment"]["material"]) == {"球墨铸铁"}


def test_a_suggestion_is_told_and_not_taken(tmp_path: Path) -> None:
    points, lines = run_of(3)
    lines = [{**q, "管线材料类": q["材质"]} for q in lines]
    header = ["管线材料类" if name == "材质" else name for name in LINE]
    tables = {"JSPoint": cells(POINT, points, [CRS, DATUM]), "JSLine": cells(header, lines, [])}
    delivery = read(write_xlsx(tmp_path / "a.xlsx", tables))
    (told,) = [f for f in delivery.findings if f.code == "STR-10"]
    assert (told.found, told.expected) == ("管线材料类", "材质")
    pipe = delivery.tables["pipe_segment"].iloc[0]
    assert pipe["material"] is None and pipe["attrs"]["管线材料类"] == "球墨铸铁"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "columns: 3",
        "columns: {点号: nothing}",
        "profile: mars",
        "a: [",
        "columns: {1: x}",
    ],
)
def test_files_that_are_no_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RefusedError) as error:
        load_mapping(path)
    require_complete(error.value.findings[0])


def test_a_mapping_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("columns: !!python/object/apply:os.system ['true']", "utf-8")
    with pytest.raises(RefusedError):
        load_mapping(path)


@pytest.mark.parametrize("name", profiles())
def test_every_profile_is_sound(name: str) -> None:
    words = survey_words(name)
    assert set(words.required["point"]) <= words.fields("point")
    assert set(words.required["line"]) <= words.fields("line")
    assert set(words.flow.values()) <= {1, -1, 0}
    for limit in words.limits.values():
        assert {"value", "unit", "verified"} <= set(limit)


def test_profiles_differ_in_words_and_signs() -> None:
    assert survey_words("flow01").flow["0"] == 1 and "0" not in survey_words().flow
    assert {"cjj61", "shanghai", "shunde", "eps"} <= set(profiles())
    assert "material" in survey_words("cjj61").required["line"]
    with pytest.raises(KeyError):
        survey_words("mars")
