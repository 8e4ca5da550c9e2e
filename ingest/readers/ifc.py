"""IFC 2x3, 4 and 4.3 models, read in a process of their own.

The native parser and geometry kernel never run in this process: a file on which they hang, crash
or eat memory is refused alone. Codes: IFC-01 not an IFC file, IFC-02 cut off or damaged, IFC-03
schema, IFC-04 georeference that cannot be right, IFC-05 georeference with a doubt, IFC-06 GlobalId,
IFC-07 body that cannot be built, IFC-08 kept without body, IFC-09 nothing in it, IFC-10 over the
time limit, IFC-11 over the memory limit, IFC-12 crash of the library, IFC-14 body at an impossible
height; MET-01 CRS or datum missing or contradicted, CRS-02 swapped coordinates.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import shapely

from ingest.errors import RefusedError, refuse
from ingest.isolation import IsolationError, Limits, Reason, run
from ingest.readers import ifc_header
from ingest.readers.base import ReadOptions
from ingest.readers.ifc_meshes import read_meshes
from models.features import DatumPassport, Delivery, SourceFile, Theme
from models.findings import Finding, Place, Severity

#: Corners of a box's faces, bits x, y, z of its eight vertices: bottom, top, south, east, north,
#: west, each counter-clockwise seen from outside.
_FACES: Final = np.array(
    [
        [0, 2, 3, 1, 0],
        [4, 5, 7, 6, 4],
        [0, 1, 5, 4, 0],
        [1, 3, 7, 5, 1],
        [3, 2, 6, 7, 3],
        [2, 0, 4, 6, 2],
    ]
)
#: Metres of the 1985 datum and its like between which whatever is built in China lies.
LOWEST, HIGHEST = -1000.0, 9000.0
#: How many elements a finding on many of them names.
_SHOWN: Final = 5


class IfcReader:
    """Reads one IFC file (``.ifc``, ``.ifczip``) into the theme ``bim``.

    Every IfcProduct and the project become a row of ``bim_element``; equal bodies are one mesh.
    ``placement`` (16 floats, row-major 4x4) takes mesh metres to east, north in the units of the
    passport's CRS and height in metres; ``geom`` is the box of the body in that CRS, six faces as a
    MultiPolygon Z. A site placed by latitude and longitude alone comes in a transverse Mercator
    CRS of its own (see :mod:`ingest.readers.ifc_georef`). ``source_row`` is the STEP id.
    """

    name = "ifc"

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """Each file that is IFC by its content, or by its name (:meth:`read` then refuses)."""
        return [
            (path,)
            for path in paths
            if path.is_file()
            and (path.suffix.lower() in ifc_header.SUFFIXES or ifc_header.is_step(path))
        ]

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one file within ``options.time_limit`` and ``options.memory_limit``.

        Raises :class:`RefusedError` with one of the codes above.
        """
        (path,) = paths
        file = path.name
        try:
            if path.suffix.lower() != ".ifczip":  # said at once, without a process
                ifc_header.check(path, file)
            source = SourceFile.of(path)
        except OSError as error:
            raise _unreadable(file, error) from error
        limits = Limits(options.time_limit, options.memory_limit)
        with tempfile.TemporaryDirectory(prefix="ifc-") as folder:
            try:
                found = run(
                    "ingest.readers.ifc_worker:work",
                    str(path.resolve()),
                    file,
                    folder,
                    options.horizontal,
                    options.vertical,
                    options.memory_limit,
                    limits=limits,
                )
            except IsolationError as error:
                raise _stopped(file, error) from error
            if "refused" in found:
                raise RefusedError([_finding(entry) for entry in found["refused"]])
            passport = DatumPassport(found["horizontal"], found["vertical"], method=found["method"])
            table, impossible = _table(Path(folder), file)
            meshes = read_meshes(Path(folder))
            return Delivery(
                theme=Theme.BIM,
                source=source,
                passport=passport,
                tables={"bim_element": table},
                # The kernel's threads finish in any order; the table's order is the file's.
                meshes={key: meshes[key] for key in table["mesh"].dropna().unique()},
                findings=(*(_finding(entry) for entry in found["findings"]), *impossible),
                features_in=found["features_in"],
            )


