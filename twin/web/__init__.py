"""The viewer: static files, served with a strict Content-Security-Policy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE: Final = Path(__file__).parent

#: CesiumJS decodes in WebAssembly and in workers started from blobs; nothing leaves the host.
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "img-src 'self' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)


class _Static(StaticFiles):
    """Static files; versioned folders (``name@version``) never change and are cached for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        forever = "@" in path.split("/", 1)[0]
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if forever else "public, no-cache"
        )
        return response


def mount(app: FastAPI) -> None:
    """Serve the viewer at ``/`` and its files below ``/static``."""
    app.mount("/static/vendor", _Static(directory=_HERE / "vendor", check_dir=False), name="vendor")
    app.mount("/static", _Static(directory=_HERE / "static", check_dir=False), name="static")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> FileResponse:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "public, no-cache"}
        return FileResponse(_HERE / "static" / "index.html", headers=headers)
