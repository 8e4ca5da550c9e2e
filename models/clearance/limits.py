"""Limits as data: the cells of the standards' clearance tables, each with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import TwinError

_FOLDER: Final = files("models.data") / "clearance"
#: Kinds of line; every other kind of a cell stands beside or above one.
LINES: Final = frozenset({"JS", "ZS", "PS", "RQ", "RL", "DL", "TX"})
Measure = Literal["horizontal", "vertical", "cover"]
Laying = Literal["direct", "conduit", "trench"]
Pressure = Literal["低压", "中压B", "中压A", "次高压B", "次高压A"]
_STRICT: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LimitError(TwinError):
    """A table of limits is wrong or missing; the sentence names the file and the field."""

    code = "CLR-01"


class Bounds(BaseModel):
    """A range of numbers; ``at_most``, ``at_least`` hold their own end, the others not."""

    model_config = _STRICT
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    at_least: float | None = None


class Side(BaseModel):
    """What a line must be for a cell to hold; what is not named does not matter."""

    model_config = _STRICT
    kind: str | tuple[str, ...]
    laying: Laying | tuple[Laying, ...] | None = None
    pressure: Pressure | None = None
    material: str | None = None
    diameter_mm: Bounds | None = None
    voltage_kv: Bounds | None = None

    def conditions(self) -> dict[str, Any]:
        """The conditions by their attribute."""
        return {name: test for name, test in self if test is not None}


class Source(BaseModel):
    """Where cells come from. ``verified`` tells whether a published source was read, ``by`` of
    what kind; ``mandatory`` is null where that is not known."""

    model_config = _STRICT
    rule: str
    standard: str
    clause: str | None
    table: str | None
    edition: int | None
    verified: bool
    mandatory: bool | None
    waiver: str | None
    by: str


class _Cell(BaseModel):
    model_config = _STRICT
    id: Annotated[str, Field(min_length=1)]
    a: Side
    b: Side
    value: Annotated[float, Field(ge=0)]
    source: str
    note: str | None = None


class _Table(BaseModel):
    model_config = _STRICT
    measure: Measure
    unit: Literal["m"]
    ordered: bool
    sources: dict[str, Source]
    cells: tuple[_Cell, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if lost := {cell.source for cell in self.cells} - set(self.sources):
            raise ValueError(f"sources not described: {sorted(lost)}")
        rules = Counter(f"{self.sources[cell.source].rule}.{cell.id}" for cell in self.cells)
        if twice := sorted(rule for rule, count in rules.items() if count > 1):
            raise ValueError(f"cells of one source with the same id: {twice}")
        return self


@dataclass(frozen=True, slots=True)
class Limit:
    """One cell: ``value`` metres between lines ``a`` and ``b`` (of an ordered table the lower or
    the covered one and the upper one), with its source."""

    rule: str
    measure: Measure
    a: Side
    b: Side
    value: float
    note: str | None
    source: Source

    @property
    def verified(self) -> bool:
        """Whether a published source was read; what was not never yields an error."""
        return self.source.verified

    @property
    def citation(self) -> str:
        """Standard, table or clause, and the edition that was read where it is not the named."""
        where = self.source.table or self.source.clause
        name = f"{self.source.standard} {where}" if where else self.source.standard
        edition = self.source.edition
        return name if edition in (None, 2016) else f"{name} ({edition})"

    @property
    def precedence(self) -> tuple[int, int]:
        """More conditions before fewer, newer editions before older ones."""
        count = len(self.a.conditions()) + len(self.b.conditions())
        return count, self.source.edition or 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The cells of one measure. ``ordered`` tells that ``a`` is the lower line and ``b`` the upper
    one; else the order does not matter."""

    measure: Measure
    ordered: bool
    cells: tuple[Limit, ...]

    def by_rule(self) -> Mapping[str, Limit]:
        """The cells by their ids, as answers name them."""
        return {cell.rule: cell for cell in self.cells}

    @property
    def greatest(self) -> float:
        """The greatest limit (m) between two lines."""
        between = (c.value for c in self.cells if LINES & _kinds(c.a) and LINES & _kinds(c.b))
        return max(between, default=0.0)


def _kinds(side: Side) -> set[str]:
    return {side.kind} if isinstance(side.kind, str) else set(side.kind)


@cache
def load_limits(measure: Measure) -> Limits:
    """The limits that the project ships, read once. Raises :class:`LimitError`."""
    return _parse((_FOLDER / f"{measure}.yaml").read_text("utf-8"), f"{measure}.yaml")


def read_limits(path: Path) -> Limits:
    """Limits of the user's own, shaped as ``models/data/clearance``. Raises :class:`LimitError`."""
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(str(path), str(error)) from None


def _parse(text: str, name: str) -> Limits:
    try:
        raw: Mapping[str, Any] = yaml.safe_load(text)
        table = _Table.model_validate(raw)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise _unusable(name, "; ".join(faults)) from None
    except yaml.YAMLError as error:
        raise _unusable(name, " ".join(str(error).split())) from None
    cells = []
    for cell in table.cells:
        source = table.sources[cell.source]
        rule = f"{source.rule}.{cell.id}"
        cells.append(Limit(rule, table.measure, cell.a, cell.b, cell.value, cell.note, source))
    return Limits(table.measure, table.ordered, tuple(cells))


def _unusable(name: str, faults: str) -> LimitError:
    return LimitError(
        f"{name}: not a usable table of limits. {faults}. Correct the file.",
        f"{name}：限值表不可用。{faults}。请修改该文件。",
    )
