"""``/healthz`` (the process), ``/readyz`` (database, migrations, tiles)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from models.errors import TwinError
from twin.services import Services

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="进程在运行 The process answers")
async def healthz() -> dict[str, str]:
    """Says that the process runs; looks at nothing else."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="服务就绪 Database, migrations and tiles are there",
    responses={503: {"description": "未就绪 Not ready", "content": {"application/json": {}}}},
)
async def readyz(request: Request) -> JSONResponse:
    """200 when all checks are fine, 503 with the failing ones otherwise."""
    services: Services = request.app.state.services
    checks: dict[str, dict[str, object]] = {}
    try:
        checks["database"] = {"ok": await services.answers()}
        migrations = await services.migrations()
        checks["migrations"] = {"ok": migrations["current"] == migrations["head"], **migrations}
        tiles = await services.tiles_state()
        checks["tiles"] = {"ok": all(t["ready"] for t in tiles.values()), "layers": tiles}
    except TwinError as error:
        checks["database"] = {"ok": False, "en": error.en, "zh": error.zh}
    ready = len(checks) == 3 and all(check["ok"] for check in checks.values())
    told = {"status": "ready" if ready else "not ready", "checks": checks}
    headers = None if ready else {"Retry-After": "5", "Cache-Control": "no-store"}
    return JSONResponse(told, 200 if ready else 503, headers)
