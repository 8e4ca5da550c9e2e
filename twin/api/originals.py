"""``/twins/{twin}/originals/{file}``: delivered files as they came, to whom may have them.

Files of open datasets are for anyone, others for who shows a right (:mod:`twin.rights`). What is
not there and what is not one's own answer the same. Every download is logged, no right is.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Final
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from models.db import entries as db
from models.db.entries import Original
from models.originals import Originals
from twin.api.errors import NotFoundError
from twin.api.ogc.answers import unchanged
from twin.api.ogc.links import address
from twin.api.records.routes import find
from twin.rights import Right, RightsKey
from twin.services import Services

router = APIRouter(prefix="/twins", tags=["datasets"])

_log = structlog.get_logger("twin.originals")
_SAFE: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {
    404: {
        "description": "不存在或无权 Not there, or not yours",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}

Token = Annotated[
    str | None,
    Query(
        alias="right",
        max_length=2000,
        description="下载授权 Right, from `twin datasets link` or `grant`",
    ),
]
Bearer = Annotated[str | None, Header(alias="Authorization", include_in_schema=False)]


@dataclass(frozen=True, slots=True)
class Access:
    """The kept files and the key of rights; one an application."""

    store: Originals
    key: RightsKey

    def right(self, twin: str, token: str | None, header: str | None) -> Right | None:
        """The right that a request shows, if it is good for ``twin``."""
        if token is None and header is not None and header[:7].lower() == "bearer ":
            token = header[7:].strip()
        found = None if token is None else self.key.read(token)
        return found if found is not None and found.twin == twin else None


@router.head("/{twin}/originals/{file}", include_in_schema=False)
@router.get(
    "/{twin}/originals/{file}",
    summary="原始文件 A delivered file as it came",
    operation_id="getOriginal",
    response_class=Response,
    responses={
        200: {
            "description": "文件 The file",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        206: {"description": "部分内容 Part of it"},
        304: {"description": "未变 Not modified"},
        416: {"description": "范围超出文件 Range outside the file"},
        **_NOT_THERE,
    },
)
async def get_original(
    request: Request, twin: str, file: uuid.UUID, right: Token = None, bearer: Bearer = None
) -> Response:
    """Ranges and validators are answered; the name is the one it was delivered with."""
    services: Services = request.app.state.services
    access: Access = request.app.state.originals
    services.twin(twin)
    shown = await asyncio.to_thread(access.right, twin, right, bearer)
    found = (await db.originals(services.pool, twin, [file])).get(file)
    if found is None or not _allowed(found, shown):
        _log.warning("refused", twin=twin, file=str(file), to=None if shown is None else shown.to)
        raise _not_there()
    path = access.store.path(found.sha256)
    if not await asyncio.to_thread(path.is_file):
        _log.error("missing", twin=twin, file=str(file), sha256=found.sha256)
        raise _not_there()
    tag = f'"{found.sha256}"'
    headers = {
        **_SAFE,
        "ETag": tag,
        "Cache-Control": "private, no-cache" if found.restricted else "public, no-cache",
        "Content-Disposition": disposition(found.name),
        "Repr-Digest": f"sha-256=:{_base64(found.sha256)}:",  # RFC 9530
    }
    if (same := unchanged(request, tag)) is not None:
        return Response(status_code=same.status_code, headers=headers)
    _log.info(
        "download", twin=twin, file=str(file), name=found.name, bytes=found.size,
        to="anyone" if shown is None else shown.to, range=request.headers.get("range"),
    )  # fmt: skip
    return FileResponse(path, headers=headers, media_type="application/octet-stream")


@router.get(
    "/{twin}/datasets/{dataset}/originals",
    summary="数据集的原始文件 The delivered files of a dataset",
    operation_id="listOriginals",
    responses=_NOT_THERE,
)
async def list_originals(
    request: Request, twin: str, dataset: uuid.UUID, right: Token = None, bearer: Bearer = None
) -> dict[str, Any]:
    """The files that one may have, newest delivery first; ``href`` carries the right."""
    services: Services = request.app.state.services
    access: Access = request.app.state.originals
    services.twin(twin)
    entry = await find(request, twin, str(dataset))
    shown = await asyncio.to_thread(access.right, twin, right, bearer)
    lineage = (await db.lineages(services.pool, twin, [entry]))[entry.name, entry.theme]
    files = {
        uuid.UUID(file["id"]): (file, delivery["received"])
        for delivery in lineage.deliveries
        for file in delivery["files"]
    }
    kept = await db.originals(services.pool, twin, files)
    mine = [i for i in files if i in kept and _allowed(kept[i], shown)]
    if not mine:
        raise _not_there()
    base = f"{str(request.base_url).rstrip('/')}/twins/{twin}/originals"
    given = {} if right is None else {"right": right}
    return {
        "dataset": {"id": str(dataset), "name": entry.name, "theme": entry.theme},
        "files": [_listed(*files[i], address(f"{base}/{i}", given)) for i in mine],
    }


@router.get(
    "/{twin}/datasets/{dataset}/licence",
    summary="许可文本 The licence of a dataset",
    operation_id="getLicence",
    response_class=PlainTextResponse,
    responses=_NOT_THERE,
)
async def get_licence(request: Request, twin: str, dataset: uuid.UUID) -> str:
    """What whoever delivered it declared, as text."""
    services: Services = request.app.state.services
    services.twin(twin)
    entry = await find(request, twin, str(dataset))
    if entry.licence is None:
        raise NotFoundError(
            f"Nobody declared a licence for dataset '{entry.name}'. Ask who delivered it.",
            f"数据集“{entry.name}”未声明许可，请向提交单位询问。",
        )
    return entry.licence


def disposition(name: str) -> str:
    """Content-Disposition that saves under ``name`` (RFC 6266; UTF-8 after RFC 8187), with an
    ASCII name for old clients. Folders of the delivery are left out."""
    last = PurePosixPath(name).name or "file"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in last)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"


def _allowed(original: Original, right: Right | None) -> bool:
    """Whether every dataset that the content filled is open, or ``right`` is good for it."""
    return original.fills and all(
        right is not None and right.covers(str(dataset), organisation)
        for dataset, organisation in original.restricted.items()
    )


def _listed(file: dict[str, Any], received: Any, href: str) -> dict[str, Any]:
    about = {name: file[name] for name in ("id", "name", "sha256", "size")}
    return {**about, "received": received.isoformat(), "href": href}


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _not_there() -> NotFoundError:
    return NotFoundError(
        "There is no such file, or it is not yours: rights end, and links with them. Ask whoever "
        "runs this service for a link.",
        "没有该文件，或您无权下载：授权有期限，链接到期失效。请向发布单位索取链接。",
    )
