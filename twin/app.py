"""The application: the only place that puts the parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from models.crs import StorageCrs
from models.db.pool import open_pool
from models.originals import Originals
from models.twins import load_twins
from tiles.errors import TileNotFoundError
from twin.analyses.service import AnalysisService
from twin.api import (
    analyses,
    analyses_definition,
    errors,
    health,
    openapi,
    originals,
    places,
    tiles,
    twins,
)
from twin.api.address_length import AddressLength
from twin.api.caching import Caching
from twin.api.gone import UntilAnswered
from twin.api.hashed import HashedTiles
from twin.api.heads import Heads
from twin.api.mvt import definitions as mvt_definitions
from twin.api.mvt import routes as mvt
from twin.api.mvt.tiles import VectorTiles
from twin.api.ogc import routes as ogc
from twin.api.ogc.service import FeatureService
from twin.api.parameters import PROBLEMS, known_parameters
from twin.api.records import routes as records
from twin.api.space import geovolumes
from twin.dynamic import Bounds, DynamicTiles
from twin.logs import RequestLog
from twin.rights import RightsKey
from twin.services import Services, TilesAwayError
from twin.settings import Settings
from twin.tile_stores import places as tile_places
from twin.web import mount

errors.STATUS[TileNotFoundError] = 404
errors.STATUS[TilesAwayError] = 503


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
            app.state.services = Services(
                definitions, settings.tiles_dir.absolute(), pool, tile_places(settings, None)
            )
            app.state.analyses = AnalysisService(
                read_url, settings.home.absolute(), seconds=settings.statement_timeout
            )
            app.state.features = FeatureService(
                app.state.services, StorageCrs(settings.storage_srid)
            )
            app.state.originals = originals.Access(
                Originals(settings.home.absolute() / "originals"),
                RightsKey(settings.home.absolute() / "originals.key"),
            )
            app.state.vector_tiles = VectorTiles(
                app.state.services, StorageCrs(settings.storage_srid)
            )
            app.state.dynamic_tiles = DynamicTiles(
                app.state.services,
                read_url,
                StorageCrs(settings.storage_srid),
                settings.home.absolute(),
                Bounds(
                    features=settings.dynamic_features,
                    seconds=settings.dynamic_timeout,
                    bytes=settings.dynamic_cache,
                ),
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

    strict: dict[str, Any] = {"dependencies": [Depends(known_parameters)], "responses": PROBLEMS}

    @app.get("/api", tags=["service"], summary="本文档 This document: OpenAPI 3.0.3", **strict)
    async def api() -> JSONResponse:
        media = "application/vnd.oai.openapi+json;version=3.0"
        return JSONResponse(app.state.definition(), media_type=media)

    errors.install(app)
    app.include_router(health.router, **strict)
    app.include_router(twins.router, **strict)
    app.include_router(analyses.router, **strict)
    # before the features: its collection is none of theirs
    app.include_router(records.router)
    app.include_router(ogc.router)  # it refuses unknown parameters by itself
    app.include_router(mvt_definitions.router, **strict)
    app.include_router(mvt.router, **strict)
    app.include_router(geovolumes.router, **strict)
    app.include_router(places.router, **strict)
    app.include_router(originals.router, **strict)
    app.include_router(tiles.router, **strict)
    app.include_router(tiles.terrain, **strict)
    mount(app)
    app.state.definition = cache(
        lambda: openapi.document(app, analyses_definition.paths(), analyses_definition.schemas())
    )
    app.add_middleware(AddressLength)
    app.add_middleware(UntilAnswered)
    app.add_middleware(Caching)
    app.add_middleware(Heads)
    app.add_middleware(HashedTiles)
    app.add_middleware(errors.Unexpected)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=[
            *("ETag", "Content-Length", "Content-Range", "X-Request-ID"),
            *("Content-Crs", "Content-Disposition", "Link", "Retry-After"),
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
