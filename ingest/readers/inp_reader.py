"""What the readers of EPANET and SWMM networks (.inp) have in common: files, units, tags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ingest.readers import epanet_build
from ingest.readers.base import ReadOptions
from ingest.readers.epanet_inp import Inp, program_of, read_inp
from ingest.readers.epanet_passport import class_of, passport
from ingest.readers.epanet_rows import Objects, Report, find, spec, table, tell_stray
from models.features import Delivery
from models.findings import Severity

FOOT: Final = 0.3048
_TAGS: Final = spec("TAGS", "kind id tag", 3)


class InpReader(ABC):
    """Reads one network a file, of the program ``name``. Declare both datums: the format has none.

    ``wanted`` are the first letters of the sections that are used, ``code`` the class of all links
    where ``profile`` names none of its kind; ``fold`` where ids do not tell cases apart.
    """

    name: str
    wanted: frozenset[str]
    code: str
    fold: bool

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """A group a file, by what is in it."""
        return [(p,) for p in paths if p.suffix.lower() == ".inp" and program_of(p) == self.name]

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one file. Raises :class:`ingest.errors.RefusedError` (MET-01, MET-02, STR-00,
        STR-01, STR-08); everything else is a finding of its line."""
        path = paths[0]
        declared = passport(path.name, options)
        code = class_of(path.name, options.profile, self.code, self.code)
        inp = read_inp(path, options.encoding, self.wanted | {"COOR", "VERT", "OPTI", "TAGS"})
        report = Report(path.name)
        nodes, links = self.network(inp, code, report)
        _put_tags(table(inp, _TAGS, report), nodes, links, self.fold, report)
        model = epanet_build.Model(nodes, links, self.fold)
        return epanet_build.delivery(path, inp, model, report, declared)

    @abstractmethod
    def network(self, inp: Inp, code: str, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Nodes and links as :class:`ingest.readers.epanet_build.Model` has them."""


def option(inp: Inp, name: str) -> tuple[str, int] | None:
    """The last value of an option, upper-case, with its line."""
    rows = [r for r in inp.rows("OPTI") if r.fields[0].upper() == name and len(r.fields) > 1]
    return (rows[-1].fields[1].upper(), rows[-1].line) if rows else None


def metric(
    inp: Inp,
    report: Report,
    name: str,
    *,
    default: str,
    units: tuple[frozenset[str], frozenset[str]],
    read_as: tuple[str, str],
) -> bool:
    """Whether lengths are metres, which hangs on the flow units in option ``name``, ``default``
    where the file names none: ``units`` are those that go with metres and those that go with feet.

    What is neither goes with feet and is told (STR-04), ``read_as`` being what that means in
    Chinese and English.
    """
    unit, line = option(inp, name) or (default, 0)
    if unit not in units[0] | units[1]:
        zh, en = read_as
        report.rows(
            pd.DataFrame([{"line": line, "section": "OPTIONS", "id": unit}]),
            "STR-04",
            f"流量单位 {{id}} 未知，{zh}。请更正。",
            f"the flow unit {{id}} is not known; {en}. Correct it.",
            severity=Severity.WARNING,
            expected=", ".join(sorted(units[0] | units[1])),
        )
    return unit in units[0]


def attributes(**columns: Any) -> Objects:
    """A dictionary a row of what is known."""
    frame = pd.DataFrame(columns)
    keys, known = list(frame.columns), frame.notna().to_numpy()
    rows = zip(frame.astype(object).to_numpy(), known, strict=True)
    out = np.empty(len(frame), object)
    out[:] = [{k: v for k, v, is_ in zip(keys, *row, strict=True) if is_} for row in rows]
    return out


def _put_tags(
    tags: pd.DataFrame, nodes: pd.DataFrame, links: pd.DataFrame, fold: bool, report: Report
) -> None:
    """Rows of [TAGS] (``kind`` NODE or LINK, ``id``, ``tag``) into ``attrs``. In place."""
    kind = tags["kind"].str.upper() if len(tags) else tags["kind"]
    for word, frame in (("NODE", nodes), ("LINK", links)):
        part = tags[(kind == word).to_numpy(bool) & tags["good"].to_numpy(bool)]
        at = find(frame["id"], part["id"], fold)
        tell_stray(report, part[at < 0])
        attrs = frame["attrs"].to_numpy(object)
        for row, tag in zip(at[at >= 0], part["tag"][at >= 0], strict=True):
            attrs[row]["tag"] = tag
