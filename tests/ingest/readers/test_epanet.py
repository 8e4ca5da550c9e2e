from pathlib import Path

import numpy as np
import pytest
import shapely

from ingest.errors import RefusedError
from ingest.pipeline import check, open_delivery
from ingest.readers.base import ReadOptions
from ingest.readers.epanet import EpanetReader
from models.features import TABLES
from models.findings import Severity
from models.twins import load_twins

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "underground"
GIVEN = ReadOptions("EPSG:4549", "1985")

SMALL = """\
[TITLE]
A street [of two pipes]
[JUNCTIONS]
;ID  Elev  Demand
 A   4.0   1
 B   4.2   1   ;at the corner
"C 1" 4.1
[RESERVOIRS]
 R   30
[PIPES]
 P1  R  A  100  300  130  0  Open
 P2  A  B  20   200  130  CV
[VALVES]
 V1  B  "C 1"  150  TCV  0  0
[STATUS]
 V1  Closed
[TAGS]
 NODE A  corner
[OPTIONS]
 Units LPS
[COORDINATES]
 A  617500  3430500
 B  617520  3430500
 "C 1" 617530 3430500
 R  617400  3430500
[VERTICES]
 P1 617400 3430520
 P1 617500 3430520
 V1 617520 3430510
 V1 617530 3430510
[END]
"""


def write(folder: Path, text: str, name: str = "net.inp") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def read(path: Path, options: ReadOptions = GIVEN):
    reader = EpanetReader()
    assert reader.group([path]) == [(path,)]
    return reader.read((path,), options)


def errors(findings):
    return {(f.code, f.place.sheet, f.place.row) for f in findings if f.severity is Severity.ERROR}


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_nodes_pipes_and_valves_become_points_and_segments(tmp_path):
    made = read(write(tmp_path, SMALL))
    points = made.tables["pipe_point"].set_index("key")
    segments = made.tables["pipe_segment"].set_index("key")
    assert list(points.index) == ["A", "B", "C 1", "R", "V1@"]
    assert list(segments.index) == ["P1", "P2", "V1#1", "V1#2"]
    assert points.loc["V1@", ["appurtenance", "class_code"]].tolist() == ["阀门", "JS"]
    assert points.loc["V1@", "attrs"]["status"] == "CLOSED"
    assert points.loc["A", "attrs"]["tag"] == "corner"
    assert points.loc["R", "appurtenance"] == "水厂出水"
    assert points.loc["A", ["ground_h", "x_src", "y_src"]].tolist() == [4.0, 3430500.0, 617500.0]
    assert np.isnan(points.loc["R", "ground_h"])
    assert segments.loc[["V1#1", "V1#2"], ["from_point", "to_point"]].to_numpy().tolist() == [
        ["B", "V1@"],
        ["V1@", "C 1"],
    ]
    assert segments["flow"].isna().tolist() == [True, False, False, False]  # a CV has a direction
    assert segments.loc["P1", "id_mm"] == 300.0
    assert made.features_in == sum(map(len, made.tables.values())) == 9
    assert errors(made.findings) == set()


def test_columns_are_canonical_ones(tmp_path):
    for name, table in read(write(tmp_path, SMALL)).tables.items():
        assert set(table.columns) <= set(TABLES[name])


def test_lines_go_through_their_vertices_and_devices_are_cut_in_the_middle(tmp_path):
    segments = read(write(tmp_path, SMALL)).tables["pipe_segment"].set_index("key")["geom"]
    flat = shapely.force_2d(segments.to_numpy())
    lines = dict(zip(segments.index, flat, strict=True))
    assert lines["P1"].wkt == (
        "LINESTRING (617400 3430500, 617400 3430520, 617500 3430520, 617500 3430500)"
    )
    assert lines["V1#1"].wkt == "LINESTRING (617520 3430500, 617520 3430510, 617525 3430510)"
    assert lines["V1#2"].wkt == "LINESTRING (617525 3430510, 617530 3430510, 617530 3430500)"
    assert np.isnan(shapely.get_coordinates(segments.to_numpy(), include_z=True)[:, 2]).all()


@pytest.mark.parametrize(
    ("unit", "ground", "size"),
    [("GPM", 1.2192, 7620.0), ("CFS", 1.2192, 7620.0), ("cmh", 4.0, 300.0), (None, 1.2192, 7620.0)],
)
def test_flow_units_say_what_lengths_are_in(tmp_path, unit, ground, size):
    text = SMALL.replace(" Units LPS\n", f" Units {unit}\n" if unit else "")
    made = read(write(tmp_path, text))
    assert made.tables["pipe_point"]["ground_h"][0] == pytest.approx(ground)
    assert made.tables["pipe_segment"]["id_mm"][0] == pytest.approx(size)


