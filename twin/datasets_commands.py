"""``twin datasets``: the catalogue from the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from twin.catalogue import Name, Theme, one_dataset, read_catalogue
from twin.console import out, print_json
from twin.links_commands import grant, link, prune, revoke
from twin.options import AsJson, MaybeTwin, OptionError, Twin, Visibility
from twin.settings import Settings

if TYPE_CHECKING:
    from models.db.entries import Entry

app = typer.Typer(
    help="数据集目录 Catalogue: lineage, licence, original files and who may have them."
)


@app.command("list")
def list_(twin: MaybeTwin = None, as_json: AsJson = False) -> None:
    """列出数据集。List the datasets of all twins, or of one."""
    found = [
        (t, entry, lineage) for t, pairs in read_catalogue(twin).items() for entry, lineage in pairs
    ]
    if as_json:
        print_json([{"twin": t, **_plain(entry)} for t, entry, _ in found])
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("孪生 Twin", "数据集 Dataset", "主题 Theme", "版本 Revision", "要素 Features"):
        table.add_column(title.replace(" ", "\n"), no_wrap=True)  # a name that is cut is no name
    for title in ("许可 Licence", "原始文件 Originals", "提交 Delivered by"):
        table.add_column(title.replace(" ", "\n", 1), overflow="fold")
    for t, entry, _ in found:
        table.add_row(
            *(t, entry.name, entry.theme, str(entry.revision or "–"), _text(entry.features)),
            *(entry.licence or "–", entry.visibility, entry.organisation or "–"),
        )
    out.print(table)


@app.command()
def show(name: Name, twin: Twin, theme: Theme = None, as_json: AsJson = False) -> None:
    """显示一个数据集及其来源。Show a dataset with its revisions and deliveries."""
    entry, lineage = one_dataset(twin, name, theme)
    if as_json:
        print_json({"twin": twin, **_plain(entry), "lineage": asdict(lineage)})
        return
    for key, value in _plain(entry).items():
        if value is not None:
            out.print(f"{key}: {value}", markup=False)
    for revision in lineage.revisions:
        kind = "完整 complete" if revision["complete"] else "部分 partial"
        out.print(
            f"版本 revision {revision['number']}: {revision['recorded']:%Y-%m-%d %H:%M} UTC, "
            f"自 from {revision['valid_from']:%Y-%m-%d}, {kind}",
            markup=False,
        )
    for one in lineage.deliveries:
        counts = one["findings"]
        out.print(
            f"提交 delivery {one['received']:%Y-%m-%d %H:%M} UTC, {one['organisation'] or '–'}: "
            f"{one['state']}, {one['features_in']} 条 read, {one['accepted']} 合格 accepted, "
            f"{counts.get('error', 0)} 错误 errors, {counts.get('warning', 0)} 警告 warnings; "
            f"{one['tool']}",
            markup=False,
        )
        for step in one["steps"]:
            known = "?" if step["accuracy"] is None else f"{step['accuracy']:g} m"
            told = f"{step['source']} → {step['target']}: {step['zh']} {step['en']} ({known})"
            out.print(f"  {told}", markup=False)
        for file in one["files"]:
            out.print(
                f"  {file['name']}  {file['size']} B  sha256 {file['sha256']}  {file['original']}",
                markup=False,
            )


@app.command("set")
def set_(
    name: Name,
    twin: Twin,
    theme: Theme = None,
    licence: Annotated[
        str | None, typer.Option(help='许可，"" 为撤销 SPDX id, address or text; "" takes it away')
    ] = None,
    visibility: Annotated[
        Visibility | None, typer.Option(help="原始文件 Who may download the originals")
    ] = None,
    accuracy_note: Annotated[
        str | None, typer.Option("--accuracy-note", help="精度说明 A note on the accuracy")
    ] = None,
) -> None:
    """设置许可、原始文件权限与精度说明。Set licence, visibility and note on accuracy."""
    from models.db import deliveries
    from models.db.connection import connect
    from models.licences import read_licence
    from twin import runtime

    if licence is None and visibility is None and accuracy_note is None:
        raise OptionError(
            "There is nothing to set. Expected --licence, --visibility or --accuracy-note; give at "
            "least one.",
            "没有要设置的内容。应有 --licence、--visibility 或 --accuracy-note，请至少给出一个。",
        )
    terms = read_licence(licence).value if licence else licence
    entry, _ = one_dataset(twin, name, theme)
    with runtime.database(Settings()) as database, connect(database.url) as conn:
        deliveries.set_terms(
            conn, twin, entry.name, entry.theme, licence=terms, visibility=visibility,
            accuracy_note=accuracy_note,
        )  # fmt: skip
    out.print(f"已设置 set: {twin}/{entry.name}", markup=False)


app.command()(link)
app.command()(grant)
app.command()(revoke)
app.command()(prune)


def _plain(entry: Entry) -> dict[str, Any]:
    return asdict(entry)


def _text(value: object) -> str:
    return "–" if value is None else str(value)
