"""The isolated side of the IFC reader: one file in, a folder of plain files out.

``rows.jsonl`` has one element a line, ``placements.npy`` (n, 16) and ``boxes.npy`` (n, 6) go with
its lines (NaN where there is no body), the meshes are as :mod:`ingest.readers.ifc_meshes` has them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import ifcopenshell.util.unit as ifc_unit
import numpy as np
import orjson

from ingest.errors import RefusedError, refuse
from ingest.readers import ifc_header
from ingest.readers.ifc_bodies import Bodies, extract
from ingest.readers.ifc_elements import Tree, not_drawn, objects, rows
from ingest.readers.ifc_georef import Georeference, locate, settle
from ingest.readers.ifc_meshes import MeshWriter
from ingest.readers.ifc_model import open_model
from models.findings import Finding, Place, Severity

_INSTANCE: Final = re.compile(r"#\d+\s*=.*")
#: How many elements a finding on many of them names.
_SHOWN: Final = 5


def work(
    path: str,
    file: str,
    folder: str,
    horizontal: str | None,
    vertical: str | None,
    memory: int,
) -> dict[str, Any]:
    """Read the IFC file at ``path`` into ``folder``; what was found, as JSON holds it.

    ``file`` is its name in messages, ``memory`` bounds what an archive may unpack to. A refusal
    comes back as ``{"refused": [findings]}``.
    """
    try:
        return _work(Path(path), file, Path(folder), horizontal, vertical, memory)
    except RefusedError as error:
        return {"refused": [finding.as_dict() for finding in error.findings]}


def _work(
    path: Path,
    file: str,
    folder: Path,
    horizontal: str | None,
    vertical: str | None,
    memory: int,
) -> dict[str, Any]:
    if path.suffix.lower() == ".ifczip":
        path = ifc_header.unpack(path, file, folder, memory)
    written = ifc_header.check(path, file)
    model, findings = open_model(ifc_header.with_schema(path, written, folder), file)
    if written not in ifc_header.READABLE:
        findings += _renamed(file, written)
    unit = float(ifc_unit.calculate_unit_scale(model))
    georeference = locate(model, file, unit, horizontal, vertical)
    if not model.by_type("IfcProduct"):
        raise _empty(file)
    kept, doubles = objects(model, file)
    tree = Tree(model, file)
    frames = [georeference.matrix]
    if georeference.otherwise is not None:
        frames.append(georeference.otherwise.matrix)
    with MeshWriter(folder) as writer:
        bodies = extract(model, kept, writer, frames, unit)
    settled = settle(georeference, _centre(bodies), file)
    frame = 0 if settled.matrix is georeference.matrix else 1
    _write(folder, model, kept, tree, bodies, settled, frame, unit)
    findings += (*settled.findings, *doubles, *not_drawn(kept, file))
    findings += _without_body(kept, bodies, file)
    passport = settled.passport
    return {
        "horizontal": passport.horizontal,
        "vertical": passport.vertical,
        "method": passport.method,
        "features_in": len(kept) + len(doubles),
        "findings": [finding.as_dict() for finding in findings],
    }


def _centre(bodies: Bodies) -> tuple[float, float] | None:
    if not bodies.box:
        return None
    boxes = np.array([box[0] for box in bodies.box.values()])
    middle = np.median((boxes[:, :3] + boxes[:, 3:]) / 2, axis=0)
    return float(middle[0]), float(middle[1])


def _write(
    folder: Path,
    model: Any,
    kept: list[Any],
    tree: Tree,
    bodies: Bodies,
    georeference: Georeference,
    frame: int,
    unit: float,
) -> None:
    placements = np.full((len(kept), 16), np.nan)
    boxes = np.full((len(kept), 6), np.nan)
    with (folder / "rows.jsonl").open("wb") as out:
        for at, row in enumerate(rows(model, kept, tree, unit, georeference.matrix)):
            step = row["source_row"]
            row["mesh"] = bodies.mesh.get(step)
            if row["mesh"] is not None:
                placements[at] = (georeference.matrix @ bodies.placement[step]).ravel()
                boxes[at] = bodies.box[step][frame]
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    np.save(folder / "placements.npy", placements, allow_pickle=False)
    np.save(folder / "boxes.npy", boxes, allow_pickle=False)


def _without_body(kept: list[Any], bodies: Bodies, file: str) -> tuple[Finding, ...]:
    """A warning (IFC-07) for each reason why bodies cannot be built, with the first of them."""
    failed: dict[str, list[Any]] = defaultdict(list)
    for item in kept:
        if (reason := bodies.failed.get(item.id())) is not None:
            # The kernel's words name the instance, by which no two would be alike.
            failed[_INSTANCE.sub("", reason).strip()].append((item, reason))
    findings = []
    for items in failed.values():
        first, reason = items[0]
        names = [f"{item.is_a()} {item.GlobalId} '{item.Name or ''}'" for item, _ in items[:_SHOWN]]
        what = ", ".join(names) + (", ..." if len(items) > _SHOWN else "")
        several = f"bodies of {len(items)} elements" if len(items) > 1 else "body of an element"
        findings.append(
            Finding(
                "IFC-07",
                Severity.WARNING,
                Place(file, row=first.id(), element=first.GlobalId),
                f"{file}：{len(items)} 个构件的几何无法生成，仅保存属性：{what}。应为曲面或实体，"
                f"请在建模软件中检查。IfcOpenShell：“{reason}”",
                f"{file}: the {several} cannot be built, so only data is kept: {what}. Expected a "
                "surface or solid; check the geometry in the authoring tool. "
                f'IfcOpenShell: "{reason}"',
                found=reason,
                expected="a surface or solid",
                extra={"count": len(items), "elements": [i.GlobalId for i, _ in items[:_SHOWN]]},
            )
        )
    if not bodies.mesh and not findings:
        en = f"{file}: no element has a body, so there is nothing to draw. Check what was exported."
        zh = f"{file}：没有任何构件带有实体，无可显示内容，请检查导出范围。"
        findings.append(Finding("IFC-07", Severity.WARNING, Place(file), zh, en, found="0"))
    return tuple(findings)


def _renamed(file: str, written: str) -> tuple[Finding, ...]:
    known = ifc_header.READ_AS[written.upper()]
    en = f"{file}: header schema {written} is read as {known}."
    zh = f"{file}：文件头模式 {written} 按 {known} 读取。"
    return (Finding("IFC-03", Severity.INFO, Place(file), zh, en, found=written, expected=known),)


def _empty(file: str) -> RefusedError:
    return refuse(
        "IFC-09",
        file,
        found="no IfcProduct",
        expected="at least one element",
        en=f"{file} holds no element (IfcProduct). Check what was exported.",
        zh=f"{file} 不含任何构件（IfcProduct）。请检查导出范围。",
    )
