"""Settings: the only place that reads the environment (``TWIN_*``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set from outside; every value has a default that works on one machine.

    ``home`` holds the embedded database, tiles and logs. ``database_url`` (``postgresql://…``)
    replaces the embedded database by any PostGIS 3.3 or newer. ``storage_srid`` is the EPSG code
    of the storage CRS; it is fixed when a database is first migrated. ``twins_dir`` adds twin
    definitions (YAML) to the ones that ship.
    """

    model_config = SettingsConfigDict(env_prefix="TWIN_", extra="ignore")

    home: Path = Path(".twin")
    database_url: str | None = None
    storage_srid: int = 4549
    twins_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    cors_origins: list[str] = ["*"]
    log_level: str = "INFO"
    statement_timeout: float = Field(default=10.0, gt=0, description="seconds, for reads over HTTP")

    @property
    def tiles_dir(self) -> Path:
        """Where the tile store lives."""
        return self.home / "tiles"
