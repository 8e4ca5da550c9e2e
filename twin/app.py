"""The application: the only place that puts the parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from models.db.pool import open_pool
from models.twins import load_twins
from tiles.errors import TileNotFoundError
from twin.api import errors, health, openapi, tiles, twins
from twin.logs import RequestLog
from twin.services import Services
from twin.settings import Settings
from twin.web import mount

errors.STATUS[TileNotFoundError] = 404


def create_app(settings: Settings, read_url: str) -> FastAPI:
    """The HTTP service over the database at ``read_url`` and the tiles in ``settings.home``.

    Raises :class:`models.errors.TwinDefinitionError` for a broken twin definition, and on start
    :class:`models.errors.DatabaseError` where the database cannot be reached; when it goes away
    later, ``/readyz`` says so and the pool connects again.
    """
    definitions = load_twins(settings.twins_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool(read_url, statement_seconds=settings.statement_timeout) as pool:
            app.state.services = Services(definitions, settings.tiles_dir.absolute(), pool)
            yield

    app = FastAPI(
        title="cim-twin",
        version=version("cim-twin"),
        description="City twins: layers as 3D Tiles 1.1, features with their attributes.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )

    @app.get("/api", tags=["service"], summary="This document: OpenAPI 3.0.3")
    async def api() -> JSONResponse:
        media = "application/vnd.oai.openapi+json;version=3.0"
        return JSONResponse(openapi.document(app), media_type=media)

    errors.install(app)
    for router in (health.router, twins.router, tiles.router):
        app.include_router(router)
    mount(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=["ETag", "Content-Length", "Content-Range", "X-Request-ID"],
        max_age=86400,
    )
    app.add_middleware(RequestLog)
    return app


def from_environment() -> FastAPI:
    """The application for a worker process of ``twin serve --workers``; see :mod:`twin.serving`."""
    from twin.serving import worker_settings

    settings, read_url = worker_settings()
    return create_app(settings, read_url)
