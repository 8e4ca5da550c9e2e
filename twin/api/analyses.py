"""``/twins/{twin}/analyses``: questions about the pipes, answered as JSON, SVG or a page.

The body is a JSON object as the list's schemas say; what the answer comes as is chosen by Accept
(RFC 9110 section 12.5.1): ``application/json`` by default, ``image/svg+xml`` or ``text/html`` where
the analysis has them. Nothing is stored.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from twin.analyses.answer import Answer
from twin.analyses.errors import BadRequestError, UnknownAnalysisError
from twin.analyses.registry import analyses, find
from twin.analyses.service import AnalysisService, BusyError
from twin.api import errors
from twin.api.errors import problem
from twin.api.gone import unless_gone
from twin.services import Services
from twin.validation import broken_json

router = APIRouter(prefix="/twins", tags=["analyses"])

errors.STATUS[UnknownAnalysisError] = 404
errors.STATUS[BusyError] = 503

#: Largest request body in bytes.
MOST_BYTES: Final = 1 << 20
TOO_LARGE: Final = (
    f"The request is larger than {MOST_BYTES} bytes. Simplify its geometry.",
    f"请求超过 {MOST_BYTES} 字节，请简化几何。",
)
_JSON: Final = "application/json"
#: A page or drawing that is opened by itself runs nothing and loads nothing.
_SEALED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


@router.get("/{twin}/analyses", summary="分析目录 Analyses with the schemas of their requests")
async def list_analyses(request: Request, twin: str) -> dict[str, Any]:
    """Name, titles, description, media types and JSON Schema (2020-12) of every analysis."""
    services: Services = request.app.state.services
    services.twin(twin)
    return {
        "analyses": [
            {**one.describe(), "href": f"/twins/{twin}/analyses/{one.name}"}
            for one in analyses().values()
        ]
    }


@router.post("/{twin}/analyses/{name}", include_in_schema=False)
async def run_analysis(request: Request, twin: str, name: str) -> Response:
    """Run the analysis ``name`` over the features of ``twin``."""
    services: Services = request.app.state.services
    runner: AnalysisService = request.app.state.analyses
    services.twin(twin)
    analysis = find(name)
    medium = chosen(request.headers.get("accept", ""), (_JSON, *analysis.media))
    if medium is None:
        offered = ", ".join((_JSON, *analysis.media))
        return problem(
            request,
            406,
            f"'{name}' answers as {offered}. Change Accept.",
            f"“{name}”可返回 {offered}，请修改 Accept。",
        )
    body = await _body(request)
    if body is None:
        return problem(
            request,
            413,
            *TOO_LARGE,
        )
    try:
        work = runner.answer(twin, analysis, _json(body), medium)
        answer = await unless_gone(request, work)
    except BadRequestError as error:
        return problem(request, 400, error.en, error.zh, code=error.code, errors=list(error.errors))
    return _response(answer, medium)


def chosen(accept: str, offered: tuple[str, ...]) -> str | None:
    """The offered media type that an Accept header likes best; the first for none or ``*/*``."""
    if not accept.strip():
        return offered[0]
    best: tuple[float, str] | None = None
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        weight = float(quality) if quality.replace(".", "", 1).isdigit() else 0.0
        match = next((o for o in offered if kind in (o, "*/*", f"{o.split('/')[0]}/*")), None)
        if match and weight > 0 and (best is None or weight > best[0]):
            best = weight, match
    return best[1] if best else None


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is too large."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MOST_BYTES:
            return None
    return bytes(parts)


def _json(body: bytes) -> bytes:
    """``body``, which may be left out, once it is known to be JSON."""
    try:
        orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        en, zh = broken_json(error)
        raise BadRequestError(
            f"The body: {en}. Send a JSON object.", f"请求体：{zh}。请发送 JSON 对象。"
        ) from error
    return body or b"{}"


def _response(answer: Answer, medium: str) -> Response:
    if medium == _JSON:
        return Response(
            orjson.dumps(answer.as_dict()), media_type=_JSON, headers={"Vary": "Accept"}
        )
    return Response(answer.rendered(medium) or "", media_type=medium, headers=_SEALED)
