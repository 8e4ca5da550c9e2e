"""The API definition of one twin, OpenAPI 3.0.3 (OGC 17-069r4 requirements class "OpenAPI 3.0").

The addresses of features are written down (:mod:`twin.api.ogc.operations`), since their parameters
are read by :mod:`twin.api.ogc.parameters`; those of other parts below ``/ogc/{twin}`` are taken
from the application's own document.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from fastapi import Request

from models.crs import StorageCrs
from models.mvt.grid import tile_matrix_sets
from models.twins import TwinDefinition
from twin.api.mvt import styles
from twin.api.ogc import pages, schemas
from twin.api.ogc.collections import Collection, of_twin
from twin.api.ogc.links import root
from twin.api.ogc.operations import paths
from twin.api.ogc.parameter_schemas import parameters

_PREFIX: Final = "/ogc/{twin}"


def document(
    request: Request,
    twin: TwinDefinition,
    collections: Sequence[Collection],
    storage: StorageCrs,
) -> dict[str, Any]:
    """The definition; its server is the landing page. ``collections`` are those of the twin, with
    the attributes that were found in their data."""
    others = _others(request, twin, storage)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{twin.name_zh} {twin.name_en}",
            "version": version("cim-twin"),
            "description": "城市孪生要素的开放接口。Open interface to the features of a city twin.",
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": [{"url": root(request, twin.id)}],
        "tags": [{"name": "features", "description": "OGC API – Features"}],
        "paths": {**paths(twin), **others["paths"]},
        "components": {
            "parameters": parameters(collections, storage),
            "responses": schemas.responses(),
            "schemas": {**others["schemas"], **schemas.SCHEMAS},
        },
    }


def page(found: dict[str, Any]) -> bytes:
    """The definition as a page: every address with its parameters."""
    parts = []
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            names = [
                p["$ref"].rsplit("/", 1)[-1] if "$ref" in p else p["name"]
                for p in operation.get("parameters", ())
            ]
            about = {"": operation.get("summary", ""), "参数 Parameters": names}
            parts.append(pages.section(f"{method.upper()} {path}", about))
    return pages.page(f"{found['info']['title']} – API", parts)


def _others(request: Request, twin: TwinDefinition, storage: StorageCrs) -> dict[str, Any]:
    """Paths of other parts below the landing page, without the twin, and the schemas they use."""
    whole = request.app.state.definition()
    known = {
        "collection": list(of_twin(twin)),
        "tms": list(tile_matrix_sets(storage)),
        "theme": [str(theme) for theme in styles.titles(twin)],
    }
    found = {}
    for path, operations in whole["paths"].items():
        if not path.startswith(f"{_PREFIX}/"):
            continue
        own = copy.deepcopy(operations)
        for operation in own.values():
            operation["parameters"] = [
                p for p in operation.get("parameters", ()) if p.get("name") != "twin"
            ]
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in known:
                    parameter["schema"]["enum"] = known[parameter["name"]]
        found[path.removeprefix(_PREFIX)] = own
    return {"paths": found, "schemas": _used(found, whole["components"]["schemas"])}


def _used(node: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Those of ``schemas`` that ``node`` refers to, and those that they do."""
    if isinstance(node, list):
        return {n: s for item in node for n, s in _used(item, schemas).items()}
    if not isinstance(node, dict):
        return {}
    found = {n: s for value in node.values() for n, s in _used(value, schemas).items()}
    name = str(node.get("$ref", "")).rpartition("/schemas/")[2]
    if name in schemas and name not in found:
        found |= {name: schemas[name], **_used(schemas[name], schemas)}
    return found
