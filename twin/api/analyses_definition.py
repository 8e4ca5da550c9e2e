"""What the API definition says of analyses: an address each, with schemas of question and answer.

All are answered by one route (:func:`twin.api.analyses.run_analysis`), which the definition leaves
out: a path with the name as a parameter could not tell what each of them takes.
"""

from __future__ import annotations

from typing import Any, Final

from twin.analyses.errors import BadRequestError
from twin.analyses.registry import Analysis, analyses, answer_schema
from twin.analyses.schemas import SHARED
from twin.api.parameters import PROBLEMS, problem_response

_JSON: Final = "application/json"
_TWIN: Final = {"name": "twin", "in": "path", "required": True, "schema": {"type": "string"}}
#: What an analysis may answer beside what every address may.
_STATUSES: Final = {
    "404": "没有该孪生体 No such twin",
    "406": "没有所求的表示形式 The analysis has no such medium",
    "413": "请求过大 The request is too large",
    "503": "请求过多或数据库不可用 Too many requests at once, or no database; Retry-After",
}


def paths() -> dict[str, Any]:
    """A path for every analysis, in the words of JSON Schema 2020-12."""
    return {f"/twins/{{twin}}/analyses/{one.name}": _path(one) for one in analyses().values()}


def schemas() -> dict[str, Any]:
    """The schemas that :func:`paths` refers to, by name."""
    found = {name: _shared(schema, own=True) for name, schema in SHARED.items()}
    for one in analyses().values():
        found |= _request(one).get("$defs", {})
    return found


def _path(one: Analysis) -> dict[str, Any]:
    request = {k: v for k, v in _request(one).items() if k not in ("$defs", "title")}
    content = {_JSON: {"schema": _shared(answer_schema(one.name))}} | {
        medium: {"schema": {"type": "string"}} for medium in one.media
    }
    told = one.describe()
    return {
        "post": {
            "operationId": "analyse" + "".join(w.capitalize() for w in one.name.split("-")),
            "summary": f"{one.zh} {one.en}",
            "description": told["description"],
            "tags": ["analyses"],
            "parameters": [_TWIN],
            "requestBody": {
                "required": not _answers(one, {}),
                "content": {_JSON: {"schema": request, "example": told["example"]}},
            },
            "responses": {
                "200": {"description": "答案；图或网页按 Accept The answer, or a drawing or page "
                        "where Accept prefers it", "content": content},
                "400": PROBLEMS[400],
                **{status: problem_response(about) for status, about in _STATUSES.items()},
            },
        }
    }  # fmt: skip


def _answers(one: Analysis, document: dict[str, Any]) -> bool:
    """Whether ``document`` is a request for it."""
    try:
        one.parse(document)
    except BadRequestError:
        return False
    return True


def _request(one: Analysis) -> dict[str, Any]:
    return one.request.model_json_schema(ref_template="#/components/schemas/{model}")


def _shared(node: Any, own: bool = False) -> Any:
    """``node`` with references for the schemas in SHARED; its ``own`` stays."""
    if isinstance(node, list):
        return [_shared(item) for item in node]
    if not isinstance(node, dict):
        return node
    name = next((n for n, schema in SHARED.items() if schema is node), None)
    if name is not None and not own:
        return {"$ref": f"#/components/schemas/{name}"}
    return {key: _shared(value) for key, value in node.items()}
