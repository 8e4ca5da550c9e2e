"""Files that are read for what they hold although their names say something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ingest.readers.signatures import Kind, sniff
from models.findings import Finding, Place, Severity

_TEXT: Final = frozenset({Kind.TEXT})
#: Content without a signature of its own is what its reader took it for.
_UNSIGNED: Final = frozenset({Kind.TEXT, Kind.BINARY})
#: What a suffix promises; suffixes that promise nothing of their own are left out.
_PROMISED: Final[dict[str, frozenset[Kind]]] = {
    ".ifc": frozenset({Kind.IFC}),
    ".geojson": frozenset({Kind.GEOJSON, Kind.JSON}),
    ".gpkg": frozenset({Kind.GPKG}),
    ".fgb": frozenset({Kind.FLATGEOBUF}),
    ".shp": frozenset({Kind.SHP}),
    ".dbf": frozenset({Kind.DBF}),
    ".xlsx": frozenset({Kind.XLSX}),
    ".xls": frozenset({Kind.OLE}),
    ".csv": _TEXT,
    ".inp": _TEXT,
    ".mdb": frozenset({Kind.ACCESS}),
    ".accdb": frozenset({Kind.ACCESS}),
    ".dxf": frozenset({Kind.DXF, Kind.TEXT}),
    ".las": frozenset({Kind.LAS}),
    ".laz": frozenset({Kind.LAS}),
    ".tif": frozenset({Kind.IMAGE}),
    ".tiff": frozenset({Kind.IMAGE}),
}


def tell(paths: Iterable[Path]) -> tuple[Finding, ...]:
    """A warning (STR-11) for each of ``paths`` whose content is not what its suffix promises.

    For files that were read: one that could not be read has an error that says what it is.
    """
    return tuple(
        _warning(path, kind)
        for path in paths
        if (kind := sniff(path)) not in _PROMISED.get(path.suffix.lower(), {kind}) | _UNSIGNED
    )


def _warning(path: Path, kind: Kind) -> Finding:
    return Finding(
        "STR-11",
        Severity.WARNING,
        Place(path.name),
        zh=f"{path.name} 名不副实：内容为{kind.zh}，已按内容读取。"
        "请核对是否提交了正确的文件，并更正扩展名。",
        en=f"{path.name} is not what its name says: its content is {kind.en}, and it was read as "
        "that. Make sure that it is the file you meant, and give it the right suffix.",
        found=kind.en,
        expected=path.suffix,
    )
