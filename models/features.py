"""Canonical features: the columns that every reader fills and that the database stores.

Tables travel as :class:`pandas.DataFrame` with the columns named here, in bulk; geometry columns
hold shapely arrays. Lengths are metres (pipe sizes millimetres, as the trade writes them), heights
are normal heights of the vertical datum that the passport names until
:func:`ingest.pipeline.to_storage` has turned them into the storage CRS (default EPSG:4549 with 1985
heights). Field names follow CJJ 61-2017 and ``§1.11`` of the domain reference for pipes, CityGML 3
for buildings, IFC 4.3 for BIM elements.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.findings import Finding, Severity
from models.themes import Theme as Theme

NAMESPACE: Final = uuid.UUID("6d6f6465-6c73-5c74-9a77-696e2d636974")

#: Columns that every canonical table has, before its own.
COMMON: Final[dict[str, str]] = {
    "id": "uuid",  # stable: see feature_id
    "key": "text",  # natural key in its dataset: source id, point number, GlobalId
    "source_row": "integer",  # 1-based row (or feature index) in the source file
    "source_sheet": "text",
    "source_geom": "bytea",  # WKB in the source CRS, verbatim
    "attrs": "jsonb",  # source columns that have no canonical name
}

BUILDING: Final[dict[str, str]] = {
    "name": "text",
    "function": "text",  # CityGML Building.function, source words
    "storeys": "integer",
    "height": "double precision",  # m, from base to top
    "base_height": "double precision",  # m, foot of the walls, vertical datum of the table
    "base_source": "text",  # attribute | terrain | twin
    "height_source": "text",  # attribute | storeys
    "built": "integer",  # year
    "address": "text",
    "geom": "geometry(MultiPolygonZ)",  # footprint at base_height
}

#: A part has its building's key in ``building_key``; ``base_height`` may lie above the ground.
BUILDING_PART: Final[dict[str, str]] = {"building_key": "text", **BUILDING}

PIPE_POINT: Final[dict[str, str]] = {
    "exp_no": "text",
    "map_no": "text",
    "class_code": "text",  # CJJ 61-2017 App. B minor code (YS, WS, PS, JS, RQ, ...)
    "feature": "text",  # 特征, folded
    "appurtenance": "text",  # 附属物, folded
    "x_src": "double precision",  # northing as delivered
    "y_src": "double precision",  # easting as delivered
    "ground_h": "double precision",
    "well_depth": "double precision",
    "well_bottom_h": "double precision",
    "neck_h": "double precision",
    "cover_shape": "text",
    "cover_size": "text",
    "cover_material": "text",
    "offset_point": "text",
    "acq_method": "text",  # visible | hidden | exposed | design | record
    "sigma_xy": "double precision",  # m
    "sigma_z": "double precision",  # m
    "geom": "geometry(PointZ)",  # at ground_h
}

PIPE_SEGMENT: Final[dict[str, str]] = {
    "lno": "text",
    "class_code": "text",
    "from_point": "text",  # exp_no
    "to_point": "text",
    "from_point_id": "uuid",
    "to_point_id": "uuid",
    "shape": "text",  # round | rect | egg | bank
    "width_mm": "double precision",
    "height_mm": "double precision",
    "od_mm": "double precision",
    "id_mm": "double precision",
    "wall_mm": "double precision",
    "from_depth": "double precision",
    "to_depth": "double precision",
    "from_top_h": "double precision",
    "to_top_h": "double precision",
    "from_invert_h": "double precision",
    "to_invert_h": "double precision",
    "depth_ref": "text",  # top | invert | centre
    "material": "text",
    "embed": "text",
    "pressure_mpa": "double precision",
    "pressure_level": "text",
    "voltage_kv": "double precision",
    "cables": "integer",
    "holes": "integer",
    "holes_used": "integer",
    "flow": "smallint",  # +1 from->to, -1 to->from, 0 none
    "owner": "text",
    "operator": "text",
    "built": "date",
    "built_precision": "text",  # day | year | decade
    "status": "text",
    "road": "text",
    "quality_level": "text",  # A exposed, B hidden survey, C visible + records, D records
    "geom": "geometry(LineStringZ)",  # centre line of the section
}

BIM_ELEMENT: Final[dict[str, str]] = {
    "global_id": "text",
    "ifc_class": "text",
    "predefined_type": "text",
    "name": "text",
    "long_name": "text",
    "object_type": "text",
    "tag": "text",
    "type_name": "text",
    "parent_key": "text",  # GlobalId of the spatial container or aggregate
    "building_key": "text",
    "building_name": "text",
    "storey_key": "text",
    "storey_name": "text",
    "storey_elevation": "double precision",  # m, storage vertical datum
    "psets": "jsonb",  # {set: {property: value}}
    "mesh": "text",  # key into the delivery's meshes; null where there is no body
    "placement": "double precision[]",  # 16, row-major 4x4: mesh metres -> storage CRS
    "geom": "geometry(PolyhedralSurfaceZ)",  # box of the body
}

TABLES: Final[dict[str, dict[str, str]]] = {
    "building": {**COMMON, **BUILDING},
    "building_part": {**COMMON, **BUILDING_PART},
    "pipe_point": {**COMMON, **PIPE_POINT},
    "pipe_segment": {**COMMON, **PIPE_SEGMENT},
    "bim_element": {**COMMON, **BIM_ELEMENT},
}

#: Properties by which a whole table is put in order at once, since each has an index.
SORTED: Final[dict[str, tuple[str, ...]]] = {
    "building": ("key", "height", "storeys", "built"),
    "building_part": ("key", "height"),
    "pipe_point": ("key", "class_code", "ground_h", "well_depth"),
    "pipe_segment": ("key", "class_code", "width_mm", "built", "road"),
    "bim_element": ("key", "ifc_class"),
}

THEME_TABLES: Final[dict[Theme, tuple[str, ...]]] = {
    Theme.BUILDINGS: ("building", "building_part"),
    Theme.PIPES: ("pipe_point", "pipe_segment"),
    Theme.BIM: ("bim_element",),
}


def feature_id(twin: str, dataset: str, table: str, key: str) -> uuid.UUID:
    """The stable id of a feature: the same key delivered again is the same feature (UUID v5)."""
    return uuid.uuid5(NAMESPACE, f"{twin}\x1f{dataset}\x1f{table}\x1f{key}")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A delivered file as the database remembers it."""

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Hash the file at ``path`` in blocks. Raises :class:`OSError` where it cannot be read."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path.name, digest, path.stat().st_size)


