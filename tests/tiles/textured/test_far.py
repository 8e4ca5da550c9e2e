"""What a client fetches that sees a whole mesh at once, its images included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.readers import mesh as reader
from ingest.readers.base import ReadOptions
from models.crs import STORAGE
from models.texturedmesh import meshes, store_mesh
from models.texturedmesh_testing import write_mesh
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.check.report import Summary
from tiles.store.directory import DirectoryStore
from tiles.textured import build_meshes
from tiles.textured.split import Limits
from twin.sources import frame_of

TWIN = load_twins()["songjiang-hub"]


def seen(folder: Path, limits: Limits, sides: list[int], cells: int, span: float) -> Summary:
    """What a check says of meshes beside each other with photographs of ``sides`` texels."""
    random = np.random.default_rng(1)
    for number, side in enumerate(sides):
        east, north = number % 4 * span, number // 4 * span
        path = write_mesh(
            folder / f"d{number}",
            cells=cells,
            span=span,
            name=f"{number}.obj",
            origin=(-east, -north),
        )
        coarse = random.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        photo = np.asarray(Image.fromarray(coarse).resize((side, side))).astype(int)
        photo += random.integers(-20, 20, photo.shape)
        image = Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8))
        image.save(path.parent / "tex/photo.jpg", quality=92)
        with reader.read(path, ReadOptions("EPSG:4549", "1985"), TWIN) as found:
            store_mesh(folder / "home", TWIN.id, found.folder, found.passport)
    (folder / "scratch").mkdir()
    report = build_meshes(
        meshes(folder / "home", TWIN.id),
        DirectoryStore(folder / "tiles"),
        frame_of(TWIN, STORAGE),
        folder / "scratch",
        extent=TWIN.extent,
        workers=1,
        limits=limits,
    )
    assert report.in_tiles == 2 * cells**2 * len(sides)
    return check_tileset(folder / "tiles").summary


@pytest.mark.parametrize(
    ("side", "most"), [(64, 100_000), (1400, 1_200_000)], ids=["plain", "fine"]
)
def test_a_whole_mesh_is_seen_in_2_mb_and_20_requests(tmp_path: Path, side: int, most: int) -> None:
    """With a twentieth of the usual triangles."""
    summary = seen(tmp_path, Limits(triangles=800), [side], 36, 900.0)
    assert summary.far_requests <= 20
    assert summary.far_bytes <= most
    assert side > 1000 or summary.far_requests < summary.contents


@pytest.mark.long
def test_a_town_of_photographs(tmp_path: Path) -> None:
    summary = seen(tmp_path, Limits(), [2048] * 12, 80, 250.0)
    assert summary.far_requests <= 20
    assert summary.far_bytes <= 2_000_000 < summary.bytes / 4
