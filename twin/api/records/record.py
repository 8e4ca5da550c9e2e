"""One dataset as a record: GeoJSON after ``recordGeoJSON.yaml`` of OGC 20-004r1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from models.db.entries import OPEN, Entry, Lineage
from models.licences import NOT_DECLARED, read_licence
from models.twins import TwinDefinition
from twin.api.records.distributions import Place, formats, links, original

TYPE: Final = "dataset"
_CORE: Final = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/record-core"
#: ISO 19115-1 MD_TopicCategoryCode of each theme.
_TOPICS: Final = {
    "buildings": "structure",
    "bim": "structure",
    "pipes": "utilitiesCommunication",
    "terrain": "elevation",
    "pointcloud": "elevation",
    "mesh": "imageryBaseMapsEarthCover",
}
_TITLES: Final = {
    "buildings": ("建筑", "Buildings"),
    "bim": ("建筑信息模型", "BIM"),
    "pipes": ("地下管线", "Underground pipes"),
    "terrain": ("地形", "Terrain"),
    "pointcloud": ("点云", "Point cloud"),
    "mesh": ("实景三维", "Textured mesh"),
}
_LANGUAGES: Final = [{"code": "zh", "name": "中文"}, {"code": "en", "name": "English"}]
_RIGHTS: Final = {
    True: "原始文件开放下载 Originals may be downloaded by anyone",
    False: "原始文件凭授权下载，请向发布单位索取 Originals by right only; ask whoever runs this "
    "service for a link",
}


def title(entry: Entry) -> str:
    """In both languages; the dataset's own name is as whoever delivered it gave it."""
    zh, en = _TITLES.get(entry.theme, (entry.theme, entry.theme))
    return f"{zh} {en}：{entry.name}"


def description(entry: Entry, twin: TwinDefinition) -> str:
    """What it is and whose, in both languages."""
    zh, en = _TITLES.get(entry.theme, (entry.theme, entry.theme))
    count_zh = "" if entry.features is None else f"，{entry.features} 个要素"
    count_en = "" if entry.features is None else f", {entry.features} features"
    return (
        f"{twin.name_zh}城市孪生的{zh}数据集“{entry.name}”{count_zh}。"
        f"{en} of the city twin {twin.name_en}, dataset '{entry.name}'{count_en}."
    )


def keywords(entry: Entry, twin: TwinDefinition) -> list[str]:
    """Free words to find it by."""
    words = (entry.theme, *_TITLES.get(entry.theme, ()), twin.id, twin.name_zh, twin.name_en)
    return list(dict.fromkeys(words))


def plain(entry: Entry, twin: TwinDefinition) -> dict[str, Any]:
    """What searches, filters and orders look at, by the names of the queryables."""
    return {
        "id": str(entry.id(twin.id)),
        "type": TYPE,
        "title": title(entry),
        "description": description(entry, twin),
        "keywords": keywords(entry, twin),
        "name": entry.name,
        "theme": entry.theme,
        "organisation": entry.organisation,
        "license": _licence(entry),
        "visibility": entry.visibility,
        "features": entry.features,
        "accuracy": entry.accuracy,
        "created": entry.created,
        "updated": entry.updated,
        "valid_from": entry.valid_from,
        "horizontal": entry.horizontal,
        "vertical": entry.vertical,
    }


def record(entry: Entry, lineage: Lineage, twin: TwinDefinition, place: Place) -> dict[str, Any]:
    """The record. Its geometry is the box of the features, null until they were counted."""
    known = plain(entry, twin)
    latest = lineage.deliveries[0] if lineage.deliveries else None
    properties: dict[str, Any] = {
        "created": moment(entry.created),
        "updated": moment(entry.updated),
        **{name: known[name] for name in ("type", "title", "description", "keywords")},
        "language": _LANGUAGES[0],
        "languages": _LANGUAGES,
        "externalIds": [{"scheme": f"cim-twin/{twin.id}", "value": entry.name}],
        "themes": [
            {
                "scheme": "ISO 19115-1 MD_TopicCategoryCode",
                "concepts": [{"id": _TOPICS.get(entry.theme, "environment")}],
            }
        ],
        "formats": formats(entry, place),
        **_contacts(entry),
        **({} if known["license"] is None else {"license": known["license"]}),
        "rights": _rights(entry),
        "name": entry.name,
        "theme": entry.theme,
        "organisation": entry.organisation,
        "visibility": entry.visibility,
        "features": entry.features,
        "tables": entry.tables,
        "revision": entry.revision,
        "valid_from": moment(entry.valid_from),
        "height": _height(entry),
        "crs": {
            "horizontal": entry.horizontal,
            "vertical": entry.vertical,
            "epoch": entry.epoch,
            "storage": place.storage.horizontal,
            "storageVertical": "1985",
        },
        "accuracy": {
            "declared": entry.accuracy,
            "method": entry.method,
            "note": entry.accuracy_note,
            "computed": None if entry.sigma is None else {**entry.sigma, "sigma": 1, "unit": "m"},
            **_checked(latest),
        },
        "lineage": {
            "revisions": [_dated(one) for one in lineage.revisions],
            "deliveries": [_delivery(one, place, twin) for one in lineage.deliveries],
        },
    }
    return {
        "type": "Feature",
        "id": known["id"],
        "conformsTo": [_CORE],
        "geometry": _outline(entry),
        **({} if entry.box is None else {"bbox": _flat(entry.box)}),
        "time": {"interval": [moment(entry.valid_from), ".."]},
        "properties": properties,
        "links": links(entry, lineage, twin, place),
    }


def moment(when: dt.datetime) -> str:
    """RFC 3339 in UTC, as records want it."""
    return when.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _licence(entry: Entry) -> str | None:
    return None if entry.licence is None else read_licence(entry.licence).identifier


def _rights(entry: Entry) -> str:
    said = entry.licence if entry.licence is not None else NOT_DECLARED
    return f"许可 Licence: {said}. {_RIGHTS[entry.visibility == OPEN]}"


def _contacts(entry: Entry) -> dict[str, Any]:
    if entry.organisation is None:
        return {}
    roles = ["resourceProvider"]  # ISO 19115-1 CI_RoleCode
    return {"contacts": [{"organization": entry.organisation, "roles": roles}]}


def _height(entry: Entry) -> dict[str, Any] | None:
    low, high = (None, None) if entry.box is None else (entry.box[2], entry.box[5])
    if low is None or high is None:
        return None
    return {"lowest": low, "highest": high, "unit": "m", "datum": "1985"}


def _flat(box: list[float | None]) -> list[float | None]:
    """The box in plan: heights of records are of the 1985 datum, which GeoJSON does not know."""
    return [box[0], box[1], box[3], box[4]]


def _outline(entry: Entry) -> dict[str, Any] | None:
    if entry.box is None:
        return None
    west, south, east, north = _flat(entry.box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _checked(delivery: Mapping[str, Any] | None) -> dict[str, Any]:
    """What checks of the newest delivery said of accuracy; None where it has none recorded."""
    if delivery is None:
        return {"checked": None}
    return {
        "checked": {
            "findings": delivery["findings"].get("accuracy"),
            "resurveys": delivery["declared"].get("resurveys", []),
        }
    }


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: moment(v) if isinstance(v, dt.datetime) else v for k, v in row.items()}


def _delivery(row: Mapping[str, Any], place: Place, twin: TwinDefinition) -> dict[str, Any]:
    files = [
        {**file, "href": original(place, twin, file["id"])} if file["id"] in place.open else file
        for file in row["files"]
    ]
    refused = row["features_in"] - row["accepted"]
    return {**_dated(row), "refused": refused, "files": files}
