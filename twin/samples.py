"""The sample deliveries and how each is handed in: ``data-samples/samples.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from models.errors import TwinError

FOLDER = Path(__file__).resolve().parent.parent / "data-samples"


class SamplesError(TwinError):
    """The samples are not where they should be."""

    code = "SMP-01"


@dataclass(frozen=True, slots=True)
class Sample:
    """One delivery: files, twin, dataset name, and what its deliverer declares."""

    twin: str
    dataset: str
    files: tuple[Path, ...]
    horizontal: str | None
    vertical: str | None


def samples(folder: Path = FOLDER) -> list[Sample]:
    """All deliveries in the order of the list. Raises :class:`SamplesError`."""
    try:
        rows: list[dict[str, Any]] = yaml.safe_load((folder / "samples.yaml").read_text("utf-8"))
    except OSError as error:
        raise SamplesError(
            f"The sample deliveries are not in {folder} ({error.strerror}). They come with the "
            "source tree: run `twin samples` from a checkout.",
            f"{folder} 中没有样例数据（{error.strerror}）。"
            "样例随源码提供：请在源码目录中运行 `twin samples`。",
        ) from error
    return [
        Sample(
            row["twin"],
            row["dataset"],
            tuple(folder / name for name in row["files"]),
            row.get("crs"),
            row.get("vertical"),
        )
        for row in rows
    ]
