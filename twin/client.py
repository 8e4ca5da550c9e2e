"""A client of a running service: what notebooks and scripts ask, with tables as GeoDataFrames.

    >>> city = Client("http://localhost:8000")
    >>> twin = city.twins()[0]["id"]
    >>> sewers = city.features(twin, "pipe-segments", filter="class_code = 'WS'", limit=100)
    >>> answer = city.ask(twin, "section", line=[[616820, 3430480], [616860, 3430490]])

It speaks the standard addresses only (OGC API - Features Parts 1 to 3) and the analyses, and needs
nothing but what the project needs anyway.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import Request, urlopen

import geopandas as gpd
import pyproj
import shapely

from models.errors import TwinError

#: Features in one page of an answer.
PAGE: Final = 1000
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"
_JSON: Final = "application/geo+json, application/json;q=0.9"


class ClientError(TwinError):
    """The service refused a request, or cannot be reached; ``status`` is that of HTTP, or None."""

    code = "CLI-01"

    def __init__(self, en: str, zh: str, status: int | None = None) -> None:
        super().__init__(en, zh)
        self.status = status


class Client:
    """The service at ``url``; ``timeout`` in seconds holds for each request.

    Every method raises :class:`ClientError` with the service's own sentence in both languages.
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", *, timeout: float = 60) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ClientError(
                f"Found address {url!r}; expected http://… or https://…",
                f"地址 {url!r} 无效；应以 http:// 或 https:// 开头。",
            )
        self._url = url.rstrip("/") + "/"
        self._timeout = timeout

    def twins(self) -> list[dict[str, Any]]:
        """The twins of the service: id, names, extent, links."""
        found: list[dict[str, Any]] = self._json("twins")["twins"]
        return found

    def twin(self, twin: str) -> dict[str, Any]:
        """One twin, with its layers and the addresses of their tilesets."""
        found: dict[str, Any] = self._json(f"twins/{quote(twin)}")
        return found

    def tileset(self, twin: str, layer: str) -> str:
        """Address of a layer's 3D Tiles, to be given to any Cesium client."""
        return urljoin(self._url, f"tiles/{quote(twin)}/{quote(layer)}/tileset.json")

    def collections(self, twin: str) -> list[dict[str, Any]]:
        """The collections of a twin, as OGC API - Features describes them."""
        found: list[dict[str, Any]] = self._json(f"ogc/{quote(twin)}/collections")["collections"]
        return found

    def features(
        self,
        twin: str,
        collection: str,
        *,
        bbox: Sequence[float] | None = None,
        filter: str | None = None,
        datetime: dt.datetime | dt.date | str | None = None,
        as_of: dt.datetime | str | None = None,
        properties: Sequence[str] | None = None,
        sortby: str | None = None,
        epsg: int | None = None,
        limit: int | None = None,
    ) -> gpd.GeoDataFrame:
        """Features as a table, indexed by id; all that match, or the first ``limit``.

        ``bbox`` is west, south, east, north in degrees of CGCS2000 (with lowest and highest 1985
        height after south and north: six numbers); ``filter`` is CQL2 text; ``datetime`` when it
        was so, ``as_of`` when it was known. ``epsg`` gives the coordinates (4549 for the storage
        CRS, in metres); without it they are longitude and latitude in degrees. In the table, x is
        always east and y north, whatever the axis order of the CRS says.
        """
        query = {
            "bbox": None if bbox is None else ",".join(map(str, bbox)),
            "filter": filter,
            "datetime": _moment(datetime),
            "as-of": _moment(as_of),
            "properties": None if properties is None else ",".join(properties),
            "sortby": sortby,
            "crs": None if epsg is None else f"{_EPSG}{epsg}",
            "limit": str(min(limit or PAGE, PAGE)),
        }
        rows: list[dict[str, Any]] = []
        for page in self._pages(f"ogc/{quote(twin)}/collections/{quote(collection)}/items", query):
            rows += page["features"]
            if limit is not None and len(rows) >= limit:
                break
        return _table(rows[:limit], epsg)

    def ask(self, twin: str, analysis: str, **question: Any) -> dict[str, Any]:
        """The answer of an analysis (``section``, ``profile``, ``isolation``, …) with the datum,
        accuracy and revision it used; :meth:`analyses` lists the names."""
        answer: dict[str, Any] = json.loads(self._answer(twin, analysis, question, _JSON))
        return answer

    def draw(self, twin: str, analysis: str, **question: Any) -> str:
        """The drawing of an analysis as SVG text, right in scale."""
        return self._answer(twin, analysis, question, "image/svg+xml").decode()

    def analyses(self, twin: str) -> list[dict[str, Any]]:
        """The analyses there are, with the JSON Schema of their questions."""
        found: list[dict[str, Any]] = self._json(f"twins/{quote(twin)}/analyses")["analyses"]
        return found

    def _answer(self, twin: str, analysis: str, question: dict[str, Any], media: str) -> bytes:
        path = f"twins/{quote(twin)}/analyses/{quote(analysis)}"
        return self._bytes(path, json.dumps(question).encode(), media)

    def _pages(self, path: str, query: dict[str, str | None]) -> Iterator[dict[str, Any]]:
        given = {name: value for name, value in query.items() if value is not None}
        address: str | None = f"{path}?{urlencode(given)}"
        while address is not None:
            page = self._json(address)
            yield page
            links = (link["href"] for link in page.get("links", ()) if link["rel"] == "next")
            address = next(links, None)

    def _json(self, address: str) -> Any:
        return json.loads(self._bytes(address))

    def _bytes(self, address: str, body: bytes | None = None, media: str = _JSON) -> bytes:
        url = urljoin(self._url, address)
        headers = {"Accept": media} | ({"Content-Type": "application/json"} if body else {})
        request = Request(url, body, headers)  # noqa: S310 - the scheme was checked
        try:
            with urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                data: bytes = answer.read()
                return data
        except HTTPError as error:
            raise _refused(url, error) from error
        except (URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise ClientError(
                f"{url} cannot be reached: {reason}. Start the service with `twin up`, or give "
                "its address.",
                f"无法访问 {url}：{reason}。请用 `twin up` 启动服务，或给出其地址。",
            ) from error


def _refused(url: str, error: HTTPError) -> ClientError:
    try:
        told = json.loads(error.read())
        en, zh = told["detail"], told["detail_zh"]
    except (ValueError, KeyError, TypeError):
        en, zh = f"{url} answered {error.code}.", f"{url} 返回 {error.code}。"
    return ClientError(en, zh, error.code)


def _moment(value: dt.datetime | dt.date | str | None) -> str | None:
    if isinstance(value, dt.datetime):
        zoned = value if value.tzinfo else value.astimezone()
        return zoned.isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def _table(rows: list[dict[str, Any]], epsg: int | None) -> gpd.GeoDataFrame:
    crs = pyproj.CRS.from_epsg(epsg or 4490)
    texts = [json.dumps(row["geometry"]) if row["geometry"] else None for row in rows]
    shapes = shapely.from_geojson(texts)
    if epsg is not None and crs.axis_info[0].direction == "north":
        shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    table = gpd.GeoDataFrame([row["properties"] for row in rows], geometry=shapes, crs=crs)
    table.index = [row["id"] for row in rows]
    table.index.name = "id"
    return table
