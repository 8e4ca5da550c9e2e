"""Pipe surveys for tests in formats with geometry: Shapefiles, GeoPackages and DXF drawings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import shapely
from ezdxf.filemanagement import new

from ingest.testing import Row

#: Columns of a survey row that layers have as geometry.
_PLACE = ("X", "Y")


def layers(
    points: Sequence[Row], lines: Sequence[Row], crs: str | None = "EPSG:4549", xy: bool = False
) -> tuple[geopandas.GeoDataFrame, geopandas.GeoDataFrame]:
    """Points and lines with plane geometry; the columns X and Y stay only with ``xy``."""
    at = {p["物探点号"]: (p["Y"], p["X"]) for p in points}
    keep = [{k: v for k, v in p.items() if xy or k not in _PLACE} for p in points]
    ends = [(at[q["起点点号"]], at[q["连接点号"]]) for q in lines]
    return (
        geopandas.GeoDataFrame(
            pd.DataFrame(keep),
            geometry=[shapely.Point(*at[p["物探点号"]]) for p in points],
            crs=crs,
        ),
        geopandas.GeoDataFrame(
            pd.DataFrame(list(lines)), geometry=[shapely.LineString(e) for e in ends], crs=crs
        ),
    )


def write_gpkg(path: Path, points: Any, lines: Any, code: str = "JS") -> Path:
    """Layers ``{code}Point`` and ``{code}Line`` of one GeoPackage; returns ``path``."""
    points.to_file(path, layer=f"{code}Point", driver="GPKG")
    lines.to_file(path, layer=f"{code}Line", driver="GPKG")
    return path


def write_shapefiles(
    folder: Path, points: Any, lines: Any, encoding: str = "UTF-8", code: str = "JS"
) -> list[Path]:
    """``{code}_点.shp`` and ``{code}_线.shp`` with all their parts, which are returned."""
    for name, frame in ((f"{code}_点", points), (f"{code}_线", lines)):
        cut = {n: _cut(n, encoding) for n in frame.columns if n != "geometry"}
        frame.rename(columns=cut).to_file(
            folder / f"{name}.shp", driver="ESRI Shapefile", encoding=encoding
        )
    return sorted(
        p for p in folder.iterdir() if p.suffix in {".shp", ".shx", ".dbf", ".prj", ".cpg"}
    )


def _cut(name: str, encoding: str) -> str:
    """What a DBF keeps of a field's name."""
    return name.encode(encoding)[:10].decode(encoding, "ignore")


def write_dxf(
    path: Path, points: Sequence[Row], lines: Sequence[Row], code: str = "JS", text: str = ""
) -> Path:
    """Blocks with attributes on layer ``{code}POINT``, 3D polylines with extended data on
    ``{code}LINE`` at the height ground - depth, annotation on ``{code}TEXT``; returns ``path``."""
    drawing = new("R2010", setup=True)
    drawing.appids.add("SURVEY")
    drawing.blocks.new("WELL").add_circle((0, 0), 0.5)
    space = drawing.modelspace()
    at = {p["物探点号"]: (p["Y"], p["X"], p["地面高程"]) for p in points}
    for row in points:
        insert = space.add_blockref(
            "WELL", at[row["物探点号"]], dxfattribs={"layer": f"{code}POINT"}
        )
        for tag, value in row.items():
            if value is not None and tag not in _PLACE:
                insert.add_attrib(tag, str(value), at[row["物探点号"]][:2])
    for row in lines:
        vertices = []
        for end, depth in (("起点点号", "起点埋深"), ("连接点号", "终点埋深")):
            east, north, ground = at[row[end]]
            vertices.append((east, north, ground - row[depth]))
        shape = space.add_polyline3d(vertices, dxfattribs={"layer": f"{code}LINE"})
        kept = {k: v for k, v in row.items() if "点" not in k and v is not None}
        shape.set_xdata("SURVEY", [(1000, f"{name}={value}") for name, value in kept.items()])
    space.add_text(text or "DN300", dxfattribs={"layer": f"{code}TEXT"})
    drawing.saveas(path)
    return path
