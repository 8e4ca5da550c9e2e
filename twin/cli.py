"""The command line: ``twin``. Exit status 0 done, 1 findings or partial, 2 cannot run."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ingest.archives import opened
from models.errors import TwinError
from models.features import Theme
from models.twins import TwinDefinition, find_twin, load_twins
from tiles.build import BuildReport
from tiles.terrain import TerrainReport
from twin import database_commands, flow, report, runtime, tile_check, tiling, usage, web
from twin.analyses_command import query
from twin.console import counted, err, out
from twin.options import Against, AsJson, Declared, Files, MaybeTwin, Output, Port, Twin, shared
from twin.outcome import Outcome
from twin.samples import samples as list_samples
from twin.settings import Settings

DONE, PARTIAL, CANNOT = 0, 1, 2

app = typer.Typer(
    help="城市孪生服务 City twins: deliveries → checks → PostGIS → 3D Tiles → viewer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    # typer counts characters; at 64 of them Chinese lines, too, stay within 80 columns
    context_settings={"max_content_width": 64},
    rich_markup_mode=None,  # rich cuts lines of wide characters short
)
app.add_typer(database_commands.app, name="db")


@app.command()
@shared
def check(
    files: Files,
    declared: Declared,
    against: Against,
    output: Output,
    twin: MaybeTwin = None,
    mapping_out: Annotated[
        Path | None,
        typer.Option("--save-mapping", help="另存列名映射 Write the column mapping as understood"),
    ] = None,
) -> None:
    """检查交付文件，不入库。Check deliveries; needs no database."""
    settings = Settings()
    output.require()
    definition = _twin(settings, twin) if twin else None
    context, waivers = against.context(settings, definition, declared)
    given = declared.read_options(context)
    if mapping_out is not None:
        flow.keep_mapping(mapping_out, files, given)
    outcomes = flow.check(files, given, definition, settings.storage_srid)
    outcomes += flow.about_waivers(against.waivers, waivers, outcomes, context)
    _conclude(outcomes, settings, output, files, declared.encoding)


@app.command()
@shared
def ingest(
    files: Files,
    twin: Twin,
    declared: Declared,
    against: Against,
    output: Output,
    dataset: Annotated[str | None, typer.Option(help="数据集名 Dataset name")] = None,
    theme: Annotated[Theme | None, typer.Option(help="只收此类 Take only this theme")] = None,
    valid_from: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="生效日期 True in the city since"
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="整体替换 May end most of the dataset")
    ] = False,
) -> None:
    """检查并入库。Check deliveries and store what passes."""
    settings = Settings()
    output.require()
    definition = _twin(settings, twin)
    context, waivers = against.context(settings, definition, declared)
    given = declared.read_options(context)
    since: date | None = valid_from.date() if valid_from else None
    with runtime.database(settings) as database:
        outcomes = flow.ingest(
            settings, database.url, files, given, definition, dataset, theme, since, replace
        )
    outcomes += flow.about_waivers(against.waivers, waivers, outcomes, context)
    _conclude(outcomes, settings, output, files, declared.encoding)


@app.command()
def tile(
    twin: MaybeTwin = None,
    layer: Annotated[str | None, typer.Option(help="图层 buildings, bim, pipes or terrain")] = None,
    profile: Annotated[
        str, typer.Option(help="瓦片格式 default（压缩 compressed）, compat")
    ] = "default",
    to: Annotated[Path | None, typer.Option("--out", help="输出目录 Folder for the tiles")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="进程数，默认每核一个 Processes (default one a core)"),
    ] = None,
    lint: Annotated[
        Path | None,
        typer.Option("--check", help="只检查该瓦片集 Only lint this folder, tileset.json or .3tz"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """生成三维瓦片。Turn what is stored into 3D Tiles and switch to them."""
    if lint is not None:
        raise typer.Exit(tile_check.run(lint, as_json))
    settings = Settings()
    twins = load_twins(settings.twins_dir)
    chosen = [find_twin(twins, twin)] if twin else list(twins.values())
    grounds: list[tuple[str, TerrainReport]] = []
    reports: list[tuple[str, BuildReport]] = []
    if layer in (None, tiling.TERRAIN):
        grounds = tiling.tile_terrain(settings, chosen, to)
    if layer != tiling.TERRAIN:
        with runtime.database(settings) as database:
            reports = tiling.tile(settings, database.url, chosen, layer, profile, to, workers)
    if as_json:
        _print_json(
            [tiling.report_dict(name, r) for name, r in reports]
            + [tiling.report_dict(name, g) for name, g in grounds]
        )
    for name, ground in grounds if not as_json else ():
        out.print(
            f"{name}/{tiling.TERRAIN}: {counted(ground.tiles, '瓦片', 'tile')}, "
            f"{ground.bytes / 1e6:.2f} MB, {ground.seconds:.1f} s"
        )
    for name, r in reports:
        if not as_json:
            out.print(
                f"{name}/{r.layer}: {counted(r.features_in, '要素', 'feature')}, "
                f"{r.in_tiles} 入瓦片 in {counted(r.tiles, '瓦片', 'tile')}, "
                f"{len(r.refused)} 未绘 not drawn, {r.bytes / 1e6:.2f} MB, {r.seconds:.1f} s"
            )
            _tell_refused(r)
    if not reports and not grounds:
        err.print(
            "没有可切片的要素，请先 twin ingest。Nothing to tile yet: run `twin ingest` first."
        )
        raise typer.Exit(CANNOT)


app.command()(query)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址 Address (default 127.0.0.1)")] = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="进程数 Processes")] = 1,
) -> None:
    """提供 HTTP 服务和浏览器页面。Serve the API, the tiles and the viewer."""
    from twin import serving

    settings = Settings()
    sock = serving.listen(host or settings.host, settings.port if port is None else port)
    with runtime.watched(settings) as database:
        runtime.migrate(settings, database.url)
        serving.serve(settings, database.read_url, sock, workers, _announce)


@app.command()
def up(port: Port = None) -> None:
    """启动全部：数据库、接口、页面；Ctrl-C 停止。Start everything; Ctrl-C stops all."""
    from models.db.lock import home_lock
    from twin import serving

    settings = Settings()
    with home_lock(settings.home):
        sock = serving.listen(settings.host, settings.port if port is None else port)
        with runtime.watched(settings) as database:
            runtime.migrate(settings, database.url)
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
            f"{name}/{r.layer}: {counted(r.in_tiles, '要素', 'feature')}, "
            f"{counted(r.tiles, '瓦片', 'tile')}, {r.seconds:.1f} s"
        )
    _conclude(outcomes, settings, Output(as_json=as_json))


def main() -> None:
    """Run the command line; errors become one clear line in each of two languages."""
    signal.signal(signal.SIGTERM, _interrupted)
    command = usage.command(app)
    try:
        # 130 where it was interrupted, else what a command gave typer.Exit
        status = command.main(sys.argv[1:] or ["--help"], "twin", standalone_mode=False)
    except typer.TyperException as error:
        _fail(usage.CODE, *usage.sentences(error))
    except TwinError as error:
        _fail(error.code, error.en, error.zh)
    sys.exit(status)


def _fail(code: str, en: str, zh: str) -> NoReturn:
    err.print(f"[red]{code}[/] ", end="")
    err.print(f"{zh}\n{en}", markup=False)
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
    fault = web.missing()
    if fault is not None:
        err.print(fault, markup=False)
    out.print(f"就绪 Ready: {address}  (Ctrl-C 停止 stops)")


def _conclude(
    outcomes: list[Outcome],
    settings: Settings,
    output: Output,
    files: Sequence[Path] = (),
    encoding: str | None = None,
) -> None:
    """Print what became of every file and set the exit status; a workbook shows ``files``."""
    findings = [f for outcome in outcomes for f in outcome.findings]
    summary: dict[str, Any] = {"files": [outcome.as_dict() for outcome in outcomes]}
    if output.report is not None:
        with opened(files) as (delivered, _):
            report.write(
                output.report, findings, summary, settings.storage_srid, delivered, encoding
            )
    if output.as_json:
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
