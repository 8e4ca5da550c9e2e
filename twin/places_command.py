"""``twin places``: reading an address table into a twin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.console import counted, err, out
from twin.settings import Settings

#: Rows whose refusal is told one by one.
_TOLD = 20


def places(
    file: Annotated[Path, typer.Argument(help="地名地址表 CSV Address table", exists=True)],
    twin: Annotated[str, typer.Option("--twin", help="孪生体 Twin id")],
    crs: Annotated[str, typer.Option("--crs", help="坐标系 CRS of its positions, e.g. EPSG:4490")],
    vertical: Annotated[
        str | None, typer.Option(help="高程基准，有高程列时必填 Datum of its heights, e.g. 1985")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="表名，默认文件名 Its name; another of that name is replaced")
    ] = None,
) -> None:
    """读入地名地址表。Read a table of names and addresses, to be searched."""
    from ingest.readers import addresses
    from models.crs import StorageCrs
    from models.db import places_store
    from models.db.connection import connect
    from models.features import SourceFile
    from models.twins import find_twin, load_twins
    from twin import runtime

    settings = Settings()
    definition = find_twin(load_twins(settings.twins_dir), twin)
    storage = StorageCrs(settings.storage_srid)
    table = addresses.read(file, crs, storage, vertical, n_offset=definition.n_offset)
    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        with connect(database.url) as conn:
            digest = SourceFile.of(file).sha256
            places_store.store(conn, definition.id, name or file.stem, digest, table.places)
    for finding in table.findings[:_TOLD]:
        err.print(f"{finding.code} {finding.zh} {finding.en}", markup=False)
    if table.unused:
        names = ", ".join(table.unused)
        err.print(f"未采用的列 columns that were not used: {names}", markup=False)
    out.print(
        f"{definition.id}: {counted(len(table.places), '地名地址', 'place')}, "
        f"{len(table.findings)} 行未采用 rows left out",
        markup=False,
    )
    if table.findings:
        raise typer.Exit(1)
