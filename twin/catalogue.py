"""The catalogue as the command line reads it, its numbers brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import TwinError
from twin.settings import Settings

if TYPE_CHECKING:
    from models.db.entries import Entry, Lineage

Name = Annotated[str, typer.Argument(help="数据集名 Dataset name", show_default=False)]
Theme = Annotated[
    str | None, typer.Option(help="主题，同名时须给出 Its theme, where two have one name")
]


class DatasetError(TwinError):
    """The dataset that was named is not there, or there are two of that name."""

    code = "CAT-02"


def one_dataset(twin: str, name: str, theme: str | None) -> tuple[Entry, Lineage]:
    """The dataset of that name. Raises :class:`DatasetError`."""
    pairs = read_catalogue(twin)[twin]
    found = [p for p in pairs if p[0].name == name and theme in (None, p[0].theme)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{entry.name} ({entry.theme})" for entry, _ in pairs) or "–"
    raise DatasetError(
        f"{twin} has {len(found)} datasets {name}{'' if theme is None else f' of {theme}'}; "
        f"expected one of: {names}. Correct the name, or add --theme.",
        f"{twin} 有 {len(found)} 个名为 {name} 的数据集；可用：{names}。请更正名称或加 --theme。",
    )


def read_catalogue(twin: str | None) -> dict[str, list[tuple[Entry, Lineage]]]:
    """The catalogue of one twin, or of all, its numbers brought up to date."""
    import asyncio

    from models.db import deliveries
    from models.db.connection import connect
    from models.db.entries import entries, lineages
    from models.db.pool import open_pool
    from models.twins import find_twin, load_twins
    from twin import runtime

    settings = Settings()
    twins = load_twins(settings.twins_dir)
    chosen = [find_twin(twins, twin).id] if twin else list(twins)

    async def read(url: str) -> dict[str, list[tuple[Entry, Lineage]]]:
        out = {}
        async with open_pool(url) as pool:
            for one in chosen:
                listed = await entries(pool, one)
                told = await lineages(pool, one, listed)
                out[one] = [(entry, told[entry.name, entry.theme]) for entry in listed]
        return out

    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        with connect(database.url) as conn:
            for one in chosen:
                deliveries.renew(conn, one)
        return asyncio.run(read(database.read_url))
