"""The command line: ``twin``. Exit status 0 done, 1 findings or partial, 2 cannot run."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.readers.base import ReadOptions
from models.errors import TwinError
from models.features import Theme
from models.twins import TwinDefinition, find_twin, load_twins
from tiles.build import BuildReport
from twin import database_commands, flow, report, runtime, tiling
from twin.console import err, out
from twin.samples import samples as list_samples
from twin.settings import Settings

DONE, PARTIAL, CANNOT = 0, 1, 2

app = typer.Typer(
    help="城市孪生服务 City twin service: deliveries → checks → PostGIS → 3D Tiles → viewer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(database_commands.app, name="db")

Files = Annotated[list[Path], typer.Argument(help="交付文件 Delivered files", show_default=False)]
Twin = Annotated[str, typer.Option("--twin", help="孪生体 Twin id (models/data/twins)")]
MaybeTwin = Annotated[str | None, typer.Option("--twin", help="孪生体 Twin id")]
Crs = Annotated[str | None, typer.Option("--crs", help="平面坐标系 Horizontal CRS: EPSG:4549")]
Vertical = Annotated[
    str | None,
    typer.Option(
        "--vertical", help="高程基准 Vertical datum: 1985, 1956, wusong:1.6587, egm96, ellipsoidal"
    ),
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="文本编码 Text encoding")]
Layer = Annotated[str | None, typer.Option("--layer", help="图层 Layer")]
Profile = Annotated[str | None, typer.Option("--profile", help="列名配置 Column-alias profile")]
Mapping = Annotated[
    Path | None,
    typer.Option("--mapping", help="列名映射 YAML file {source column: canonical column}"),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")]
Report = Annotated[
    Path | None, typer.Option("--report", help="报告 Write all findings: .json or .geojson")
]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", min=1, help="单个 IFC 限时（秒） Seconds for one IFC file")
]


@app.command()
def check(
    files: Files,
    twin: MaybeTwin = None,
    profile: Profile = None,
    crs: Crs = None,
    vertical: Vertical = None,
    encoding: Encoding = None,
    layer: Layer = None,
    mapping: Mapping = None,
    time_limit: TimeLimit = 600,
    report_file: Report = None,
    as_json: AsJson = False,
) -> None:
    """检查交付文件，不入库。Check deliveries; needs no database."""
    settings = Settings()
    if report_file is not None:
        report.require(report_file)
    options = flow.options(crs, vertical, encoding, layer, profile, mapping, time_limit)
    definition = _twin(settings, twin) if twin else None
    outcomes = flow.check(files, options, definition, settings.storage_srid)
    _conclude(outcomes, settings, report_file, as_json)


@app.command()
def ingest(
    files: Files,
    twin: Twin,
    dataset: Annotated[str | None, typer.Option(help="数据集名 Dataset name")] = None,
    theme: Annotated[Theme | None, typer.Option(help="只收此类 Take only this theme")] = None,
    crs: Crs = None,
    vertical: Vertical = None,
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="生效日期 True in the city since")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="整体替换数据集 May end most of the dataset")
    ] = False,
    profile: Profile = None,
    encoding: Encoding = None,
    layer: Layer = None,
    mapping: Mapping = None,
    time_limit: TimeLimit = 600,
    report_file: Report = None,
    as_json: AsJson = False,
) -> None:
    """检查并入库。Check deliveries and store what passes."""
    settings = Settings()
    if report_file is not None:
        report.require(report_file)
    options = flow.options(crs, vertical, encoding, layer, profile, mapping, time_limit)
    definition = _twin(settings, twin)
    since: date | None = valid_from.date() if valid_from else None
    with runtime.database(settings) as database:
        outcomes = flow.ingest(
            settings, database.url, files, options, definition, dataset, theme, since, replace
        )
    _conclude(outcomes, settings, report_file, as_json)


@app.command()
def tile(
    twin: MaybeTwin = None,
    layer: Annotated[str | None, typer.Option(help="图层 buildings, bim or pipes")] = None,
    profile: Annotated[
        str, typer.Option(help="瓦片格式 default（压缩 compressed）, compat")
    ] = "default",
    to: Annotated[Path | None, typer.Option("--out", help="输出目录 Folder for the tiles")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="进程数，默认每核一个 Processes (default one a core)"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """生成三维瓦片。Turn what is stored into 3D Tiles and switch to them."""
    settings = Settings()
    twins = load_twins(settings.twins_dir)
    chosen = [find_twin(twins, twin)] if twin else list(twins.values())
    with runtime.database(settings) as database:
        reports = tiling.tile(settings, database.url, chosen, layer, profile, to, workers)
    if as_json:
        _print_json([tiling.report_dict(name, r) for name, r in reports])
    for name, r in reports:
        if not as_json:
            out.print(
                f"{name}/{r.layer}: {r.features_in} 要素 features, {r.in_tiles} 入瓦片 in "
                f"{r.tiles} tiles, {len(r.refused)} 未绘 not drawn, {r.bytes / 1e6:.2f} MB, "
                f"{r.seconds:.1f} s"
            )
        if not as_json:
            _tell_refused(r)
    if not reports:
        err.print(
            "没有可切片的要素，请先 twin ingest。Nothing to tile yet: run `twin ingest` first."
        )
        raise typer.Exit(CANNOT)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址 Address (default 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口 Port")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="进程数 Processes")] = 1,
) -> None:
    """提供 HTTP 服务和浏览器页面。Serve the API, the tiles and the viewer."""
    from twin import serving

    settings = Settings()
    sock = serving.listen(host or settings.host, settings.port if port is None else port)
    with runtime.database(settings) as database:
        tiling.migrate(settings, database.url)
        serving.serve(settings, database.read_url, sock, workers, _announce)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口 Port")] = None,
) -> None:
    """启动全部：数据库、接口、页面；Ctrl-C 停止。Start everything; Ctrl-C stops all."""
    from models.db.lock import home_lock
    from twin import serving

    settings = Settings()
    with home_lock(settings.home):
        sock = serving.listen(settings.host, settings.port if port is None else port)
        with runtime.database(settings) as database:
            tiling.migrate(settings, database.url)
            serving.serve(settings, database.read_url, sock, 1, _announce)


@app.command()
def samples(
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="已载入则跳过 Skip what is loaded and tiled")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """载入样例并切片。Load data-samples into their twins and tile them."""
    settings = Settings()
    with runtime.database(settings) as database:
        outcomes, reports = flow.load_samples(settings, database.url, list_samples(), if_empty)
    for name, r in reports if not as_json else ():
        out.print(
            f"{name}/{r.layer}: {r.in_tiles} 要素 features, {r.tiles} 瓦片 tiles, {r.seconds:.1f} s"
        )
    _conclude(outcomes, settings, None, as_json)


def main() -> None:
    """Run the command line; errors become one clear line in two languages."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        app()  # prints wrong usage and ends with 2, interrupted with 130
    except TwinError as error:
        err.print(f"[red]{error.code}[/] ", end="")
        err.print(f"{error.zh}\n{error.en}", markup=False)
        sys.exit(CANNOT)


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _twin(settings: Settings, twin: str) -> TwinDefinition:
    return find_twin(load_twins(settings.twins_dir), twin)


