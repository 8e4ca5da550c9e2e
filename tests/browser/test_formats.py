"""Every form in which tiles can be written, counted by CesiumJS itself: the ways to pack contents,
instances, and implicit tiling."""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Route

from tiles.inspect import Glb
from twin.testing import Program, Service

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

TWIN = "qianwan"
LAYERS = ("buildings", "bim", "pipes")
ADDRESS = re.compile(rf"/tiles/{TWIN}/(?P<layer>\w+)/(?P<name>[^?]+)")
#: Extensions without which a client cannot read what a profile makes.
REQUIRED = {
    "default": "EXT_meshopt_compression",
    "draco": "KHR_draco_mesh_compression",
    "compat": None,
}


def counts(glb: Glb) -> tuple[int, int]:
    """Features and triangles of a file by its own words; each mesh once, however often drawn."""
    metadata = glb.json.get("extensions", {}).get("EXT_structural_metadata", {})
    tables = metadata.get("propertyTables")
    drawn = [p for mesh in glb.json["meshes"] for p in mesh["primitives"] if p.get("mode", 4) == 4]
    indices = sum(glb.json["accessors"][p["indices"]]["count"] for p in drawn)
    return (tables[0]["count"] if tables else 0), indices // 3


def written(folder: Path) -> list[Glb]:
    """All contents below a folder, gzipped or plain."""
    packed = [gzip.decompress(path.read_bytes()) for path in folder.rglob("*.glb.gz")]
    return [Glb(data) for data in (*packed, *(p.read_bytes() for p in folder.rglob("*.glb")))]


def from_folder(folder: Path, asked: set[tuple[str, str]]) -> Callable[[Route], None]:
    """Answers requests for tiles out of ``folder`` in place of the service, and notes the layer and
    kind of each file."""

    def answer(route: Route) -> None:
        found = ADDRESS.search(route.request.url)
        assert found is not None
        path = folder / TWIN / found["layer"] / found["name"]
        asked.add((found["layer"], path.suffix))
        packed = path.with_name(f"{path.name}.gz")
        data = path.read_bytes() if path.is_file() else gzip.decompress(packed.read_bytes())
        route.fulfill(body=data, content_type=mimetypes.guess_type(path.name)[0] or "model/any")

    return answer


@pytest.mark.parametrize(
    ("profile", "form"), [("default", "explicit"), ("draco", "implicit"), ("compat", "explicit")]
)
def test_cesium_counts_what_was_written(
    visit: Visit, samples: Program, service: Service, tmp_path: Path, profile: str, form: str
) -> None:
    more: tuple[Any, ...] = ("--profile", profile, "--out", tmp_path / "explicit")
    samples.json("tile", "--twin", TWIN, *more, "--implicit", tmp_path / "implicit")
    asked: set[tuple[str, str]] = set()
    visit.page.route(f"**/tiles/{TWIN}/**", from_folder(tmp_path / form, asked))
    visit.open(f"#twin={TWIN}")
    for layer in LAYERS:
        visit.page.locator(f"[data-layer={layer}] .locate").click()
        visit.settle()
        files = written(tmp_path / form / TWIN / layer)
        wanted = Counter(pair for glb in files if (pair := counts(glb))[1])
        loaded = visit.ask(f"contents('{layer}')")
        found = Counter((one["features"], one["triangles"]) for one in loaded)
        assert found.total() > 0
        assert found <= wanted, (layer, found - wanted)
        assert any(one["leaf"] and one["features"] for one in loaded), layer
        assert (layer, ".glb") in asked
        assert ((layer, ".subtree") in asked) is (form == "implicit")
        used = {name for glb in files for name in glb.json.get("extensionsUsed", ())}
        assert REQUIRED[profile] is None or REQUIRED[profile] in used
        if layer == "bim" and profile != "compat":
            assert "EXT_mesh_gpu_instancing" in used
