"""The isolated side of :mod:`ingest.readers.tables_layers`: GDAL turns layers into plain arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from ingest.readers import vector_columns

MAX_COLUMNS: Final = 1000
_KINDS: Final = {"Point": "point", "LineString": "line", "MultiLineString": "line"}


def extract(path: str, folder: str, driver: str, skip: list[str]) -> dict[str, Any]:
    """Read every point and line layer of ``path`` into ``folder``: ``layers`` says what is there,
    ``others`` names the layers of other shapes.

    ``skip`` are the drivers that must not exist here: some follow addresses or run commands that a
    file names. Text of a DBF comes as Latin-1, which keeps its bytes. Raises :class:`ValueError`
    for what GDAL cannot read, and for layers that are not what they say.
    """
    os.environ.update(GDAL_SKIP=",".join(skip), PROJ_NETWORK="OFF")
    import pyogrio  # after the environment, which GDAL reads when it is loaded

    if left := set(pyogrio.list_drivers()) & set(skip):
        raise ValueError(f"drivers {sorted(left)}")
    shapefile = driver == "ESRI Shapefile"
    out: list[dict[str, Any]] = []
    others = []
    for number, (layer, kind) in enumerate(pyogrio.list_layers(path)):
        bare = str(kind).replace(" Z", "").replace("2.5D ", "").replace(" M", "").replace("Z", "")
        if bare not in _KINDS:
            others.append(str(layer))
            continue
        try:
            only = {"layer": str(layer), "encoding": "ISO-8859-1" if shapefile else None}
            meta, _, wkb, _ = pyogrio.raw.read(path, columns=[], **only)
            about, table = pyogrio.raw.read_arrow(
                path, read_geometry=False, datetime_as_string=True, **only
            )
        except IndexError as error:  # pyogrio, where GDAL announces rows and then gives none
            raise ValueError("fewer records than announced") from error
        if table.num_columns > MAX_COLUMNS:
            raise ValueError(f"{table.num_columns} columns")
        if table.num_rows != len(wkb):
            raise ValueError(f"{table.num_rows} records, {len(wkb)} geometries")
        read = vector_columns.columns([str(name) for name in about["fields"]], table)
        geometry = shapely.from_wkb(wkb, on_invalid="ignore")
        files = []
        for index, column in enumerate(read.values):
            files.append(f"{number}.{index}.json")
            vector_columns.save(Path(folder, files[-1]), column.tolist())
        places, via = (_points if _KINDS[bare] == "point" else _lines)(geometry)
        np.save(Path(folder, f"{number}.npy"), places)
        out.append(
            {
                "layer": str(layer),
                "kind": _KINDS[bare],
                "crs": meta["crs"],
                "count": len(geometry),
                "names": read.names,
                "files": files,
                "documents": read.documents,
                "left_out": read.left_out,
                "places": f"{number}.npy",
                "via": via,
            }
        )
    return {"layers": out, "others": others}


def _points(geometry: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """North, east and height of each point; NaN where there is none."""
    x, y, z = shapely.get_x(geometry), shapely.get_y(geometry), shapely.get_z(geometry)
    return np.column_stack([y, x, _heights(z)]), {}


def _lines(geometry: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """North, east and height of both ends of each line, and by row the vertices between them as
    (east, north, height). Parts of a MultiLineString are joined where they meet; one whose parts do
    not meet has no ends."""
    multi = shapely.get_type_id(geometry) == 5
    geometry = geometry.copy()
    merged = shapely.line_merge(geometry[multi])
    merged[shapely.get_type_id(merged) != 1] = None
    geometry[multi] = merged
    ends = []
    for at in (0, -1):
        point = shapely.get_point(geometry, at)
        ends += [shapely.get_y(point), shapely.get_x(point), _heights(shapely.get_z(point))]
    via = {}
    for row in np.flatnonzero(shapely.get_num_points(geometry) > 2):
        inner = shapely.get_coordinates(geometry[row], include_z=True)[1:-1]
        via[str(row)] = np.where(np.isnan(inner), None, inner).tolist()  # type: ignore[call-overload]
    return np.column_stack(ends), via


def _heights(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Heights; programs that have none write zero everywhere."""
    return z if np.any(z[np.isfinite(z)] != 0) else np.full(len(z), np.nan)
