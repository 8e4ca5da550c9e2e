"""The application: the only place that puts the parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from models.crs import StorageCrs
from models.db.pool import open_pool
from models.twins import load_twins
from tiles.errors import TileNotFoundError
from twin.analyses.service import AnalysisService
from twin.api import analyses, errors, health, openapi, places, tiles, twins
from twin.api.mvt import definitions as mvt_definitions
from twin.api.mvt import routes as mvt
from twin.api.mvt.tiles import VectorTiles
from twin.api.ogc import routes as ogc
from twin.api.ogc.service import FeatureService
from twin.api.parameters import BAD_REQUEST, known_parameters
from twin.api.space import geovolumes
from twin.dynamic import DynamicTiles
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
            app.state.analyses = AnalysisService(read_url, settings.home.absolute())
            app.state.features = FeatureService(
                app.state.services, StorageCrs(settings.storage_srid)
            )
            app.state.vector_tiles = VectorTiles(
                app.state.services, StorageCrs(settings.storage_srid)
            )
            app.state.dynamic_tiles = DynamicTiles(
                app.state.services, read_url, StorageCrs(settings.storage_srid)
            )
            yield
            app.state.dynamic_tiles.close()
            app.state.analyses.cache.cities.close()

    app = FastAPI(
        title="cim-twin",
        version=version("cim-twin"),
        description="城市孪生：三维瓦片图层与要素属性。"
        "City twins: layers as 3D Tiles 1.1, features with their attributes.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )

    strict: dict[str, Any] = {"dependencies": [Depends(known_parameters)], "responses": BAD_REQUEST}

    @app.get("/api", tags=["service"], summary="本文档 This document: OpenAPI 3.0.3", **strict)
    async def api() -> JSONResponse:
        media = "application/vnd.oai.openapi+json;version=3.0"
        return JSONResponse(openapi.document(app), media_type=media)

    errors.install(app)
    app.include_router(health.router, **strict)
    app.include_router(twins.router, **strict)
    app.include_router(analyses.router, **strict)
    app.include_router(ogc.router)  # it refuses unknown parameters by itself
    app.include_router(mvt_definitions.router, **strict)
    app.include_router(mvt.router, **strict)
    app.include_router(geovolumes.router, **strict)
    app.include_router(places.router, **strict)
    # files: clients add `?v=…` against caches, and Cesium sends a tileset's query with its contents
    app.include_router(tiles.router)
    app.include_router(tiles.terrain)
    mount(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=[
            *("ETag", "Content-Length", "Content-Range", "X-Request-ID"),
            *("Content-Crs", "Link", "Retry-After"),
        ],
        max_age=86400,
    )
    app.add_middleware(RequestLog)
    return app


def from_environment() -> FastAPI:
    """The application for a worker process of ``twin serve --workers``; see :mod:`twin.serving`."""
    from twin.serving import worker_settings

    settings, read_url = worker_settings()
    return create_app(settings, read_url)
