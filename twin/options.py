"""Options that several commands share, each written once.

What reads them is imported where it is used, since every start of the program comes by here.
"""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.errors import TwinError
from models.findings import Finding
from twin.settings import Settings

if TYPE_CHECKING:
    from ingest.readers.base import ReadOptions
    from ingest.rules.context import CheckContext
    from models.twins import TwinDefinition

Files = Annotated[list[Path], typer.Argument(help="交付文件 Delivered files", show_default=False)]
Twin = Annotated[str, typer.Option("--twin", help="孪生体 Twin id")]
MaybeTwin = Annotated[str | None, typer.Option("--twin", help="孪生体 Twin id")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="端口 Port (default TWIN_PORT, 8000)")
]


class Visibility(enum.StrEnum):
    """Who may download the original files of a dataset."""

    OPEN = "open"
    RESTRICTED = "restricted"


class OptionError(TwinError):
    """An option's value cannot be used."""

    code = "OPT-01"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the deliverer declares; see :class:`ingest.readers.base.ReadOptions`."""

    crs: Annotated[str | None, typer.Option(help="平面坐标系 Horizontal CRS: EPSG:4549")] = None
    vertical: Annotated[
        str | None,
        typer.Option(help="高程基准 Vertical datum: 1985, 1956, wusong:1.6587, egm96, ellipsoidal"),
    ] = None
    encoding: Annotated[str | None, typer.Option(help="文本编码 Text encoding")] = None
    layer: Annotated[str | None, typer.Option(help="图层 Layer of the file")] = None
    profile: Annotated[str | None, typer.Option(help="列名配置 Column-alias profile")] = None
    mapping: Annotated[
        Path | None, typer.Option(help="列名映射 YAML: source column: canonical column")
    ] = None
    offset: Annotated[
        str | None,
        typer.Option(help="已扣除的坐标常数，予以加回 Constants taken off: north,east[,height] m"),
    ] = None
    up: Annotated[str | None, typer.Option(help="网格向上轴 Up axis of a mesh: y or z")] = None
    time_limit: Annotated[
        float, typer.Option(min=1, help="单个 IFC 限时（秒） Seconds for one IFC file")
    ] = 600

    def read_options(self, context: CheckContext | None = None) -> ReadOptions:
        """The same for readers. Raises :class:`OptionError` for what cannot be used."""
        from ingest.readers.base import ReadOptions
        from ingest.rules.context import NOTHING

        columns, profile = (None, None) if self.mapping is None else _names(self.mapping)
        return ReadOptions(
            self.crs,
            self.vertical,
            self.encoding,
            self.layer,
            self.profile or profile,
            columns,
            self.time_limit,
            offset=None if self.offset is None else _offset(self.offset),
            context=context or NOTHING,
            up=None if self.up is None else _up(self.up),
        )


@dataclass(frozen=True, slots=True)
class Against:
    """What the rows of a survey are checked by and against, beside the shipped rules."""

    rules: Annotated[
        list[Path] | None,
        typer.Option(help="自有规则包 YAML，可多次 Own rule pack; may be given again"),
    ] = None
    waivers: Annotated[
        Path | None, typer.Option(help="豁免清单 Accepted findings: .yaml or .csv")
    ] = None
    design: Annotated[
        Path | None, typer.Option(help="批准的设计管线 Approved design to compare with")
    ] = None
    resurvey: Annotated[
        list[Path] | None,
        typer.Option(help="重复探查、开挖验证表 Points measured again or dug up"),
    ] = None
    area: Annotated[
        Path | None,
        typer.Option(help="汇交范围 Polygon of pipes, buildings, BIM: GeoJSON, WGS 84"),
    ] = None

    def context(
        self, settings: Settings, twin: TwinDefinition | None, declared: Declared
    ) -> tuple[CheckContext, list[Finding]]:
        """The same for rules, and what is wrong with single waivers.

        Raises :class:`models.errors.TwinError` for a file that cannot be used.
        """
        from ingest.pipeline import read_design
        from ingest.readers.tables import read_grids
        from ingest.rules.context import CheckContext
        from ingest.rules.pack import load_packs
        from ingest.rules.resurvey import read_resurvey
        from ingest.rules.waivers import WaiverFile, load
        from models.crs import StorageCrs
        from models.terrain import open_terrain
        from twin.area import read_area

        storage = StorageCrs(settings.storage_srid)
        try:
            waivers = load(self.waivers) if self.waivers else WaiverFile((), ())
            context = CheckContext(
                load_packs(own=self.rules) if self.rules else None,
                waivers.waivers,
                open_terrain(settings.home, twin.id, storage) if twin else None,
                read_area(self.area, storage) if self.area else None,
                design=read_design(self.design, declared.read_options()) if self.design else None,
                resurveys=tuple(
                    table
                    for path in self.resurvey or ()
                    for table in read_resurvey(read_grids(path, declared.encoding))
                ),
            )
        except OSError as error:
            raise OptionError(
                f"{error.filename} cannot be opened: {error.strerror}. Check path and permissions.",
                f"{error.filename} 无法打开（{error.strerror}）。请检查路径与权限。",
            ) from error
        return context, list(waivers.findings)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms files are handed over, and whether they are kept as they came.

    What is not declared stays as it is in the catalogue: at first restricted and without a licence.
    """

    licence: Annotated[
        str | None,
        typer.Option(help="许可 Licence: SPDX id such as CC-BY-4.0, http address, or its text"),
    ] = None
    visibility: Annotated[
        Visibility | None,
        typer.Option(help="原始文件 Originals may be had by anyone, or by right only"),
    ] = None
    originals: Annotated[
        bool, typer.Option(help="保存原始文件 Keep the delivered files as they are")
    ] = True


