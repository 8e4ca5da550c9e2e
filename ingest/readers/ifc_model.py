"""Parsing of an IFC file, and what the parser could not make sense of, in our own words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import ifcopenshell

from ingest.errors import RefusedError, refuse
from ingest.readers.ifc_log import entries, error_log
from models.findings import Finding, Place, Severity

_DANGLING: Final = re.compile(r"Instance reference #(\d+) used by instance #(\d+)")
_UNKNOWN: Final = re.compile(r"Entity with name '(\w+)' not found")
#: A reference that leads nowhere costs a link when one of these has it, and anything otherwise.
_LOOSE: Final = ("IfcRelationship", "IfcPresentationLayerAssignment")
#: How many faults a sentence tells.
_SHOWN: Final = 3


def open_model(path: Path, file: str) -> tuple[Any, tuple[Finding, ...]]:
    """The parsed model of the STEP file at ``path``, and a warning on what was passed over.

    Raises :class:`RefusedError` (IFC-02) when instances that matter are not in the file.
    """
    log = error_log()
    try:
        model = ifcopenshell.open(path, logger=log)
    except (ifcopenshell.Error, OSError) as error:
        quoted = str(error)[:200]
        raise _damaged(
            file,
            ("内容不能按 STEP 解析", "what cannot be parsed as STEP"),
            f' IfcOpenShell: "{quoted}"',
        ) from error
    faults: Counter[tuple[str, str]] = Counter()
    loose: list[tuple[str, str]] = []
    for entry in entries(log):
        text = entry["message"]
        if (unknown := _UNKNOWN.search(text)) is not None:
            name, schema = unknown[1], model.schema_identifier
            faults[f"模式 {schema} 中没有 {name}", f"{name} is not in {schema}"] += 1
        elif (dangling := _DANGLING.search(text)) is not None:
            owner: Any = model.by_id(int(dangling[2]))
            what = f"{owner.is_a()} #{owner.id()}"
            words = (
                f"{what} 引用的 #{dangling[1]} 不在文件中",
                f"{what} refers to #{dangling[1]}, which is not there",
            )
            if any(owner.is_a(name) for name in _LOOSE):
                loose.append(words)
            else:
                faults[words] += 1
        else:
            loose.append((f"IfcOpenShell：“{text}”", f'IfcOpenShell: "{text}"'))
    if faults:
        count = sum(faults.values())
        zh, en = (("；", "; ")[i].join([f[i] for f in faults][:_SHOWN]) for i in (0, 1))
        raise _damaged(file, (f"{count} 处错误：{zh}", f"{count} faults: {en}"))
    return model, () if not loose else (_passed_over(file, loose),)


def _passed_over(file: str, loose: list[tuple[str, str]]) -> Finding:
    (zh, en), count = loose[0], len(loose)
    values = "1 value that does" if count == 1 else f"{count} values that do"
    return Finding(
        "IFC-02",
        Severity.WARNING,
        Place(file),
        f"{file} 有 {count} 处不合模式的内容，已略过，应全部符合。请检查导出设置。首个：{zh}",
        f"{file}: passed over {values} not fit its schema, expected none. Check the export. The "
        f"first: {en}",
        found=f"{count}: {'; '.join(words for _, words in loose[:_SHOWN])}"[:500],
        expected="no value outside the schema",
    )


def _damaged(file: str, found: tuple[str, str], quoted: str = "") -> RefusedError:
    zh, en = found
    return refuse(
        "IFC-02",
        file,
        found=en[:500],
        expected="every instance that is referred to, of the schema in the header",
        en=f"{file} is damaged or not of the schema in its header: found {en[:300]}; expected "
        f"every instance that is referred to. Export it again.{quoted}",
        zh=f"{file} 已损坏，或与文件头所声明的模式不符：{zh[:300]}；所引用的实例应全部存在。"
        f"请重新导出。{quoted}",
    )