@dataclass(frozen=True, slots=True)
class DatumPassport:
    """What a dataset declares about its coordinates.

    ``horizontal`` is anything PROJ reads (``EPSG:4549``, WKT2); ``vertical`` a word of
    :class:`models.crs.VerticalDatum`. ``accuracy`` is in metres (1 sigma, plan). Neither datum has
    a default: a reader that finds none leaves it ``None`` and the pipeline refuses.
    """

    horizontal: str | None
    vertical: str | None
    epoch: str | None = None
    method: str | None = None
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class TriangleMesh:
    """A closed or open triangle mesh in metres.

    ``positions`` (n, 3) float64; ``indices`` (m, 3) uint32, counter-clockwise seen from outside;
    ``materials`` one index a triangle into ``palette``; ``palette`` rows are sRGB
    (r, g, b, a) in 0..1 as IFC surface styles give them; ``material_names`` go with the palette.
    """

    positions: npt.NDArray[np.float64]
    indices: npt.NDArray[np.uint32]
    materials: npt.NDArray[np.uint16]
    palette: npt.NDArray[np.float32]
    material_names: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 of the content, the key under which equal bodies are stored once."""
        sha = hashlib.sha256()
        for array in (self.positions, self.indices, self.materials, self.palette):
            sha.update(np.ascontiguousarray(array).tobytes())
            sha.update(b"\x1f")
        sha.update("\x1f".join(self.material_names).encode())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one reader got out of one source (a file, or a survey's file group).

    ``tables`` are named as in :data:`TABLES`, without ``id`` (the pipeline gives ids) and in the
    source CRS and datum; a reader may leave canonical columns out, which become null.
    ``meshes`` are keyed by :meth:`TriangleMesh.digest`. ``features_in`` counts what the
    source holds, so that stored + refused = in at every stage. ``totals`` are flat mappings of what
    it adds up to, class by class, beside what it states of itself.
    """

    theme: Theme
    source: SourceFile
    passport: DatumPassport
    tables: Mapping[str, pd.DataFrame]
    meshes: Mapping[str, TriangleMesh] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    features_in: int = 0
    valid_from: date | None = None
    totals: tuple[Mapping[str, Any], ...] = ()

    @property
    def errors(self) -> int:
        """How many findings have severity error."""
        return sum(f.severity is Severity.ERROR for f in self.findings)
