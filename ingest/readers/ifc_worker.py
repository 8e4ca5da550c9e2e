"""The isolated side of the IFC reader: one file in, a folder of plain files out.

``rows.jsonl`` has one element a line, ``placements.npy`` (n, 16) and ``boxes.npy`` (n, 6) go with
its lines (NaN where there is no body), the meshes are as :mod:`ingest.readers.ifc_meshes` has them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import ifcopenshell
import ifcopenshell.util.unit as ifc_unit
import numpy as np
import orjson

from ingest.errors import RefusedError, refuse
from ingest.readers import ifc_header
from ingest.readers.ifc_bodies import Bodies, extract
from ingest.readers.ifc_elements import Tree, not_drawn, objects, rows
from ingest.readers.ifc_georef import Georeference, locate, settle
from ingest.readers.ifc_log import entries, error_log
from ingest.readers.ifc_meshes import MeshWriter
from models.findings import Finding, Place, Severity

_DANGLING: Final = re.compile(r"Instance reference #(\d+) used by instance #(\d+)")
_UNKNOWN: Final = re.compile(r"Entity with name '(\w+)' not found")
#: A reference that leads nowhere costs a link when one of these has it, and anything otherwise.
_LOOSE: Final = ("IfcRelationship", "IfcPresentationLayerAssignment")


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
    model, findings = _open(ifc_header.with_schema(path, written, folder), file)
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
        bodies = extract(model, kept, writer, frames)
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


def _open(path: Path, file: str) -> tuple[Any, tuple[Finding, ...]]:
    """The parsed model; refused (IFC-02) when instances that matter are not in the file."""
    log = error_log()
    try:
        model = ifcopenshell.open(path, logger=log)
    except (ifcopenshell.Error, OSError) as error:
        raise _damaged(file, str(error)) from error
    faults: Counter[str] = Counter()
    loose: list[str] = []
    for entry in entries(log):
        text = entry["message"]
        if (unknown := _UNKNOWN.search(text)) is not None:
            faults[f"{unknown[1]} is not in {model.schema_identifier}"] += 1
        elif (dangling := _DANGLING.search(text)) is not None:
            owner: Any = model.by_id(int(dangling[2]))
            words = f"{owner.is_a()} #{owner.id()} refers to #{dangling[1]}, which is not there"
            if any(owner.is_a(name) for name in _LOOSE):
                loose.append(words)
            else:
                faults[words] += 1
        else:
            loose.append(text)
    if faults:
        raise _damaged(file, f"{sum(faults.values())} faults: {'; '.join([*faults][:3])}")
    if not loose:
        return model, ()
    found = f"{len(loose)}: {'; '.join(loose[:3])}"
    note = Finding(
        "IFC-02",
        Severity.WARNING,
        Place(file),
        f"{file} 有 {len(loose)} 处不合模式的内容，已略过：{loose[0]}。请检查导出设置。",
        f"{file} has {len(loose)} values that do not fit its schema and are passed over; the first "
        f"is: {loose[0]}. Check the export.",
        found=found[:500],
    )
    return model, (note,)


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
    findings = []
    for item in kept:
        reason = bodies.failed.get(item.id())
        if reason is None:
            continue
        what = f"{item.is_a()} {item.GlobalId} '{item.Name or ''}'"
        findings.append(
            Finding(
                "IFC-07",
                Severity.WARNING,
                Place(file, row=item.id(), element=item.GlobalId),
                f"{file}：{what} 的几何无法生成，仅保存属性（{reason}）。请检查该构件。",
                f"{file}: the body of {what} cannot be built, so it is kept as data only "
                f"({reason}). Check its geometry in the authoring tool.",
                found=reason,
                expected="a surface or solid",
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


def _damaged(file: str, found: str) -> RefusedError:
    return refuse(
        "IFC-02",
        file,
        found=found[:500],
        expected="every instance that is referred to, of the schema in the header",
        en=f"{file} is damaged or not of the schema in its header: {found[:300]}. Export it again.",
        zh=f"{file} 已损坏，或与文件头所声明的模式不符：{found[:300]}。请重新导出。",
    )


def _empty(file: str) -> RefusedError:
    return refuse(
        "IFC-09",
        file,
        found="no IfcProduct",
        expected="at least one element",
        en=f"{file} holds no element (IfcProduct). Check what was exported.",
        zh=f"{file} 不含任何构件（IfcProduct）。请检查导出范围。",
    )
