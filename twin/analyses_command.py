"""``twin query``: analyses on the command line, straight from the database."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.analyses.errors import BadRequestError
from twin.console import err, out, print_json
from twin.settings import Settings
from twin.validation import broken_json

if TYPE_CHECKING:
    from twin.analyses.answer import Answer
    from twin.analyses.registry import Analysis

Name = Annotated[
    str | None,
    typer.Argument(help="分析名，不给则列出全部 Analysis; without it all are listed"),
]
Input = Annotated[
    Path | None,
    typer.Option("--input", help="JSON 请求文件，- 为标准输入 Request as JSON file; - is stdin"),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="请求字段 Field of the request, key=value; value as JSON or text"),
]
Svg = Annotated[Path | None, typer.Option("--svg", help="图形 Write the drawing (SVG)")]
Html = Annotated[Path | None, typer.Option("--html", help="可打印页 Write the printable page")]


def query(
    name: Name = None,
    twin: Annotated[str | None, typer.Option("--twin", help="孪生体 Twin id")] = None,
    request_file: Input = None,
    settings_: Set = None,
    svg: Svg = None,
    html: Html = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")] = False,
) -> None:
    """管网分析：断面、净距、追踪、开挖等。Ask about the pipes: sections, clearances, traces, …"""
    if name is None:
        _list(as_json)
        return
    from models.twins import find_twin, load_twins
    from twin import runtime
    from twin.analyses.cache import PipeworkCache
    from twin.analyses.registry import find

    settings = Settings()
    analysis = find(name)
    twins = load_twins(settings.twins_dir)
    if twin is None:
        raise BadRequestError(
            f"Say which twin: --twin, one of {', '.join(twins)}.",
            f"请用 --twin 指定孪生体：{', '.join(twins)}。",
        )
    definition = find_twin(twins, twin)
    _require(analysis, svg, "image/svg+xml")
    _require(analysis, html, "text/html")
    document = _document(request_file, settings_ or [])
    request = analysis.parse(document, _example(analysis, definition.id))
    with runtime.database(settings) as database:
        cache = PipeworkCache(database.read_url, settings.home)
        answer = analysis.answer(cache, definition.id, request)
        cache.cities.close()
    _write(svg, answer.drawing)
    _write(html, answer.page)
    if as_json:
        print_json(answer.as_dict())
    else:
        _show(analysis, answer)


def _document(file: Path | None, fields: list[str]) -> Any:
    """The request from a file or standard input, with single fields set over it."""
    document: Any = {}
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
            document = json.loads(text)
        except json.JSONDecodeError as error:
            en, zh = broken_json(error)
            raise BadRequestError(f"{file}: {en}. Mend it.", f"{file}：{zh}。请改正。") from error
        except UnicodeDecodeError as error:
            raise BadRequestError(
                f"{file}: not UTF-8, as JSON must be. Save it so.",
                f"{file}：不是 UTF-8 编码。JSON 应为 UTF-8，请另存。",
            ) from error
        except OSError as error:
            raise BadRequestError(
                f"{file}: cannot be opened: {error.strerror}. Check path and permissions.",
                f"{file}：无法打开（{error.strerror}）。请检查路径与权限。",
            ) from error
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals or not isinstance(document, dict):
            raise BadRequestError(
                f"--set {field}: expected key=value over a JSON object.",
                f"--set {field}：应为 键=值，且请求为 JSON 对象。",
            )
        document[key] = _value(field, value)
    return document


def _value(field: str, text: str) -> Any:
    """The value of ``--set field``: JSON, or text where it does not begin like an array, an object
    or a string of JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith(("[", "{", '"')):
            return text
        en, zh = broken_json(error)
        raise BadRequestError(
            f"--set {field}: {en}. Mend it; quote it for the shell: --set 'line=[[1,2],[3,4]]'.",
            f"--set {field}：{zh}。请改正，并注意为 shell 加引号：--set 'line=[[1,2],[3,4]]'。",
        ) from error


def _example(analysis: Analysis, twin: str) -> str:
    """The example of an analysis as it is typed; places and names are to be replaced."""
    fields = (
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in analysis.example.items()
    )
    given = " ".join(f"--set {shlex.quote(field)}" for field in fields)
    return f"twin query {analysis.name} --twin {twin} {given}"


def _require(analysis: Analysis, file: Path | None, medium: str) -> None:
    if file is not None and medium not in analysis.media:
        raise BadRequestError(
            f"'{analysis.name}' has no {medium}. Leave out the option that asks for it.",
            f"“{analysis.name}”没有 {medium} 输出，请去掉相应选项。",
        )


def _write(file: Path | None, text: str | None) -> None:
    if file is None or text is None:
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequestError(
            f"{file}: cannot be written: {error.strerror}. Choose another place.",
            f"{file}：无法写入：{error.strerror}。请换个位置。",
        ) from error
    err.print(f"已写入 written: {file}", markup=False)


def _list(as_json: bool) -> None:
    from twin.analyses.registry import analyses

    if as_json:
        print_json([one.describe() for one in analyses().values()])
        return
    for one in analyses().values():
        out.print(f"{one.name:22}{one.zh}  {one.en}", markup=False)


def _show(analysis: Analysis, answer: Answer) -> None:
    """Figures one by one, lists by their length; --json has everything."""
    out.print(f"{analysis.zh} {analysis.en}", markup=False)
    for key, value in answer.result.items():
        if isinstance(value, list):
            out.print(f"  {key}: {len(value)} 项 items", markup=False)
        elif isinstance(value, dict):
            flat = {k: v for k, v in value.items() if not isinstance(v, list | dict)}
            out.print(f"  {key}: {json.dumps(flat, ensure_ascii=False)}", markup=False)
        else:
            out.print(f"  {key}: {value}", markup=False)
    data = ", ".join(f"{r['dataset']} r{r['number']}" for r in answer.revisions) or "-"
    datum = answer.datum
    out.print(
        f"  基准 datum: {datum['horizontal']}, {datum['vertical']}; 数据 data: {data}", markup=False
    )
    for note in answer.notes:
        out.print(f"  {note.code} {note.zh} {note.en}", markup=False)
