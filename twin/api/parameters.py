"""Query parameters that an operation has not are refused, not ignored (OGC API habit).

OGC 17-069r4, section 7.5.4 (requirement ``/req/core/query-param-unknown``): a parameter that the
API definition does not name is answered by 400. A misspelt filter that were ignored would give the
whole collection, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import Request
from fastapi.dependencies.models import Dependant

from models.errors import TwinError
from twin.api.errors import STATUS

_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problem_response(description: str) -> dict[str, Any]:
    """A response that tells a problem (RFC 9457), for the OpenAPI document."""
    return {"description": description, "content": _PROBLEM}


#: How the OpenAPI document tells what every address may answer instead.
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: problem_response(description)
    for status, description in (
        (400, "参数有误或未知 Bad or unknown parameter"),
        (404, "不存在 Not there"),
        (503, "数据库不可用或查询超时 No database, or the query took too long; Retry-After"),
    )
}


class UnknownParameterError(TwinError):
    """A query parameter that the operation has not, or that is given twice; the sentence names
    those that it has."""

    code = "HTTP-400"


STATUS[UnknownParameterError] = 400


async def known_parameters(request: Request) -> None:
    """Dependency of a router, whose parameters are each given once. Raises
    :class:`UnknownParameterError`."""
    allowed = sorted(_names(request.scope["route"].dependant))
    unknown = [name for name in request.query_params if name not in allowed]
    if not unknown:
        for name in request.query_params:
            if (times := len(request.query_params.getlist(name))) > 1:
                raise UnknownParameterError(
                    f"{name}: given {times} times, expected once.",
                    f"{name}：出现 {times} 次，应为一次。",
                )
        return
    names = ", ".join(unknown)
    raise UnknownParameterError(
        f"Unknown query parameter: {names}. "
        + (f"Expected only {', '.join(allowed)}." if allowed else "This address takes none."),
        f"未知的查询参数：{names}。"
        + (f"可用参数：{'、'.join(allowed)}。" if allowed else "此地址不接受查询参数。"),
    )


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for part in dependant.dependencies:
        yield from _names(part)