def _tell_refused(tiled: BuildReport) -> None:
    """Faults one by one; what is left out by design (SKIP) as a count of each kind."""
    for code, count in Counter(r.code for r in tiled.refused if r.code.startswith("SKIP")).items():
        one = next(r for r in tiled.refused if r.code == code)
        err.print(f"  {code} × {count}: {one.zh} {one.en}", markup=False)
    faults = [r for r in tiled.refused if not r.code.startswith("SKIP")]
    for fault in faults[:20]:
        err.print(f"  {fault.code} {fault.id}: {fault.zh} {fault.en}", markup=False)
    if len(faults) > 20:
        err.print(f"  … 另有 {len(faults) - 20} 个，见 --json ({len(faults) - 20} more)")


def _announce(address: str) -> None:
    out.print(f"就绪 Ready: {address}  (Ctrl-C 停止 stops)")


def _conclude(
    outcomes: list[flow.Outcome], settings: Settings, report_file: Path | None, as_json: bool
) -> None:
    """Print what became of every file and set the exit status."""
    findings = [f for outcome in outcomes for f in outcome.findings]
    summary: dict[str, Any] = {"files": [outcome.as_dict() for outcome in outcomes]}
    if report_file is not None:
        report.write(report_file, findings, summary, settings.storage_srid)
    if as_json:
        _print_json({**summary, "findings": [f.as_dict() for f in findings]})
    else:
        report.show(err, findings)
        for outcome in outcomes:
            out.print(outcome.line(), markup=False)
    usable = any(outcome.accepted for outcome in outcomes)
    clean = all(outcome.clean for outcome in outcomes)
    if outcomes and not usable and not clean:
        raise typer.Exit(CANNOT)
    if not clean:
        raise typer.Exit(PARTIAL)


def _print_json(value: Any) -> None:
    out.print(json.dumps(value, ensure_ascii=False, default=str), markup=False, soft_wrap=True)


__all__ = ["ReadOptions", "app", "main"]
