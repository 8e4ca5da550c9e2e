"""The OpenAPI document in version 3.0.3, which GIS clients read, from FastAPI's 3.1."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi


def document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``, made once and kept."""
    if app.openapi_schema is None:
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
        app.openapi_schema = _downgrade(made)
        _answer_400(app.openapi_schema)
    return app.openapi_schema


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
    if isinstance(out.get("examples"), list) and "schema" not in out:
        out["example"] = out.pop("examples")[0]
    return out


def _answer_400(schema: dict[str, Any]) -> None:
    """Bad parameters answer 400 with a problem document here, never FastAPI's 422."""
    bad = {
        "description": "Bad or unknown parameter",
        "content": {"application/problem+json": {"schema": {"type": "object"}}},
    }
    for path in schema["paths"].values():
        for operation in path.values():
            if operation["responses"].pop("422", None):
                operation["responses"]["400"] = bad
    for name in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(name, None)
