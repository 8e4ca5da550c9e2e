"""The viewer: static files, served with a strict Content-Security-Policy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
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


#: What the page stands on comes from npm and is not in the repository.
_MISSING: Final = (
    "浏览器页面所需的第三方文件（CesiumJS）缺失（twin/web/vendor）。接口和瓦片不受影响。"
    "请在源码目录运行 `make setup`，或安装在其后构建的发行包。",
    "The viewer's third-party files (CesiumJS) are missing (twin/web/vendor); the API and "
    "the tiles do not need them. Run `make setup` in the source tree, or install a package built "
    "after that.",
)


class _Static(StaticFiles):
    """Static files; versioned folders (``name@version``) never change and are cached for ever."""

    async def check_config(self) -> None:
        """A folder that is not there holds no files: 404, not 500."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        forever = "@" in path.split("/", 1)[0]
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if forever else "public, no-cache"
        )
        return response


def missing() -> str | None:
    """What to do where the viewer's third-party files are not there (zh, en); None if they are."""
    return None if (_HERE / "vendor/manifest.json").is_file() else "\n".join(_MISSING)


def mount(app: FastAPI) -> None:
    """Serve the viewer at ``/`` and its files below ``/static``."""
    app.mount("/static/vendor", _Static(directory=_HERE / "vendor", check_dir=False), name="vendor")
    static = _Static(directory=_HERE / "static", check_dir=False)
    app.mount("/static", static, name="static")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        fault = missing()
        if fault is not None:
            return PlainTextResponse(fault, 503)
        response = await static.get_response("index.html", request.scope)
        response.headers["Content-Security-Policy"] = _POLICY
        return response