def _table(folder: Path, file: str) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The elements, those at an impossible height without a body and with a finding."""
    with (folder / "rows.jsonl").open("rb") as lines:
        table = pd.DataFrame([orjson.loads(line) for line in lines])
    placements = np.load(folder / "placements.npy", allow_pickle=False)
    boxes = np.load(folder / "boxes.npy", allow_pickle=False)
    there = np.isfinite(boxes).all(axis=1)
    astray = there & ((boxes[:, 2] < LOWEST) | (boxes[:, 5] > HIGHEST))
    there &= ~astray
    table["mesh"] = table["mesh"].astype(object).where(~astray, None)
    table["placement"] = pd.Series(list(placements), dtype=object).where(there, None)
    geom = np.full(len(table), None, dtype=object)
    geom[there] = box_faces(boxes[there])
    table["geom"] = geom
    return table, _astray(file, table[astray], boxes[astray])


def _astray(
    file: str, elements: pd.DataFrame, boxes: npt.NDArray[np.float64]
) -> tuple[Finding, ...]:
    """A warning (IFC-14) about ``elements`` whose ``boxes`` (n, 6) are too low or too high."""
    if elements.empty:
        return ()
    keys = elements["key"].tolist()
    what = ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")
    found = f"{boxes[:, 2].min():.1f} … {boxes[:, 5].max():.1f} m"
    expected = f"{LOWEST:g} … {HIGHEST:g} m"
    several = f"{len(keys)} elements lie" if len(keys) > 1 else "an element lies"
    return (
        Finding(
            "IFC-14",
            Severity.WARNING,
            Place(file, row=int(elements["source_row"].iloc[0]), element=keys[0]),
            f"{file}：{len(keys)} 个构件的高程为 {found}，应在 {expected} 之内，仅保存属性："
            f"{what}。请检查其放置、高程与单位后重新导出。",
            f"{file}: {several} at heights of {found}, expected {expected}, so only data is kept: "
            f"{what}. Check placement, elevations and unit, and export again.",
            found,
            expected,
            extra={"count": len(keys), "elements": keys[:_SHOWN]},
        ),
    )


def box_faces(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Boxes (n, 6), least and greatest x, y, z, as MultiPolygon Z of six outward faces each."""
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    corners = np.where(bits, boxes[:, None, 3:], boxes[:, None, :3])
    faces = np.asarray(shapely.polygons(corners[:, _FACES].reshape(-1, 5, 3)))
    return np.asarray(shapely.multipolygons(faces.reshape(-1, 6)), dtype=object)


def _finding(entry: dict[str, Any]) -> Finding:
    return Finding(
        **{**entry, "severity": Severity(entry["severity"]), "place": Place(**entry["place"])}
    )


def _stopped(file: str, error: IsolationError) -> RefusedError:
    limits = error.limits
    match error.reason:
        case Reason.TIME:
            return refuse(
                "IFC-10",
                file,
                found=f"more than {limits.seconds:g} s",
                expected=f"{limits.seconds:g} s",
                en=f"{file} was not read within the time limit of {limits.seconds:g} s and was "
                "stopped. Split it by storey or discipline, simplify its geometry, or raise the "
                "limit.",
                zh=f"{file} 未能在时间限制 {limits.seconds:g} 秒内读完，已中止。"
                "请按楼层或专业拆分、简化几何，或提高时间限制。",
            )
        case Reason.MEMORY:
            size = f"{limits.memory / (1 << 20):.0f} MiB"
            return refuse(
                "IFC-11",
                file,
                found=error.detail,
                expected=size,
                en=f"{file} needs more than the memory limit of {size} ({error.detail}) and was "
                "stopped. Split it by storey or discipline, or raise the limit.",
                zh=f"{file} 所需内存超过限制 {size}（{error.detail}），已中止。"
                "请按楼层或专业拆分，或提高内存限制。",
            )
        case _:
            return refuse(
                "IFC-12",
                file,
                found=error.detail,
                expected="a file that the library can read",
                en=f"{file} made the IFC library fail; nothing of it was read. Check the file with "
                f"a validator and export it again. ({error.detail})",
                zh=f"{file} 使 IFC 库异常终止，未读取任何内容。请用校验工具检查后重新导出。"
                f"（{error.detail}）",
            )


def _unreadable(file: str, error: OSError) -> RefusedError:
    en, zh = {
        errno.ENOENT: ("it is not there", "文件不存在"),
        errno.EACCES: ("reading it is not permitted", "没有读取权限"),
        errno.EISDIR: ("it is a folder", "这是一个文件夹"),
    }.get(error.errno or 0, (f"the system says {error.strerror}", f"系统提示 {error.strerror}"))
    return refuse(
        "IFC-01",
        file,
        found=en,
        expected="a file that can be read",
        en=f"{file} cannot be opened: {en}. Check its path and permissions.",
        zh=f"{file} 无法打开：{zh}。请检查文件路径与读取权限。",
    )
