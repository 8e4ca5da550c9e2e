"""The OpenAPI document in version 3.0.3, which GIS clients read, from FastAPI's 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

#: What :func:`twin.api.errors.problem` answers (RFC 9457).
_TEXT: Final = {"type": "string"}
PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "detail_zh", "instance"],
    "properties": {
        "type": {**_TEXT, "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "英文说明 What is wrong, in English"},
        "detail_zh": {**_TEXT, "description": "中文说明 The same in Chinese"},
        "instance": {**_TEXT, "format": "uri-reference"},
        "request_id": {
            **_TEXT,
            "nullable": True,
            "description": "日志中的请求编号 Id of the request in the log",
        },
        "code": {**_TEXT, "description": "错误代码 Code of the kind of error"},
    },
}


def document(
    app: FastAPI, paths: Mapping[str, Any] | None = None, schemas: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of ``app``, with ``paths`` that are none of its routes and the ``schemas`` that
    they refer to."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=None,
        description=app.description,
        routes=app.routes,
        openapi_version="3.0.3",
        license_info={
            "name": "Apache-2.0",
            "url": "https://www.apache.org/licenses/LICENSE-2.0",
        },
    )
    made["paths"].update(paths or {})
    made.setdefault("components", {}).setdefault("schemas", {}).update(schemas or {})
    found: dict[str, Any] = _downgrade(made)
    _tell_problems(found)
    return found


def _downgrade(node: Any) -> Any:
    """JSON Schema 2020-12 idioms to the ones of OpenAPI 3.0: nullable, example, no const."""
    if isinstance(node, list):
        return [_downgrade(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _downgrade(value) for key, value in node.items()}
    options = out.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del out["anyOf"]
        out |= rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"anyOf": rest}
        out["nullable"] = True
    if "const" in out:
        out["enum"] = [out.pop("const")]
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if type(out.get(exclusive)) in (int, float):
            out |= {bound: out[exclusive], exclusive: True}
    if isinstance(out.get("examples"), list) and "schema" not in out:
        out["example"] = out.pop("examples")[0]
    return out


def _tell_problems(schema: dict[str, Any]) -> None:
    """Bad parameters answer 400 here (:mod:`twin.api.parameters`), never FastAPI's 422."""
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