def test_an_unknown_flow_unit_is_told(tmp_path):
    made = read(write(tmp_path, SMALL.replace("LPS", "LPX")))
    assert [f.found for f in made.findings if f.code == "STR-04"] == ["LPX"]


@pytest.mark.parametrize(
    ("crs", "vertical", "codes"),
    [
        (None, None, ["MET-01", "MET-01"]),
        ("EPSG:4549", None, ["MET-01"]),
        (None, "1985", ["MET-01"]),
        ("EPSG:4549", "sea", ["MET-01"]),
        ("EPSG:4549+5737", "1956", ["MET-02"]),
        ("nonsense", "1985", ["MET-01"]),
    ],
)
def test_it_has_no_crs_so_that_both_datums_must_be_declared(tmp_path, crs, vertical, codes):
    with pytest.raises(RefusedError) as refused:
        read(write(tmp_path, SMALL), ReadOptions(crs, vertical))
    assert [f.code for f in refused.value.findings] == codes


def test_a_compound_crs_declares_both(tmp_path):
    passport = read(write(tmp_path, SMALL), ReadOptions("EPSG:4549+5737")).passport
    assert (passport.horizontal, passport.vertical) == ("EPSG:4549", "1985")


def test_every_mistake_is_found_in_one_pass_with_its_line(tmp_path):
    text = """\
[JUNCTIONS]
 A 1
 B x1
 D 1
 D 2
 E 1
 F 1
 G nan
[PIPES]
 P1 A F 10 100 100
 P2 A Z 10 100 100
 P3 A A 10 100 100
 P4 A F ten 100 100
 P5 A F 10
 P6 A E 10 100 100
 P7 A F 10 100 100
 P7 F A 10 100 100
[COORDINATES]
 A 617500 3430500
 B 617500 3430500
 D 617500 3430500
 F 617500 north
 F 617510 3430500
 X 617510 3430500
 G 617510 3430500
[VERTICES]
 P1 617500 3430501
 Q 617500 3430501
"""
    made = read(write(tmp_path, text))
    assert errors(made.findings) == {
        ("STR-04", "JUNCTIONS", 3),
        ("PT-01", "JUNCTIONS", 4),
        ("PT-01", "JUNCTIONS", 5),
        ("STR-02", "JUNCTIONS", 6),
        ("STR-04", "JUNCTIONS", 8),
        ("LN-03", "PIPES", 11),
        ("LN-01", "PIPES", 12),
        ("STR-04", "PIPES", 13),
        ("STR-02", "PIPES", 14),
        ("LN-03", "PIPES", 15),
        ("LN-02", "PIPES", 16),
        ("LN-02", "PIPES", 17),
        ("STR-04", "COORDINATES", 22),
    }
    stray = [(f.place.sheet, f.place.row) for f in made.findings if f.code == "INP-01"]
    assert stray == [("COORDINATES", 24), ("VERTICES", 28)]
    assert made.tables["pipe_point"]["key"].tolist() == ["A", "F"]
    assert made.tables["pipe_segment"]["key"].tolist() == ["P1"]
    assert made.features_in == 15


def test_everything_wrong_is_a_refusal(tmp_path):
    with pytest.raises(RefusedError) as refused:
        read(write(tmp_path, "[JUNCTIONS]\n A one\n[PIPES]\n[TANKS]\n"))
    assert {f.code for f in refused.value.findings} == {"STR-04", "STR-02"}
    with pytest.raises(RefusedError) as refused:
        read(write(tmp_path, "[JUNCTIONS]\n[PIPES]\n"))
    assert [f.code for f in refused.value.findings] == ["STR-08"]


def test_schematic_coordinates_are_told_before_a_twin_refuses_them(tmp_path):
    text = SMALL.replace("6175", "5").replace("6174", "4").replace("3430", "")
    made = read(write(tmp_path, text))
    assert [f.code for f in made.findings if f.severity is Severity.WARNING] == ["CRS-02"]


@pytest.mark.parametrize(
    ("profile", "code"), [(None, "JS"), ("SS", "SS"), ("输水", "SS"), ("default", "JS")]
)
def test_the_class_may_be_named(tmp_path, profile, code):
    made = read(write(tmp_path, SMALL), ReadOptions("EPSG:4549", "1985", profile=profile))
    assert set(made.tables["pipe_segment"]["class_code"]) == {code}


@pytest.mark.parametrize("profile", ["YS", "whatever"])
def test_a_class_of_another_network_is_refused(tmp_path, profile):
    with pytest.raises(RefusedError, match="--profile"):
        read(write(tmp_path, SMALL), ReadOptions("EPSG:4549", "1985", profile=profile))


