"""Rights to original files, and pruning these: ``twin datasets link``, ``grant``, ``revoke`` and
``prune``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from twin.catalogue import DatasetError, Name, Theme, one_dataset, read_catalogue
from twin.console import counted, err, out, print_json
from twin.options import AsJson, Twin
from twin.settings import Settings

Hours = Annotated[float, typer.Option(min=0.01, max=24 * 366, help="有效小时数 Hours")]


def link(
    name: Name,
    twin: Twin,
    theme: Theme = None,
    hours: Hours = 24,
    to: Annotated[str, typer.Option(help="给谁，记入日志 To whom, for the log", max=200)] = "-",
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="服务地址 Address of the service")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """生成限时下载链接。Make links to the originals that end after some hours.

    任何持有链接者均可下载。Whoever has such a link may download with it.
    """
    from models.db.entries import entry_id
    from twin.api.ogc.links import address
    from twin.rights import Right

    settings = Settings()
    entry, lineage = one_dataset(twin, name, theme)
    files = [f for d in lineage.deliveries for f in d["files"] if f["original"] == "kept"]
    if not files:
        raise DatasetError(
            f"No original of {twin}/{name} is kept. Deliver it again with `twin ingest`.",
            f"{twin}/{name} 没有保存的原始文件。请用 `twin ingest` 重新提交。",
        )
    ends = _ends(hours)
    dataset = str(entry_id(twin, entry.name, entry.theme))
    token = _key(settings).sign(Right(twin, dataset, ends, to))
    base = (base_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    made = {
        "right": token,
        "ends": datetime.fromtimestamp(ends, UTC).isoformat(),
        "list": address(f"{base}/twins/{twin}/datasets/{dataset}/originals", {"right": token}),
        "files": [
            {
                "name": f["name"],
                "href": address(f"{base}/twins/{twin}/originals/{f['id']}", {"right": token}),
            }
            for f in files
        ],
    }
    if as_json:
        print_json(made)
        return
    err.print(f"至 until {made['ends']}; 清单 list:", markup=False)
    out.print(made["list"], markup=False)
    for file in made["files"]:
        out.print(f"{file['name']}\n{file['href']}", markup=False)


def grant(
    organisation: Annotated[
        str, typer.Argument(help="提交单位 Organisation that delivered", show_default=False)
    ],
    twin: Twin,
    hours: Hours = 24,
    as_json: AsJson = False,
) -> None:
    """授权单位下载其原始文件。Let an organisation have its originals.

    令牌放入请求头 Authorization: Bearer；期内新交的也包括。
    The token goes into that header; what is delivered until it ends is covered too.
    """
    from twin.rights import Right

    mine = [entry for pairs in read_catalogue(twin).values() for entry, _ in pairs]
    known = sorted({entry.organisation for entry in mine if entry.organisation is not None})
    if organisation not in known:
        there = ", ".join(known) or "–"
        raise DatasetError(
            f"No dataset of {twin} is of organisation {organisation}; expected one of: {there}. "
            "Correct the name.",
            f"{twin} 没有单位 {organisation} 的数据集；可用：{there}。请更正名称。",
        )
    ends = _ends(hours)
    token = _key(Settings()).sign(Right(twin, None, ends, organisation, organisation))
    until = datetime.fromtimestamp(ends, UTC).isoformat()
    if as_json:
        print_json({"right": token, "ends": until, "organisation": organisation})
        return
    err.print(f"至 until {until}:", markup=False)
    out.print(token, markup=False, soft_wrap=True)


def revoke(
    yes: Annotated[bool, typer.Option("--yes", help="确认 Every link so far ends")] = False,
) -> None:
    """作废全部已发出的链接。End every link and right that was given so far."""
    if not yes:
        err.print("将作废全部链接，请加 --yes。This ends every link that was given: add --yes.")
        raise typer.Exit(2)
    _key(Settings()).renew()
    out.print("已更换密钥 another key; earlier links no longer work")


def prune(
    older_than: Annotated[
        float, typer.Option("--older-than", min=0, help="早于多少天 Received so many days ago")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="确认删除 Delete, not only count")] = False,
    as_json: AsJson = False,
) -> None:
    """删除旧的原始文件，各数据集最新一次提交除外。Delete old originals.

    Those of the newest delivery of each dataset stay, and so does what the catalogue says of all.
    """
    import time

    from models.db import deliveries
    from models.db.connection import connect
    from twin import runtime
    from twin.deliveries import store

    settings = Settings()
    originals = store(settings)
    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        with connect(database.url) as conn:
            old = deliveries.prunable(conn, datetime.now(UTC) - timedelta(days=older_than))
            known = deliveries.known_contents(conn)
            day = time.time() - 24 * 3600  # younger ones may belong to a delivery under way
            stray = [
                sha256
                for sha256 in originals.contents()
                if sha256 not in known and originals.path(sha256).stat().st_mtime < day
            ]
            if yes:
                for sha256, _ in old:
                    deliveries.removed(conn, sha256)
                    originals.remove(sha256)
                for sha256 in stray:
                    originals.remove(sha256)
                originals.sweep()
    size = sum(size for _, size in old)
    if as_json:
        print_json({"deleted": yes, "files": len(old), "bytes": size, "stray": len(stray)})
        return
    done = "已删除 deleted" if yes else "将删除（加 --yes 执行） would delete (add --yes)"
    told = counted(len(old), "原始文件", "original")
    out.print(
        f"{done}: {told}, {size / 1e6:.1f} MB, {len(stray)} 无主 of no delivery", markup=False
    )


def _ends(hours: float) -> int:
    return int((datetime.now(UTC) + timedelta(hours=hours)).timestamp())


def _key(settings: Settings) -> Any:
    from twin.rights import RightsKey

    return RightsKey(settings.home / "originals.key")
