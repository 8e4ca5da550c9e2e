"""``twin tile``: from what is stored to published tiles, and what became of it on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.console import counted, err, out, print_json
from twin.options import AsJson, MaybeTwin, OptionError, shared
from twin.settings import Settings

if TYPE_CHECKING:
    from models.twins import TwinDefinition
    from tiles.build import BuildReport
    from tiles.large import LargeFeature
    from tiles.points import PointReport
    from tiles.terrain import TerrainReport
    from tiles.textured import MeshReport
    from tiles.tilers.base import RefusedFeature

CANNOT = 2
#: Faults of a layer that are told one by one.
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Making:
    """How tiles are made, and where they go."""

    profile: Annotated[
        str | None, typer.Option(help="瓦片格式 default（压缩 compressed）, compat, draco")
    ] = None
    outlines: Annotated[
        bool | None,
        typer.Option(help="建筑与 BIM 的轮廓线 Draw the edges of buildings and BIM (default no)"),
    ] = None
    to: Annotated[
        str | None,
        typer.Option("--out", help="目录、s3://桶/前缀或 .3tz Folder, bucket or archive"),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="进程数，默认每核一个 Processes (default one a core)"),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://…", help="Dask 调度器 Work on this Dask cluster instead"),
    ] = None
    anew: Annotated[
        bool, typer.Option("--full", help="全部重做 Make all contents again, changed or not")
    ] = False
    implicit: Annotated[
        Path | None,
        typer.Option(
            "--implicit",
            metavar="DIR",
            help="另存隐式切片（.gz），每次整层重写 Write implicit tilesets there, too, "
            "gzipped (.gz) as --out is: whole layers each time, however little changed",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Made:
    """Reports of what was tiled, each with the twin's id: layers of features, and what comes from
    files."""

    layers: Sequence[tuple[str, BuildReport]] = ()
    grounds: Sequence[tuple[str, TerrainReport]] = ()
    clouds: Sequence[tuple[str, PointReport]] = ()
    surfaces: Sequence[tuple[str, MeshReport]] = ()


@shared
def tile(
    making: Making,
    twin: MaybeTwin = None,
    layer: Annotated[
        str | None, typer.Option(help="图层 buildings, bim, pipes, terrain, pointcloud, mesh")
    ] = None,
    gc: Annotated[
        float | None,
        typer.Option("--gc", metavar="HOURS", min=0, help="只清理旧文件 Only delete unused files"),
    ] = None,
    lint: Annotated[
        Path | None,
        typer.Option("--check", help="只检查该瓦片集 Only lint this folder, tileset.json or .3tz"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """生成三维瓦片。Turn what is stored into 3D Tiles and switch to them."""
    if lint is not None:
        from twin import tile_check

        raise typer.Exit(tile_check.run(lint, as_json))
    from models.twins import find_twin, load_twins

    settings = Settings()
    twins = load_twins(settings.twins_dir)
    chosen = [find_twin(twins, twin)] if twin else list(twins.values())
    if gc is not None:
        _collect(settings, chosen, timedelta(hours=gc))
        return
    made = _make(settings, chosen, layer, making)
    if as_json:
        print_json(_plain(made))
    else:
        _tell(made)
    if not any((made.layers, made.grounds, made.clouds, made.surfaces)):
        err.print(
            "没有可切片的要素，请先 twin ingest。Nothing to tile yet: run `twin ingest` first."
        )
        raise typer.Exit(CANNOT)


def _collect(settings: Settings, twins: Sequence[TwinDefinition], age: timedelta) -> None:
    """Delete files that nobody needs, and tell how many."""
    from twin import runtime, tiling

    with runtime.database(settings) as database:
        runtime.migrate(settings, database.url)
        removed = tiling.collect(settings, database.url, twins, age)
    out.print(f"已删除 removed: {counted(removed, '文件', 'file')}")


def _make(
    settings: Settings, twins: Sequence[TwinDefinition], layer: str | None, making: Making
) -> Made:
    """Tile ``layer``, or all; what comes from files only where it is asked for or served.

    Raises :class:`twin.options.OptionError` for an option that ``layer`` has no use for.
    """
    from twin import mesh, pointcloud, runtime, terrain
    from twin.tile_looks import Looks
    from twin.tile_targets import require_targets

    require_targets(making.to, making.implicit)
    Looks(making.profile, making.outlines).require()
    files = layer in (terrain.THEME, pointcloud.LAYER, mesh.LAYER)
    if layer is not None and files:
        _require_used(making, layer, making.profile if layer == terrain.THEME else None)
        if _is_draco(making):
            raise _no_draco(layer)
    if layer == terrain.THEME:
        terrain.require_folder(making.to)
    served = layer is None and not terrain.elsewhere(making.to)
    kept: dict[str, Any] = {}
    with runtime.database(settings) as database:
        url = database.url
        if served or layer == terrain.THEME:
            kept["grounds"] = terrain.tile_terrain(settings, url, twins, making.to)
        given = settings, url, twins, making.profile, making.to, making.workers
        if served or layer == pointcloud.LAYER:
            kept["clouds"] = pointcloud.tile_clouds(*given)
        if served or layer == mesh.LAYER:
            kept["surfaces"] = mesh.tile_meshes(*given)
        layers = () if files else _make_layers(settings, url, twins, layer, making)
    if _is_draco(making) and (kept.get("clouds") or kept.get("surfaces")):
        err.print(
            "pointcloud 与 mesh 不用 draco，其内容与 compat 相同。"
            "Draco is not used for pointcloud and mesh, which have the contents of compat."
        )
    return Made(layers=layers, **kept)


def _is_draco(making: Making) -> bool:
    from tiles.profile import PROFILES

    return making.profile is not None and PROFILES[making.profile].draco


def _require_used(making: Making, layer: str, profile: str | None) -> None:
    """Refuse what is given to a ``layer`` of files but only for layers of features; ``--full`` is
    what becomes of it in any case."""
    given = {
        "--outlines": making.outlines is not None,
        "--scheduler": making.scheduler is not None,
        "--implicit": making.implicit is not None,
        "--profile": profile is not None,
    }
    found = ", ".join(option for option, is_given in given.items() if is_given)
    if found:
        raise OptionError(
            f"--layer {layer} has no use for {found}, as buildings, bim and pipes have. "
            "Leave it away, or choose another layer.",
            f"--layer {layer} 不适用 {found}，buildings、bim、pipes 才可使用。请去掉，或另选图层。",
        )


def _no_draco(layer: str) -> OptionError:
    return OptionError(
        f"--profile draco: Draco is not used for --layer {layer}; it would get the contents of "
        "compat. Expected default or compat.",
        f"--profile draco：Draco 不用于 --layer {layer}，其内容将与 compat 相同。"
        "应为 default 或 compat。",
    )


def _make_layers(
    settings: Settings, url: str, twins: Sequence[TwinDefinition], layer: str | None, making: Making
) -> list[tuple[str, BuildReport]]:
    """Tile the layers of features, which are in the database."""
    from twin import derived, tiling

    reports = tiling.tile(
        settings,
        url,
        twins,
        layer,
        making.profile,
        making.to,
        making.workers,
        making.scheduler,
        making.anew,
        making.outlines,
    )
    if layer is None and making.to is None:
        derived.renew(url, twins)
    if making.implicit is not None:
        made = [(name, report.layer) for name, report in reports]
        count = tiling.implicit(settings, making.to, made, making.implicit)
        told = counted(count, "内容", "content")
        err.print(f"隐式切片 implicit: {making.implicit}, {told}", markup=False)
        err.print(
            "隐式切片只含 buildings、bim、pipes，每次整层重写；增量更新只用于显式切片。"
            "Implicit tilesets are of buildings, bim and pipes alone and whole each time; only "
            "explicit ones follow changes."
        )
    return reports


def _plain(made: Made) -> list[dict[str, Any]]:
    """All reports as plain values."""
    from twin import mesh, pointcloud, terrain, tiling

    return [
        *(tiling.report_dict(name, report) for name, report in made.layers),
        *(terrain.report_dict(name, ground) for name, ground in made.grounds),
        *(pointcloud.report_dict(name, cloud) for name, cloud in made.clouds),
        *(mesh.report_dict(name, surface) for name, surface in made.surfaces),
    ]


def _tell(made: Made) -> None:
    """A line a layer, and below it what is not drawn."""
    from twin import mesh, pointcloud, terrain

    for name, ground in made.grounds:
        out.print(terrain.line(name, ground), markup=False)
    for name, cloud in made.clouds:
        out.print(pointcloud.line(name, cloud), markup=False)
        for reason in cloud.reasons():
            err.print(f"  {reason.code}: {reason.zh} {reason.en}", markup=False)
    for name, surface in made.surfaces:
        out.print(mesh.line(name, surface), markup=False)
    for name, report in made.layers:
        out.print(
            f"{name}/{report.layer}: {counted(report.features_in, '要素', 'feature')}, "
            f"{report.in_tiles} 入瓦片 in {counted(report.tiles, '瓦片', 'tile')}, "
            f"{len(report.refused)} 未绘 not drawn, {report.bytes / 1e6:.2f} MB, "
            f"{report.seconds:.1f} s"
        )
        _tell_refused(report)
        _tell_each(report.large)


def _tell_refused(report: BuildReport) -> None:
    """Faults one by one; what is left out by design (SKIP) as a count of each kind."""
    skipped = [r for r in report.refused if r.code.startswith("SKIP")]
    for code, count in Counter(r.code for r in skipped).items():
        one = next(r for r in skipped if r.code == code)
        err.print(f"  {code} × {count}: {one.zh} {one.en}", markup=False)
    faults = [r for r in report.refused if not r.code.startswith("SKIP")]
    _tell_each(faults)


def _tell_each(features: Sequence[RefusedFeature | LargeFeature]) -> None:
    """A line a feature, of not too many."""
    for one in features[:_TOLD]:
        err.print(f"  {one.code} {one.id}: {one.zh} {one.en}", markup=False)
    if (more := len(features) - _TOLD) > 0:
        err.print(f"  … 另有 {more} 个，见 --json ({more} more)")
