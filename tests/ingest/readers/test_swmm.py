from pathlib import Path

import numpy as np
import pytest
import shapely

from ingest.pipeline import check, open_delivery
from ingest.readers.base import ReadOptions
from ingest.readers.swmm import SwmmReader
from models.features import TABLES
from models.findings import Severity
from models.twins import load_twins

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "underground"
GIVEN = ReadOptions("EPSG:4549", "1985")

SMALL = """\
[OPTIONS]
FLOW_UNITS  CMS
[JUNCTIONS]
J1  2.0  3.0
J2  1.5  0
[OUTFALLS]
O1  1.0  FREE  NO
[STORAGE]
T1  0.5  4  0  FUNCTIONAL  1000 0 0
[CONDUITS]
C1  j1  J2  50  0.013  0.1  0
C2  J2  O1  50  0.013  0    *
[PUMPS]
P1  T1  J1  curve  ON
[WEIRS]
W1  J1  O1  TRANSVERSE  1 3.33 NO
[XSECTIONS]
C1  CIRCULAR     0.4  0  0  0  1
c2  RECT_CLOSED  0.5  0.8 0 0  2
W1  RECT_OPEN    0.3  1.0 0 0
[COORDINATES]
J1  617500  3430500
J2  617550  3430500
O1  617600  3430500
T1  617490  3430500
[VERTICES]
C1  617510  3430500
[TAGS]
Link  C1  main
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sewer.inp"
    path.write_text(text, "utf-8")
    return path


def read(path: Path, options: ReadOptions = GIVEN):
    reader = SwmmReader()
    assert reader.group([path]) == [(path,)]
    return reader.read((path,), options)


def errors(findings):
    return {(f.code, f.place.sheet, f.place.row) for f in findings if f.severity is Severity.ERROR}


def test_nodes_conduits_and_devices(tmp_path):
    made = read(write(tmp_path, SMALL))
    points = made.tables["pipe_point"].set_index("key")
    segments = made.tables["pipe_segment"].set_index("key")
    assert list(points.index) == ["J1", "J2", "O1", "T1", "P1@", "W1@"]
    assert sorted(segments.index) == ["C1", "C2", "P1#1", "P1#2", "W1#1", "W1#2"]
    manhole = points.loc["J1", ["ground_h", "well_depth", "well_bottom_h", "appurtenance"]]
    assert manhole.tolist() == [5.0, 3.0, 2.0, "窨井"]
    assert np.isnan(points.loc["J2", "ground_h"])
    assert points.loc["J2", "appurtenance"] is None
    assert points.loc["O1", "feature"] == "出水口"
    assert points.loc[["P1@", "W1@"], "appurtenance"].tolist() == ["泵站", "溢流井"]
    assert set(segments["flow"]) == {1}
    assert segments.loc["C1", "attrs"]["tag"] == "main"
    assert made.features_in == sum(map(len, made.tables.values())) == 12
    assert errors(made.findings) == set()
    for name, table in made.tables.items():
        assert set(table.columns) <= set(TABLES[name])


def test_inverts_are_the_nodes_and_the_offsets_and_the_centre_line_half_the_height_above(tmp_path):
    segments = read(write(tmp_path, SMALL)).tables["pipe_segment"].set_index("key")
    assert segments.loc["C1", ["from_invert_h", "to_invert_h"]].tolist() == [2.1, 1.5]
    assert segments.loc["C2", ["from_invert_h", "to_invert_h"]].tolist() == [1.5, 1.0]
    z = shapely.get_coordinates(segments.loc["C1", "geom"], include_z=True)[:, 2]
    assert z == pytest.approx([2.3, 2.3 - 0.6 / 5, 1.7])
    assert segments.loc["C1", ["shape", "id_mm", "width_mm"]].tolist() == ["round", 400.0, 400.0]
    assert segments.loc["C2", ["shape", "height_mm", "width_mm"]].tolist() == ["rect", 500.0, 800.0]


def test_what_has_heights_goes_into_a_twin(tmp_path):
    for twin in (None, load_twins()["songjiang-hub"]):
        (result,) = check([write(tmp_path, SMALL)], GIVEN, twin)
        points, segments = (result.delivery.tables[t] for t in ("pipe_point", "pipe_segment"))
        assert segments["key"].tolist() == ["C1", "C2"]
        assert points["key"].tolist() == ["J1", "J2", "O1", "T1"]
        assert (result.accepted, result.refused) == (6, 6)
        told = {(f.code, f.place.element) for f in result.findings if f.severity is Severity.ERROR}
        assert told == {("STR-02", key) for key in ("P1@", "W1@")} | {
            ("STR-03", key) for key in ("P1#1", "P1#2", "W1#1", "W1#2")
        }
        assert {f.code for f in result.findings} == {"INP-02", "STR-02", "STR-03"}
    assert segments[["from_point_id", "to_point_id"]].notna().all(axis=None)


def test_nodes_without_depth_stand_at_their_invert_and_are_told(tmp_path):
    made = read(write(tmp_path, SMALL))
    points = made.tables["pipe_point"].set_index("key")
    assert [points.loc[key, "geom"].z for key in ("J1", "J2", "O1", "T1")] == [5.0, 1.5, 1.0, 4.5]
    assert points.loc[["J2", "O1"], "ground_h"].isna().all()
    (told,) = [f for f in made.findings if f.code == "INP-02"]
    assert (told.severity, told.found) == (Severity.INFO, "2")


def test_a_conduit_without_a_size_runs_at_its_invert(tmp_path):
    text = SMALL.replace("c2  RECT_CLOSED  0.5  0.8 0 0  2\n", "")
    segments = read(write(tmp_path, text)).tables["pipe_segment"].set_index("key")
    z = shapely.get_coordinates(segments.loc["C2", "geom"], include_z=True)[:, 2]
    assert z.tolist() == [1.5, 1.0]


def test_offsets_may_be_elevations(tmp_path):
    text = SMALL.replace("CMS\n", "CMS\nLINK_OFFSETS ELEVATION\n").replace("0.1  0", "2.1  1.6")
    segments = read(write(tmp_path, text)).tables["pipe_segment"].set_index("key")
    assert segments.loc["C1", ["from_invert_h", "to_invert_h"]].tolist() == [2.1, 1.6]
    assert segments.loc["C2", "to_invert_h"] == 1.0


def test_us_units(tmp_path):
    segments = read(write(tmp_path, SMALL.replace("CMS", "CFS"))).tables["pipe_segment"]
    assert segments["id_mm"][0] == pytest.approx(0.4 * 304.8)
    assert segments["to_invert_h"][0] == pytest.approx(1.5 * 0.3048)


@pytest.mark.parametrize(("profile", "code"), [(None, "PS"), ("ys", "YS"), ("污水", "WS")])
def test_storm_or_sewage_is_what_one_says(tmp_path, profile, code):
    made = read(write(tmp_path, SMALL), ReadOptions("EPSG:4549", "1985", profile=profile))
    assert set(made.tables["pipe_segment"]["class_code"]) == {code}
    assert set(made.tables["pipe_point"]["class_code"]) == {code}


def test_mistakes_with_their_lines_and_ids_without_case(tmp_path):
    text = SMALL.replace("J2  1.5  0", "J2  1.5  0\nj2  1.0  0").replace("0.1  0", "a  0")
    made = read(write(tmp_path, text))
    assert errors(made.findings) == {
        ("PT-01", "JUNCTIONS", 5),
        ("PT-01", "JUNCTIONS", 6),
        ("STR-04", "CONDUITS", 12),
        ("LN-03", "CONDUITS", 13),
    }
    assert made.features_in == 13
    assert sum(map(len, made.tables.values())) == 9


def test_a_shape_without_a_word_keeps_its_height_only(tmp_path):
    text = SMALL.replace("CIRCULAR ", "TRAPEZOIDAL ")
    row = read(write(tmp_path, text)).tables["pipe_segment"].set_index("key").loc["C1"]
    assert (row["shape"], row["height_mm"]) == (None, 400.0)
    assert np.isnan(row["width_mm"])
    assert row["attrs"]["form"] == "TRAPEZOIDAL"


def test_what_others_made_is_read_whole():
    path = SAMPLES / "swmm_xy.inp"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    counts: dict[str, int] = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line.strip() and not line.startswith(";"):
            counts[section] = counts.get(section, 0) + 1
    groups, _ = open_delivery([path])
    assert [g.reader.name for g in groups] == ["swmm"]
    made = groups[0].reader.read(groups[0].paths, GIVEN)
    nodes = counts["JUNCTIONS"] + counts["OUTFALLS"] + counts["STORAGE"]
    devices = counts["PUMPS"] + counts["WEIRS"]
    assert len(made.tables["pipe_point"]) == nodes + devices
    assert len(made.tables["pipe_segment"]) == counts["CONDUITS"] + 2 * devices
    assert errors(made.findings) == set()
    first = made.tables["pipe_segment"].set_index("key").loc["C1:C2"]
    assert first["from_invert_h"] == pytest.approx(13.392 * 0.3048)
    assert len(first["geom"].coords) == 3
