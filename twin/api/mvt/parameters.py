"""Query and path parameters of vector tiles, as the API definition tells them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query

from models.mvt.grid import DEEPEST
from twin.api.ogc.patterns import MOMENT, PERIOD

Json = Annotated[Literal["json"], Query(alias="f", description="表示形式 Representation")]
Tile = Annotated[Literal["mvt"], Query(alias="f", description="表示形式 Representation")]
Version = Annotated[
    str | None,
    Query(
        alias="v",
        max_length=64,
        description="TileJSON 中的版本，与现行版本一致时可永久缓存 Version, as in the TileJSON; "
        "a tile of the current one may be cached for ever",
    ),
]
Moment = Annotated[
    str | None,
    Query(
        alias="datetime",
        description="城市时间：时刻、日期或区间；默认现在 Moment, day or period in the city; now",
        json_schema_extra={"pattern": PERIOD},
    ),
]
AsOf = Annotated[
    str | None,
    Query(
        alias="as-of",
        description="记录时间：当时掌握的数据 Record time: what was held then",
        json_schema_extra={"pattern": f"^{MOMENT}$"},
    ),
]
Zoom = Annotated[int, Path(ge=0, le=DEEPEST, description="级别 Tile matrix")]
Row = Annotated[int, Path(ge=0, description="行，自上而下 Row, from the top")]
Col = Annotated[int, Path(ge=0, description="列 Column")]