def test_chinese_ids_in_gb18030(tmp_path):
    path = tmp_path / "net.inp"
    path.write_bytes(SMALL.replace("P1", "东干管").encode("gb18030"))
    assert "东干管" in set(read(path).tables["pipe_segment"]["key"])
    with pytest.raises(RefusedError, match="utf-8"):
        read(path, ReadOptions("EPSG:4549", "1985", encoding="utf-8"))


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "net.inp"
    path.write_bytes(
        b"\xef\xbb\xbf" + SMALL.removeprefix("[TITLE]\nA street [of two pipes]\n").encode()
    )
    assert len(read(path).tables["pipe_point"]) == 5


def test_a_file_of_nothing_but_lines_is_refused(tmp_path):
    path = tmp_path / "net.inp"
    path.write_bytes(b"[JUNCTIONS]\n" + b"\n" * 10_000_000)
    with pytest.raises(RefusedError, match="lines"):
        read(path)


def test_a_huge_line_is_left_out_and_told(tmp_path):
    text = SMALL.replace("[PIPES]", "[PIPES]\n" + "9" * 3_000_000)
    made = read(write(tmp_path, text))
    assert errors(made.findings) == {("STR-00", None, 11)}
    assert len(made.tables["pipe_segment"]) == 4


@pytest.mark.parametrize("start", [b"", b"[JUNCTIONS]\n"])
def test_ten_gigabytes_of_zeros_are_refused_at_once(tmp_path, start):
    path = tmp_path / "net.inp"
    with path.open("wb") as stream:
        stream.write(start)
        stream.truncate(10 << 30)
    (result,) = check([path], GIVEN)
    assert [f.code for f in result.findings] == ["STR-00"]


def test_a_text_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "net.inp"
    with path.open("wb") as stream:
        stream.write(b"[JUNCTIONS]\n" + b"\n" * 8192)
        stream.seek(10 << 30)
        stream.write(b"\n" * 8192)
    with pytest.raises(RefusedError, match="Split it"):
        read(path)


@pytest.mark.parametrize("text", ["*HEADING\n*NODE\n1, 0, 0\n", "", "[Server]\nport = 1\n"])
def test_other_files_of_that_name_are_nobodys(tmp_path, text):
    assert EpanetReader().group([write(tmp_path, text)]) == []


def test_it_is_registered_and_goes_into_a_twin(tmp_path):
    groups, unread = open_delivery([write(tmp_path, SMALL)])
    assert ([g.reader.name for g in groups], unread) == (["epanet"], [])
    for twin in (None, load_twins()["songjiang-hub"]):
        (result,) = check([write(tmp_path, SMALL)], GIVEN, twin)
        assert result.delivery is not None
        assert (result.accepted, result.refused) == (3, 6)
        assert result.delivery.tables["pipe_point"]["key"].tolist() == ["A", "B", "C 1"]
        told = {(f.code, f.place.element) for f in result.findings if f.severity is Severity.ERROR}
        assert told == {("STR-02", key) for key in ("R", "V1@")} | {
            ("STR-03", key) for key in ("P1", "P2", "V1#1", "V1#2")
        }
        assert "STR-11" not in {f.code for f in result.findings}, "it is what its name says"


@pytest.mark.parametrize("name", ["Net3.inp", "ky4.inp"])
def test_what_others_made_is_read_whole_and_as_wntr_reads_it(name):
    import wntr

    path = sample(name)
    made = read(path)
    model = wntr.network.WaterNetworkModel(str(path))
    points = made.tables["pipe_point"].set_index("key")
    segments = made.tables["pipe_segment"].set_index("key")
    devices = [*model.pump_name_list, *model.valve_name_list]
    assert set(points.index) == {*model.node_name_list, *(f"{d}@" for d in devices)}
    halves = {f"{d}#{i}" for d in devices for i in (1, 2)}
    assert set(segments.index) == {*model.pipe_name_list, *halves}
    for pipe, link in model.pipes():
        row = segments.loc[pipe]
        assert (row["from_point"], row["to_point"]) == (link.start_node_name, link.end_node_name)
        assert row["id_mm"] == pytest.approx(link.diameter * 1000)
        assert row["attrs"]["length_m"] == pytest.approx(link.length)
        assert len(row["geom"].coords) == len(link.vertices) + 2
    for node, junction in model.junctions():
        assert points.loc[node, "ground_h"] == pytest.approx(junction.elevation)
        assert points.loc[node, "geom"].coords[0][:2] == junction.coordinates
    assert errors(made.findings) == set()
