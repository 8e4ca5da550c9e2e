"""The command line: ``twin``. Exit status 0 done, 1 findings or partial, 2 cannot run.

A command imports what it works with when it runs, so that help, usage errors and the state of the
database do not wait for readers, analyses and tilers.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from models.errors import TwinError
from models.themes import Theme
from twin import database_commands, datasets_commands, usage
from twin.analyses_command import query
from twin.console import counted, err, out, print_json
from twin.jobs_command import jobs
from twin.options import (
    Against,
    AsJson,
    Declared,
    Files,
    MaybeTwin,
    Output,
    Port,
    Terms,
    Twin,
    shared,
)
from twin.places_command import places
from twin.settings import Settings
from twin.tile_command import tile

if TYPE_CHECKING:
    from models.twins import TwinDefinition
    from twin.outcome import Outcome

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
app.add_typer(datasets_commands.app, name="datasets")


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
    from twin import flow

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
    terms: Terms,
    output: Output,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="数据集名，默认取自文件名 Dataset name; default: what the file "
            "names have in common, else their folder"
        ),
    ] = None,
    theme: Annotated[Theme | None, typer.Option(help="只收此类 Take only this theme")] = None,
    valid_from: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="生效日期 True in the city since"
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="整体替换 May end most of the dataset, whoever owns it"),
    ] = False,
    organisation: Annotated[
        str | None, typer.Option(help="提交单位 Who delivers; others may not change it then")
    ] = None,
    agreed: Annotated[
        list[str] | None,
        typer.Option(help="已同意的单位，可多次 Owner who agreed to changes; may be given again"),
    ] = None,
) -> None:
    """检查并入库。Check deliveries and store what passes."""
    from twin import derived, flow, runtime, tiling

    settings = Settings()
    output.require()
    definition = _twin(settings, twin)
    context, waivers = against.context(settings, definition, declared)
    given = declared.read_options(context)
    since: date | None = valid_from.date() if valid_from else None
    with runtime.database(settings) as database:
        outcomes = flow.ingest(
            settings,
            database.url,
            files,
            given,
            definition,
            dataset,
            theme,
            since,
            replace,
            organisation,
            agreed or (),
            terms,
        )
        derived.renew(database.url, [definition])
        try:
            for name, r in tiling.follow(settings, database.url, definition):
                err.print(f"已更新瓦片 tiles follow: {name}/{r.layer}, {r.seconds:.1f} s")
        except TwinError as error:  # what was delivered is stored all the same
            err.print(f"{error.code} {error.zh}\n{error.en}", markup=False)
            err.print("瓦片未更新，请重新运行 twin tile。Tiles are behind: run `twin tile` again.")
    outcomes += flow.about_waivers(against.waivers, waivers, outcomes, context)
    _conclude(outcomes, settings, output, files, declared.encoding)


app.command()(tile)
app.command()(query)
app.command()(jobs)
app.command()(places)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址 Address (default 127.0.0.1)")] = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="进程数 Processes")] = 1,
) -> None:
    """提供 HTTP 服务和浏览器页面。Serve the API, the tiles and the viewer."""
    from twin import dates, runtime, serving

    settings = Settings()
    sock = serving.listen(host or settings.host, settings.port if port is None else port)
    with runtime.watched(settings) as database:
        runtime.migrate(settings, database.url)
        with dates.followed(settings, database.url):
            serving.serve(settings, database.read_url, sock, workers, _announce)


@app.command()
def nginx(
    listen: Annotated[str, typer.Option(help="nginx 监听 Port, or address:port")] = "80",
) -> None:
    """输出 nginx 配置。Print an nginx configuration: tiles from disk, the rest from here."""
    from twin.nginx import configuration

    typer.echo(configuration(Settings(), listen), nl=False)


@app.command()
def up(port: Port = None) -> None:
    """启动全部：数据库、接口、页面；Ctrl-C 停止。Start everything; Ctrl-C stops all."""
    from models.db.lock import home_lock
    from twin import dates, runtime, serving

    settings = Settings()
    with home_lock(settings.home):
        sock = serving.listen(settings.host, settings.port if port is None else port)
        with runtime.watched(settings) as database:
            runtime.migrate(settings, database.url)
            with dates.followed(settings, database.url):
                serving.serve(settings, database.read_url, sock, 1, _announce)


@app.command()
def samples(
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="已载入则跳过 Skip what is loaded and tiled")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """载入样例并切片。Load data-samples into their twins and tile them."""
    from twin import flow, runtime
    from twin.samples import samples as listed

    settings = Settings()
    with runtime.database(settings) as database:
        outcomes, reports = flow.load_samples(settings, database.url, listed(), if_empty)
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
    from models.twins import find_twin, load_twins

    return find_twin(load_twins(settings.twins_dir), twin)


def _announce(address: str) -> None:
    from twin import web

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
    from ingest.archives import opened
    from twin import report

    findings = [f for outcome in outcomes for f in outcome.findings]
    summary: dict[str, Any] = {
        "files": [outcome.as_dict() for outcome in outcomes],
        "totals": [dict(row) for outcome in outcomes for row in outcome.totals],
    }
    if output.report is not None:
        with opened(files) as (delivered, _):
            report.write(
                output.report, findings, summary, settings.storage_srid, delivered, encoding
            )
    if output.as_json:
        print_json({**summary, "findings": [f.as_dict() for f in findings]})
    else:
        report.show(err, findings, written=output.report)
        for outcome in outcomes:
            out.print(outcome.line(), markup=False)
    usable = any(outcome.accepted for outcome in outcomes)
    clean = all(outcome.clean for outcome in outcomes)
    if outcomes and not usable and not clean:
        raise typer.Exit(CANNOT)
    if not clean:
        raise typer.Exit(PARTIAL)
