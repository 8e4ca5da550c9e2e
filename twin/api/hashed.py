"""Tiles named by their content's hash, answered before all routing: most requests ask for one.

What is answered is what :mod:`twin.api.tiles` answers. Finding the route and its parameters takes
several times as long as reading such a file, so it is left out where nothing but the file is asked
for and it is there; whatever else is asked goes on.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import TwinError
from tiles.store.directory import NAME
from twin.api.files import respond
from twin.services import Services

_PATH: Final = re.compile(rf"/tiles/([A-Za-z0-9_-]+)/([a-z]+)/({NAME.pattern})")


class HashedTiles:
    """ASGI middleware; put it next to the application, within all others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        plain = scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]
        match = _PATH.fullmatch(scope["path"]) if plain else None
        if match is not None:
            services: Services = scope["app"].state.services
            twin, layer, name = match.groups()[:3]
            try:
                away = services.bucket(twin, layer) is not None
                file = None if away else await services.tile(twin, layer, name)
            except TwinError:
                file = None  # the application tells why
            if file is not None:
                await respond(Request(scope), file)(scope, receive, send)
                return
        await self.app(scope, receive, send)
