"""Addresses that are too long to be read: refused as everything else is, by a problem document."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from twin.api.errors import problem

#: Bytes of a request's path and query: with method and version they fit the 64 KiB that nginx is
#: told to read (:mod:`twin.nginx`), and stay below what the parser of uvicorn can split.
MOST_BYTES: Final = 65_000
TOO_LONG: Final = (
    f"The address is longer than {MOST_BYTES} bytes. Simplify the geometry of filter, write its "
    "coordinates with fewer digits, or ask in parts.",
    f"地址超过 {MOST_BYTES} 字节。请简化 filter 中的几何、减少坐标小数位，或分多次查询。",
)


class AddressLength:
    """ASGI middleware: 414 for an address of more than :data:`MOST_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        app = self.app
        if scope["type"] == "http":
            path, query = scope.get("raw_path") or b"", scope["query_string"]
            if len(path) + len(query) + bool(query) > MOST_BYTES:
                app = problem(Request(scope), 414, *TOO_LONG)
        await app(scope, receive, send)
