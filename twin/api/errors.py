"""Errors over HTTP: every failure is a problem document (RFC 9457); statuses are assigned here."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from models.errors import DatabaseError, TwinError, UnknownTwinError

_log = structlog.get_logger("twin.http")

STATUS: dict[type[TwinError], int] = {UnknownTwinError: 404, DatabaseError: 503}


class NotFoundError(TwinError):
    """What the path names is not there."""

    code = "HTTP-404"


STATUS[NotFoundError] = 404


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
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **({"code": code} if code else {}),
        **more,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""

    @app.exception_handler(TwinError)
    def _twin(request: Request, error: TwinError) -> JSONResponse:
        status = next((STATUS[t] for t in type(error).__mro__ if t in STATUS), None)
        if status is None:  # of our own making; its sentence may name folders of this machine
            return _unexpected(request, error)
        headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return problem(request, status, error.en, error.zh, code=error.code, headers=headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            {"where": ".".join(str(p) for p in e["loc"]), "expected": e["msg"]}
            for e in error.errors()
        ]
        names = ", ".join(w["where"] for w in wrong)
        return problem(
            request,
            400,
            f"Bad request: {names}. See 'errors' for what is expected.",
            f"请求参数有误：{names}。应填内容见 errors。",
            errors=wrong,
        )

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        zh = {404: "没有这个地址。", 405: "此地址不支持该方法。"}.get(
            error.status_code, "请求失败。"
        )
        return problem(request, error.status_code, str(error.detail), zh, headers=error.headers)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> JSONResponse:
        _log.error("unexpected", path=request.url.path, exc_info=error)
        return problem(
            request,
            500,
            "Something went wrong on our side; the request id finds it in the log.",
            "服务内部出错；凭 request_id 可在日志中查到原因。",
        )
