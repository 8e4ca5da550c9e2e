"""Why a footprint file was not read, in our own words; the library's are quoted after them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingest.errors import RefusedError, refuse
from ingest.isolation import IsolationError, Reason
from ingest.readers import footprint_geojson
from ingest.readers.footprint_extract import MAX_COLUMNS
from ingest.readers.footprint_source import Source


def stopped(file: str, error: IsolationError) -> RefusedError:
    """The refusal of a file on which the reading process gave no answer."""
    limits = error.limits
    size = f"{limits.memory / (1 << 20):.0f} MiB"
    zh, en, found, expected = {
        Reason.TIME: (
            f"在时间限制 {limits.seconds:g} 秒内未能读完，已中止。请拆分文件，或提高时间限制。",
            f"was not read within the time limit of {limits.seconds:g} s and was stopped. Split "
            "it, or raise the limit.",
            f"> {limits.seconds:g} s",
            f"<= {limits.seconds:g} s",
        ),
        Reason.MEMORY: (
            f"所需内存超过限制 {size}，已中止。请拆分文件，或提高内存限制。",
            f"needs more memory than the limit of {size} and was stopped. Split it, or raise the "
            "limit.",
            f"> {size}",
            f"<= {size}",
        ),
        Reason.CRASH: (
            "使读取程序异常终止，未读取任何内容。文件可能已损坏，请在 GIS 软件中检查后重新导出。",
            "made the reading process fail, so nothing of it was read. It may be damaged: check it "
            "in a GIS and export it again.",
            error.detail,
            "a readable file",
        ),
        Reason.ERROR: (
            "无法读取，内容与其格式不符。请在 GIS 软件中检查后重新导出。",
            "cannot be read: its content is not what its format asks for. Check it in a GIS and "
            "export it again.",
            error.detail,
            "a readable file",
        ),
    }[error.reason]
    quoted = error.reason in (Reason.CRASH, Reason.ERROR)
    return refuse(
        "STR-00",
        file,
        en=f"{file} {en}" + (f" ({error.detail[:200]})" if quoted else ""),
        zh=f"{file} {zh}" + (f"（{error.detail[:200]}）" if quoted else ""),
        found=found,
        expected=expected,
    )


def _unreadable(source: Source, words: str, where: list[int] | None) -> RefusedError:
    file = source.path.name
    quoted = words.replace("source.", f"{Path(file).stem}.")[:200]
    at_en, at_zh = ": ", "："
    if where is not None:
        at_en = f", line {where[0]}, column {where[1]}: this is not JSON (RFC 8259), so "
        at_zh = f" 第 {where[0]} 行第 {where[1]} 列：不符合 JSON 语法（RFC 8259），"
    return refuse(
        "STR-00",
        file,
        en=f"{file}{at_en}its content cannot be read, expected a whole {source.driver} file. It "
        "may be damaged or cut short: open it in a GIS to check, and export it again."
        + (f' GDAL: "{quoted}"' if quoted else ""),
        zh=f"{file}{at_zh}内容无法读取，应为完整的 {source.driver} 文件。文件可能已损坏或被截断，"
        "请用 GIS 软件打开检查后重新导出。" + (f"GDAL 原文：“{quoted}”" if quoted else ""),
        found=f"line {where[0]}, column {where[1]}" if where else "unreadable content",
        expected=f"a whole {source.driver} file",
        row=None if where is None else where[0],
    )


def problem(source: Source, answer: dict[str, Any]) -> RefusedError:
    """The refusal for an ``answer`` of :func:`ingest.readers.footprint_extract.extract`."""
    file = source.path.name
    if answer["problem"] == "cut":
        return footprint_geojson.broken_off(source.path)
    if answer["problem"] == "unreadable":
        return _unreadable(source, answer["found"], answer["where"])
    layers = ", ".join(answer.get("layers", ()))
    found = str(answer.get("found", layers))
    likely = " / ".join(answer.get("likely", ())) or "?"
    code, expected, en, zh = {
        "driver": (
            "STR-00",
            "footprints",
            f"GDAL took the file for {found}, which is not accepted",
            f"被识别为 {found}，不予接受",
        ),
        "columns": (
            "STR-02",
            f"<= {MAX_COLUMNS}",
            f"found {found} columns, expected at most {MAX_COLUMNS}. Leave out what is not needed",
            f"共有 {found} 列，最多 {MAX_COLUMNS} 列。请去除无关字段",
        ),
        "layer": (
            "STR-03",
            layers,
            f"there is no layer of the declared name; there are: {layers}. Name one of them",
            f"没有所声明的图层；现有：{layers}。请从中指定",
        ),
        "layers": (
            "STR-03",
            "one layer",
            f"found several polygon layers: {layers}. Name the one to read",
            f"存在多个面图层：{layers}。请指定要读取的图层",
        ),
        "no layer": (
            "STR-03",
            "a polygon layer",
            f"found no polygon layer, only: {layers or '-'}. Deliver footprints as polygons",
            f"没有面图层，仅有：{layers or '-'}。请以多边形提交建筑轮廓",
        ),
        "encoding": (
            "ENC-01",
            "UTF-8, or a declared code page",
            "the text is neither ASCII nor UTF-8, and no code page is declared "
            f"(as {likely} it reads {found!r}). Add a .cpg file, or declare it with --encoding "
            "GB18030",
            f"文字既非 ASCII 也非 UTF-8，且未声明编码（按 {likely} 读为“{found}”）。"
            "请附 .cpg 文件，或用 --encoding GB18030 声明",
        ),
    }[answer["problem"]]
    return refuse(
        code, file, en=f"{file}: {en}.", zh=f"{file}：{zh}。", found=found, expected=expected
    )
