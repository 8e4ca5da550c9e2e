"""Errors over HTTP: every failure is a problem document (RFC 9457); statuses are assigned here."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.cql2 import NotListedError
from models.db.errors import TooLongError
from models.db.pool import BusyError
from models.errors import DatabaseError, TwinError, UnknownTwinError
from twin.api.gone import STATUS as GONE
from twin.api.gone import ClientGoneError
from twin.validation import told, where

_log = structlog.get_logger("twin.http")

STATUS: dict[type[TwinError], int] = {UnknownTwinError: 404, DatabaseError: 503}


class NotFoundError(TwinError):
    """What the path names is not there."""

    code = "HTTP-404"


class NotOfferedError(NotFoundError):
    """The path names a ``kind`` of thing by a ``name`` that is on no list: an attempt to reach what
    nobody offered, which is logged."""

    def __init__(self, kind: str, name: str, en: str, zh: str) -> None:
        super().__init__(en, zh)
        self.kind, self.name = kind, name


STATUS[NotFoundError] = 404

#: What is told of the database. Its own sentences are for those who run it: they name its folders,
#: settings and commands, and go to the log.
_AWAY: Final = (
    "The service cannot use its database now. Ask again later; the request id finds the reason in "
    "its log.",
    "服务暂时无法使用其数据库，请稍后重试；凭 request_id 可在日志中查到原因。",
)
_TOO_LONG: Final = (
    "The question took longer than questions may. Ask for less (a smaller area, fewer features), "
    "or again later.",
    "查询超过时限。请减少所查内容（缩小范围、减少要素），或稍后重试。",
)
#: For what the framework refuses by itself.
_SENTENCES: Final = {
    404: (
        "There is no such address; /api lists those of the service, /ogc/{twin}/api those of a "
        "twin's collections.",
        "没有这个地址；/api 列出服务的地址，/ogc/{twin}/api 列出孪生体各要素集的地址。",
    ),
    405: (
        "This address does not take that method; see the Allow header.",
        "此地址不支持该方法；可用方法见 Allow 头。",
    ),
}


def problem(
    request: Request,
    status: int,
    en: str,
    zh: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """A response with ``application/problem+json``, in English (``detail``) and Chinese."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": en,
        "detail_zh": zh,
        "instance": request.url.path[:1_000],  # what is too long is not sent back
        "request_id": getattr(request.state, "request_id", None),
        **({"code": code} if code else {}),
        **more,
    }
    # it may be about who asks, and what is not there now may come
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body, status, sent, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""

    @app.exception_handler(TwinError)
    def _twin(request: Request, error: TwinError) -> JSONResponse:
        # an attempt to reach what nobody offered
        if isinstance(error, (NotListedError, NotOfferedError)):
            _log.warning("refused", kind=error.kind, name=error.name[:200], path=request.url.path)
        status = next((STATUS[t] for t in type(error).__mro__ if t in STATUS), None)
        if status is None:  # of our own making; its sentence may name folders of this machine
            return _unexpected(request, error)
        en, zh = error.en, error.zh
        if isinstance(error, DatabaseError) and not isinstance(error, BusyError):
            _log.warning("database", path=request.url.path, error=en)
            en, zh = _TOO_LONG if isinstance(error, TooLongError) else _AWAY
        headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return problem(request, status, en, zh, code=error.code, headers=headers)

    @app.exception_handler(ClientGoneError)
    def _gone(request: Request, error: ClientGoneError) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [(where(fault), *told(fault)) for fault in error.errors()]
        return problem(
            request,
            400,
            "; ".join(f"{place}: {en}" for place, en, _ in faults) + ".",
            "；".join(f"{place}：{zh}" for place, _, zh in faults) + "。",
            code="HTTP-400",
        )

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        en, zh = _SENTENCES.get(error.status_code, (str(error.detail), "请求失败。"))
        return problem(request, error.status_code, en, zh, headers=error.headers)


class Unexpected:
    """ASGI middleware: answers what nobody foresaw with 500. What lies around it adds its headers
    to that answer too, as the framework's own handler, outside of all, does not let it.

    An answer that has begun is broken off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await _unexpected(Request(scope), error)(scope, receive, send)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected", path=request.url.path, exc_info=error)
    return problem(
        request,
        500,
        "Something went wrong on our side; the request id finds it in the log.",
        "服务内部出错；凭 request_id 可在日志中查到原因。",
    )
