"""What can be asked of a service."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

import geopandas as gpd

from twin.client import frames
from twin.client.connection import ClientError, Connection

#: Features in one page of an answer.
PAGE: Final = 1000
#: Ids in one question.
_IDS: Final = 100
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"
_JSON: Final = "application/json"

Box = Sequence[float]
Moment = dt.datetime | dt.date | str


class Client:
    """The service at ``url``; ``timeout`` in seconds holds for each request.

    Every method raises :class:`ClientError` with the service's own sentence in both languages.
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", *, timeout: float = 60) -> None:
        self._service = Connection(url, timeout)

    def twins(self) -> list[dict[str, Any]]:
        """The twins of the service: id, names, extent, links."""
        found: list[dict[str, Any]] = self._service.json("twins")["twins"]
        return found

    def twin(self, twin: str) -> dict[str, Any]:
        """One twin, with its layers and the addresses of their tilesets."""
        found: dict[str, Any] = self._service.json(f"twins/{quote(twin)}")
        return found

    def tileset(self, twin: str, layer: str) -> str:
        """Address of a layer's 3D Tiles, to be given to any Cesium client. The service is not
        asked, so that a layer without tiles has one too; :meth:`twin` names those that are there.
        """
        return self._service.address(f"tiles/{quote(twin)}/{quote(layer)}/tileset.json")

    def collections(self, twin: str) -> list[dict[str, Any]]:
        """The collections of a twin, as OGC API - Features describes them."""
        found: list[dict[str, Any]] = self._service.json(f"ogc/{quote(twin)}/collections")[
            "collections"
        ]
        return found

    def queryables(self, twin: str, collection: str) -> dict[str, dict[str, Any]]:
        """What a filter may name, with JSON Schemas: properties, source attributes (``attrs.…``)
        and BIM properties (``Pset_….…``)."""
        found: dict[str, dict[str, Any]] = self._service.json(
            f"{_collection(twin, collection)}/queryables"
        )["properties"]
        return found

    def features(
        self,
        twin: str,
        collection: str,
        *,
        bbox: Box | None = None,
        bbox_epsg: int | None = None,
        filter: str | None = None,
        ids: Iterable[str] | None = None,
        datetime: Moment | None = None,
        as_of: Moment | None = None,
        properties: Sequence[str] | None = None,
        sortby: str | None = None,
        epsg: int | None = None,
        limit: int | None = None,
    ) -> gpd.GeoDataFrame:
        """Features as a table, indexed by id; all that match, or the first ``limit``.

        ``bbox`` is west, south, east, north in degrees of CGCS2000, or in ``bbox_epsg`` (4549 for
        the storage CRS, in metres); with lowest and highest height after south and north it is six
        numbers. These heights are above the ellipsoid, some 11 m more in Shanghai than 1985
        heights; with ``bbox_epsg=4549`` they are 1985 heights.

        ``filter`` is CQL2 text; ``ids`` are those that an analysis named, and then the table is in
        their order; ``datetime`` when it was so, ``as_of`` when it was known. ``epsg`` gives the
        coordinates of the answer; without it they are longitude and latitude in degrees. In boxes
        and in the table, x is always east and y north, whatever the axis order of the CRS says.
        """
        query = {
            **_which(bbox, bbox_epsg, datetime, as_of),
            "properties": None if properties is None else ",".join(properties),
            "sortby": sortby,
            "crs": None if epsg is None else f"{_EPSG}{epsg}",
            "limit": min(limit or PAGE, PAGE),
        }
        path = f"{_collection(twin, collection)}/items"
        wanted = None if ids is None else list(dict.fromkeys(map(str, ids)))
        rows: list[dict[str, Any]] = []
        for condition in _conditions(filter, wanted):
            for page in self._service.pages(path, {**query, "filter": condition}):
                rows += page["features"]
                if wanted is None and limit is not None and len(rows) >= limit:
                    break
        if wanted is not None:
            place = {one: at for at, one in enumerate(wanted)}
            rows.sort(key=lambda row: place[row["id"]])
        return frames.features(rows[:limit], epsg)

    def count(
        self,
        twin: str,
        collection: str,
        *,
        bbox: Box | None = None,
        bbox_epsg: int | None = None,
        filter: str | None = None,
        datetime: Moment | None = None,
        as_of: Moment | None = None,
    ) -> int:
        """How many features match; the words are those of :meth:`features`."""
        which = _which(bbox, bbox_epsg, datetime, as_of)
        query = {**which, "filter": filter, "counts": "true", "limit": 1}
        page = self._service.json(f"{_collection(twin, collection)}/items", query)
        return int(page["numberMatched"])

    def places(self, twin: str, text: str, *, limit: int = 10) -> gpd.GeoDataFrame:
        """Names and addresses that a text means, the best first: characters, pinyin or initials, in
        any order. ``layer`` and ``feature`` tell what a place stands for."""
        return self._places(twin, "", q=text, limit=limit)

    def places_at(
        self, twin: str, lon: float, lat: float, *, radius: float = 200, limit: int = 10
    ) -> gpd.GeoDataFrame:
        """Names and addresses within ``radius`` metres of a place in degrees, the nearest first; a
        building that holds it is at ``distance`` 0."""
        return self._places(twin, "/reverse", lon=lon, lat=lat, radius=radius, limit=limit)

    def joined(self, twin: str, address: str, *, limit: int = 100) -> gpd.GeoDataFrame:
        """Buildings, models, pipes, parcels and sensors that share an address; ``relation`` is
        ``same``, ``above`` (its lane or road) or ``below``."""
        return self._places(twin, "/joined", address=address, limit=limit)

    def datasets(self, twin: str, **search: str) -> list[dict[str, Any]]:
        """The records of a twin's datasets (OGC API - Records): lineage, accuracy, licence, extent.

        ``search`` is ``q``, ``bbox``, ``datetime``, ``filter``, ``sortby``, … as the standard names
        them.
        """
        pages = self._service.pages(
            f"{_collection(twin, 'datasets')}/items", {"limit": PAGE, **search}
        )
        return [record for page in pages for record in page["features"]]

    def download(
        self, twin: str, dataset: str, folder: str | Path, *, right: str | None = None
    ) -> list[Path]:
        """Save the newest delivery's original files of ``dataset`` (its name, or its record's id).

        ``right`` is what ``twin datasets link`` gives for a dataset that is not open. Folders of
        the delivery are kept; a file is checked by its SHA-256 and appears only when it is whole.
        """
        found = [r for r in self.datasets(twin) if dataset in (r["id"], r["properties"]["name"])]
        if len(found) != 1:
            raise ClientError(
                f"{twin} has {len(found)} datasets {dataset!r}. Give a name of datasets(), or an "
                "id where two have one name.",
                f"{twin} 有 {len(found)} 个数据集“{dataset}”。请给出 datasets() 中的名称；"
                "同名时请给出标识。",
            )
        path = f"twins/{quote(twin)}/datasets/{found[0]['id']}/originals"
        files = self._service.json(path, {"right": right})["files"]
        saved = []
        for file in files:
            if file["received"] == files[0]["received"]:
                saved.append(_below(Path(folder), file["name"]))
                self._service.save(file["href"], saved[-1], file["sha256"])
        return saved

    def ask(self, twin: str, analysis: str, **question: Any) -> dict[str, Any]:
        """The answer of an analysis (``section``, ``within``, ``isolation``, …) with the datum,
        accuracy and revision it used; :meth:`analyses` lists the names."""
        answer: dict[str, Any] = json.loads(self._answer(twin, analysis, question, _JSON))
        return answer

    def draw(self, twin: str, analysis: str, **question: Any) -> str:
        """The drawing of an analysis as SVG text, right in scale."""
        return self._answer(twin, analysis, question, "image/svg+xml").decode()

    def analyses(self, twin: str) -> list[dict[str, Any]]:
        """The analyses there are, with the JSON Schema of their questions."""
        found: list[dict[str, Any]] = self._service.json(f"twins/{quote(twin)}/analyses")[
            "analyses"
        ]
        return found

    def _answer(self, twin: str, analysis: str, question: dict[str, Any], media: str) -> bytes:
        path = f"twins/{quote(twin)}/analyses/{quote(analysis)}"
        return self._service.data(path, json.dumps(question).encode(), media)

    def _places(self, twin: str, which: str, **query: object) -> gpd.GeoDataFrame:
        found = self._service.json(f"twins/{quote(twin)}/places{which}", query)
        return frames.places(found["places"])


