"""Files of a delivery that nobody reads: what they are, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ingest.readers.signatures import Kind, sniff
from models.findings import Finding, Place, Severity

#: What can be delivered, as the readers' list has it.
ACCEPTED: Final = (
    "XLSX, XLS, CSV, Access MDB/ACCDB, Shapefile, GeoPackage, DXF, GeoJSON, FlatGeobuf, IFC, "
    "EPANET/SWMM INP, GeoTIFF, LAS/LAZ/COPC, OBJ, glTF/GLB, ZIP"
)
#: Photographs, reports and the like, which belong in a delivery and hold no features.
_PAPERS: Final = frozenset(
    {Kind.PDF, Kind.IMAGE, Kind.OFFICE, Kind.OLE, Kind.XML, Kind.TEXT, Kind.JSON, Kind.EMPTY}
)
#: Version marks of DWG files and the AutoCAD release that made them the usual format.
_DWG: Final = {
    b"AC1012": "R13", b"AC1014": "R14", b"AC1015": "2000", b"AC1018": "2004", b"AC1021": "2007",
    b"AC1024": "2010", b"AC1027": "2013", b"AC1032": "2018",
}  # fmt: skip


def tell(paths: Sequence[Path], named: Sequence[Path]) -> list[Finding]:
    """A finding for each file of ``paths``: an error for those that are ``named`` one by one and
    for data that is not read; papers that came with a folder are counted by kind (INF-01)."""
    out: list[Finding] = []
    papers: dict[Kind, list[Path]] = {}
    for path in paths:
        try:
            kind = sniff(path)
        except OSError as error:
            out.append(unreadable(path.name, error))
            continue
        if kind is Kind.DWG:
            out.append(_dwg(path))
        elif kind is Kind.CITYJSON:
            out.append(_cityjson(path))
        elif kind in _PAPERS and path not in named:
            papers.setdefault(kind, []).append(path)
        else:
            out.append(_unknown(path, kind))
    return out + [_listed(kind, files) for kind, files in papers.items()]


def unreadable(name: str, error: OSError) -> Finding:
    """STR-00 for a file that the system does not open."""
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(name),
        f"{name} 无法打开（系统提示：{error.strerror}）。请检查文件与权限。",
        f"{name} cannot be opened: {error.strerror}. Check the file and its permissions.",
        error.strerror,
        "可读的文件 a readable file",
    )


def _unknown(path: Path, kind: Kind) -> Finding:
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(path.name),
        f"{path.name} 的内容为：{kind.zh}，无法读取。可接受：{ACCEPTED}。请转换格式后提交。",
        f"{path.name} is {kind.en}, which nothing here reads. Expected {ACCEPTED}. "
        "Convert it and deliver it again.",
        kind.en,
        ACCEPTED,
    )


def _dwg(path: Path) -> Finding:
    with path.open("rb") as stream:
        mark = stream.read(6)
    release = _DWG.get(mark, "?")
    found = f"DWG, AutoCAD {release} ({mark.decode('ascii', 'replace')})"
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(path.name),
        f"{path.name} 为 DWG（AutoCAD {release} 格式），为封闭格式，不予读取。请在 AutoCAD、中望或"
        "浩辰中另存为 DXF（如“AutoCAD 2018 DXF”；命令 SAVEAS 或 DXFOUT）后提交。",
        f"{path.name} is a DWG (AutoCAD {release}), a closed format that is not read. Save it as "
        "DXF (such as “AutoCAD 2018 DXF”, by SAVEAS or DXFOUT) and deliver that.",
        found,
        "DXF",
    )


def _cityjson(path: Path) -> Finding:
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(path.name),
        f"{path.name} 为 CityJSON，目前尚不支持。请将建筑以带高度和底部高程属性的 GeoPackage 或 "
        "GeoJSON 轮廓提交，或以 IFC、OBJ、glTF 提交模型。",
        f"{path.name} is CityJSON, which is not supported yet. Deliver the buildings as footprints "
        "with their heights and base heights in a GeoPackage or GeoJSON, or the models as IFC, OBJ "
        "or glTF.",
        Kind.CITYJSON.en,
        "GeoPackage, GeoJSON, IFC, OBJ, glTF",
    )


def nothing_read(named: Sequence[Path]) -> Finding:
    """STR-00 for a delivery that is ``named`` and of which no file could be read."""
    names = ", ".join(path.name or str(path) for path in named)
    return Finding(
        "STR-00",
        Severity.ERROR,
        Place(names),
        f"{names} 中没有任何可读取的数据，未接收任何内容。可接受：{ACCEPTED}。"
        "请检查路径，或转换格式后提交。",
        f"Nothing in {names} can be read, so that nothing was accepted. Expected {ACCEPTED}. "
        "Check the path, or convert the data and deliver it again.",
        "0",
        ACCEPTED,
    )


def _listed(kind: Kind, files: Sequence[Path]) -> Finding:
    shown = ", ".join(path.name for path in files[:5]) + (" …" if len(files) > 5 else "")
    counted = "1 file is not read" if len(files) == 1 else f"{len(files)} files are not read"
    return Finding(
        "INF-01",
        Severity.INFO,
        Place(files[0].name),
        f"{len(files)} 个附件（{kind.zh}）未读取：{shown}。如含管线数据，请以可接受的格式提交。",
        f"Beside the data {counted} ({kind.en}): {shown}. "
        "What holds data must be delivered in an accepted format.",
        str(len(files)),
        ACCEPTED,
        extra={"files": [path.name for path in files]},
    )