@dataclass(frozen=True, slots=True)
class Output:
    """How a command tells what became of the files."""

    reports: Annotated[
        list[Path] | None,
        typer.Option("--report", help="报告 Write all findings: .json, .geojson or .xlsx"),
    ] = None
    as_json: AsJson = False

    @property
    def report(self) -> Path | None:
        """The report to write."""
        return self.reports[0] if self.reports else None

    def require(self) -> None:
        """Raise :class:`OptionError` where several reports are wanted,
        :class:`twin.report.ReportError` where the report could not be written."""
        from twin import report

        if self.reports and len(self.reports) > 1:
            names = [str(path) for path in self.reports]
            raise OptionError(
                f"--report is given {len(names)} times ({', '.join(names)}). Give one report; run "
                "`twin check` again for another.",
                f"--report 给了 {len(names)} 次（{'、'.join(names)}）。请只给一个；"
                "如需另一种格式，请再运行一次 `twin check`。",
            )
        if self.report is not None:
            report.require(self.report)


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with each parameter that is a dataclass replaced by options of its fields."""
    own = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: p.annotation
        for name, p in own.items()
        if isinstance(p.annotation, type) and is_dataclass(p.annotation)
    }
    fields = {name: inspect.signature(g, eval_str=True).parameters for name, g in groups.items()}
    plain = [p.replace(kind=p.KEYWORD_ONLY) for name, p in own.items() if name not in groups]
    spread = [p.replace(kind=p.KEYWORD_ONLY) for of in fields.values() for p in of.values()]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field: given.pop(field) for field in fields[name]})
        command(**given)

    signature = inspect.Signature([*plain, *spread])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return run


def _names(mapping: Path) -> tuple[dict[str, str], str | None]:
    """{source column: canonical column} and the profile of a mapping file, which is either flat or
    as :func:`ingest.mapping.save_mapping` writes it."""
    import yaml

    from ingest.mapping import load_mapping

    try:
        names = yaml.safe_load(mapping.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _mapping_error(mapping, str(error), str(error)) from error
    if isinstance(names, dict) and isinstance(names.get("columns"), dict):
        saved = load_mapping(mapping)
        return dict(saved.columns), saved.profile
    if not isinstance(names, dict) or not all(
        isinstance(k, str) and isinstance(v, str) for k, v in names.items()
    ):
        raise _mapping_error(mapping, "it is not a table of names", "内容不是名称对照表")
    return names, None


def _offset(text: str) -> tuple[float, float, float]:
    try:
        north, east, *height = (float(part) for part in text.replace("，", ",").split(","))
        (up,) = height or [0.0]
    except ValueError as error:
        raise OptionError(
            f"--offset is {text!r}; expected metres as north,east or north,east,height, "
            "for example 3400000,500000.",
            f"--offset 为“{text}”；应为 北,东 或 北,东,高（米），例如 3400000,500000。",
        ) from error
    return north, east, up


def _up(text: str) -> str:
    if text not in ("y", "z"):
        raise OptionError(f"--up is {text!r}; expected y or z.", f"--up 为“{text}”；应为 y 或 z。")
    return text


def _mapping_error(path: Path, en: str, zh: str) -> OptionError:
    return OptionError(
        f"The mapping file {path} cannot be used: {en}. "
        "Expected YAML lines of `source column: canonical column`.",
        f"映射文件 {path} 无法使用：{zh}。应为 YAML，每行“源列名: 规范列名”。",
    )