def _collection(twin: str, collection: str) -> str:
    return f"ogc/{quote(twin)}/collections/{quote(collection)}"


def _which(
    bbox: Box | None, bbox_epsg: int | None, datetime: Moment | None, as_of: Moment | None
) -> dict[str, str | None]:
    if bbox is not None and bbox_epsg is not None and frames.north_first(bbox_epsg):
        half = len(bbox) // 2
        ends = (bbox[:half], bbox[half:])
        bbox = [value for end in ends for value in (*end[1::-1], *end[2:])]
    return {
        "bbox": None if bbox is None else ",".join(map(str, bbox)),
        "bbox-crs": None if bbox is None or bbox_epsg is None else f"{_EPSG}{bbox_epsg}",
        "datetime": _moment(datetime),
        "as-of": _moment(as_of),
    }


def _conditions(filter: str | None, ids: Sequence[str] | None) -> list[str | None]:
    """The filter, or one for each part of the ids."""
    if ids is None:
        return [filter]
    also = "" if filter is None else f" AND ({filter})"
    parts = [ids[start : start + _IDS] for start in range(0, len(ids), _IDS)]
    return [f"id IN ({', '.join(map(_quoted, part))}){also}" for part in parts]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _moment(value: Moment | None) -> str | None:
    if isinstance(value, dt.datetime):
        zoned = value if value.tzinfo else value.astimezone()
        return zoned.isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def _below(folder: Path, name: str) -> Path:
    """Where a file of a delivery is saved; its name leads nowhere else."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..", ".")]
    return folder.joinpath(*parts or ["file"])
