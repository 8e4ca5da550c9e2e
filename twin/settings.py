"""Settings: the only place that reads the environment (``TWIN_*``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import DirectoryPath, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from models.errors import TwinError
from twin.validation import expectation, told


class SettingsError(TwinError):
    """A setting's value cannot be used; the sentence names its environment variable."""

    code = "SET-02"


class Settings(BaseSettings):
    """What can be set from outside; every value has a default that works on one machine.

    ``home`` holds the embedded database, tiles and logs. ``database_url`` (``postgresql://…``)
    replaces the embedded database by any PostGIS 3.3 or newer. ``storage_srid`` is the EPSG code
    of the storage CRS; it is fixed when a database is first migrated. ``twins_dir`` adds twin
    definitions (YAML) to the ones that ship. ``tiles_url`` (``s3://bucket/prefix``) is where tiles
    are instead of the home folder; terrain stays there. ``dynamic_…`` bound what tilesets on demand
    (:mod:`twin.dynamic`) may cost. Raises :class:`SettingsError`.
    """

    model_config = SettingsConfigDict(env_prefix="TWIN_", extra="ignore")

    home: Path = Path(".twin")
    database_url: str | None = None
    storage_srid: int = 4549
    twins_dir: DirectoryPath | None = None
    tiles_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    cors_origins: list[str] = ["*"]
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    statement_timeout: float = Field(default=10.0, gt=0, description="seconds, for reads over HTTP")
    dynamic_cache: int = Field(default=2 << 30, ge=0, description="bytes on disk")
    dynamic_features: int = Field(default=50_000, gt=0, description="that a question may select")
    dynamic_timeout: float = Field(default=20.0, gt=0, description="seconds")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            faults = [_fault(dict(fault)) for fault in error.errors()]
            raise SettingsError(
                "; ".join(en for en, _ in faults) + ". Correct the environment, or leave it out.",
                "；".join(zh for _, zh in faults) + "。请更正该环境变量，或不设置。",
            ) from error
        except UnreadableSettingError as error:  # a list that is not JSON; it names the field
            raise SettingsError(
                f"{error}. Lists are JSON: TWIN_CORS_ORIGINS='[\"https://maps.example\"]'.",
                "列表类设置（TWIN_CORS_ORIGINS）无法解析，应为 JSON，"
                "如 TWIN_CORS_ORIGINS='[\"https://maps.example\"]'。",
            ) from error

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: str | None) -> str | None:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError(
                "expected a URL such as postgresql://user@host:5432/name",
                "应为形如 postgresql://user@host:5432/name 的 URL",
            )
        return url

    @field_validator("tiles_url")
    @classmethod
    def _is_bucket(cls, url: str | None) -> str | None:
        if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w./=-]*)?", url):
            raise ValueError(
                "expected an address such as s3://bucket/prefix", "应为形如 s3://桶/前缀 的地址"
            )
        return url or None

    @property
    def tiles_dir(self) -> Path:
        """Where the tile store lives."""
        return self.home / "tiles"


def _fault(fault: dict[str, Any]) -> tuple[str, str]:
    name = f"TWIN_{'_'.join(map(str, fault['loc']))}".upper()
    # a database URL may hold a password, and is not repeated
    en, zh = expectation(fault) if fault["loc"] == ("database_url",) else told(fault)
    return f"{name}: {en}", f"{name}：{zh}"
