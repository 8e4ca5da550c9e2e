"""What became of delivered files, one outcome a group of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.features import DatumPassport
from models.findings import Finding, Severity
from twin.console import counted

if TYPE_CHECKING:
    from models.db.publish import PublishResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one group of files; ``dataset`` is the name it goes by, ``stored`` is None
    where nothing was to be stored; ``totals`` are those of its delivery, ``passport`` its datums;
    ``handed`` are the files as they were handed over, an archive for what it held."""

    files: tuple[str, ...]
    theme: str | None
    features_in: int
    accepted: int
    findings: tuple[Finding, ...]
    seconds: float
    dataset: str | None = None
    stored: PublishResult | None = None
    totals: tuple[Mapping[str, Any], ...] = ()
    handed: tuple[Path, ...] = ()
    passport: DatumPassport | None = None

    @property
    def errors(self) -> int:
        """Number of findings of severity error."""
        return sum(f.severity is Severity.ERROR for f in self.findings)

    @property
    def clean(self) -> bool:
        """Whether nothing of it was refused."""
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the findings themselves."""
        counts = {s.value: sum(f.severity is s for f in self.findings) for s in Severity}
        return {
            "files": list(self.files),
            "theme": self.theme,
            "features_in": self.features_in,
            "accepted": self.accepted,
            "refused": self.features_in - self.accepted,
            "findings": counts,
            "dataset": self.dataset,
            "stored": None if self.stored is None else asdict(self.stored),
            "seconds": round(self.seconds, 3),
        }

    def line(self) -> str:
        """One line for a person."""
        names = ", ".join(self.files[:3]) + (" …" if len(self.files) > 3 else "")
        if not self.features_in and self.clean:
            return f"· {names}: {counted(len(self.findings), '条提示', 'remark')}"
        if not self.accepted:
            return f"✗ {names}: 拒收 refused"
        parts = [
            f"{'✓' if self.clean else '!'} {names}: {self.features_in} 条 read",
            f"{self.accepted} 合格 accepted",
            f"{self.features_in - self.accepted} 拒收 refused",
        ]
        if self.stored is not None:
            new = "新版本 revision" if self.stored.new else "无变化 unchanged, revision"
            parts.append(f"{self.dataset} {new} {self.stored.number}")
        return ", ".join(parts) + f", {self.seconds:.1f} s"
