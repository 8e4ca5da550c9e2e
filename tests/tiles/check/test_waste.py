"""Bytes that nothing refers to and parts that nothing uses, each planted alone."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

SPARE = 5000
Change = Callable[[dict[str, Any]], Any]


def taken_apart(planted: Planted) -> tuple[dict[str, Any], bytes]:
    """JSON and BIN chunk of the first content."""
    data = (planted.folder / "0.glb").read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def write(planted: Planted, document: dict[str, Any], binary: bytes, further: bytes = b"") -> None:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    body += struct.pack("<I4s", len(binary), b"BIN\0") + binary + further
    head = struct.pack("<4sII", b"glTF", 2, 12 + len(body))
    (planted.folder / "0.glb").write_bytes(head + body)


def with_view(document: dict[str, Any], binary: bytes, spare: bytes) -> bytes:
    """Put ``spare`` at the end, in a view of its own."""
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(spare)}
    document["bufferViews"].append(view)
    return grown(document, binary, spare)


def grown(document: dict[str, Any], binary: bytes, spare: bytes) -> bytes:
    out = binary + spare
    document["buffers"][0]["byteLength"] = len(out)
    return out


def found(planted: Planted, code: str) -> list[str]:
    report = planted.check()
    assert set(report.totals) == {code}, [finding.en for finding in report.findings]
    return [str(finding.found) for finding in report.findings]


def test_bytes_in_no_view(planted: Planted) -> None:
    document, binary = taken_apart(planted)
    write(planted, document, grown(document, binary, bytes(SPARE)))
    assert found(planted, "TSC-35") == [f"{SPARE} bytes (the BIN chunk)"]


def test_a_view_longer_than_its_accessors(planted: Planted) -> None:
    document, binary = taken_apart(planted)
    position = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    at = document["accessors"][position]["bufferView"]
    view = document["bufferViews"][at]
    start = view.get("byteOffset", 0)
    moved = binary[start : start + view["byteLength"]] + bytes(SPARE)
    held = binary[:start] + binary[start + view["byteLength"] :]  # what lies behind moves up
    for other in document["bufferViews"]:
        if other.get("byteOffset", 0) > start:
            other["byteOffset"] -= view["byteLength"]
    held += bytes(-len(held) % 8)
    view |= {"byteOffset": len(held), "byteLength": len(moved)}
    write(planted, document, grown(document, held, moved))
    (told,) = found(planted, "TSC-35")
    assert told == f"{SPARE} bytes (bufferViews[{at}] beyond its accessors)"


def test_vertices_that_no_index_names(planted: Planted) -> None:
    """One of five boxes is no longer drawn, nor are its indices in use."""
    document, binary = taken_apart(planted)
    primitive = document["meshes"][0]["primitives"][0]
    indices = document["accessors"][primitive["indices"]]
    indices["count"] -= 36
    kind = {5121: "<u1", 5123: "<u2", 5125: "<u4"}[indices["componentType"]]
    spare = 36 * np.dtype(kind).itemsize
    write(planted, document, binary)
    report = planted.check()
    assert set(report.totals) == {"TSC-35"}
    told = [str(finding.found) for finding in report.findings]
    attributes = [document["accessors"][at] for at in primitive["attributes"].values()]
    sizes = {5121: 1, 5123: 2, 5125: 4, 5126: 4}
    widths = {"SCALAR": 1, "VEC3": 3}
    size = sum(sizes[a["componentType"]] * widths[a["type"]] for a in attributes)
    assert f"{24 * size} bytes (24 vertices that no index names)" in told
    assert any(one.startswith(f"{spare} bytes (bufferViews[") for one in told)


def test_a_chunk_that_clients_ignore(planted: Planted) -> None:
    document, binary = taken_apart(planted)
    write(planted, document, binary, struct.pack("<II", SPARE, 0x12345678) + bytes(SPARE))
    assert found(planted, "TSC-35") == [f"{SPARE + 8} bytes (chunks after BIN)"]


@pytest.mark.parametrize("stated", [True, False])
def test_bytes_of_a_file_beside(planted: Planted, stated: bool) -> None:
    """In the buffer as its length says, or behind that."""
    document, binary = taken_apart(planted)
    document["buffers"][0]["uri"] = "0.bin"
    (planted.folder / "0.gltf").write_text(json.dumps(document))
    (planted.folder / "0.bin").write_bytes(binary)
    (planted.folder / "0.glb").unlink()
    planted.root["children"][0]["content"]["uri"] = "0.gltf"
    assert planted.check().totals == {}
    longer = grown(document, binary, bytes(SPARE))
    if stated:
        (planted.folder / "0.gltf").write_text(json.dumps(document))
    (planted.folder / "0.bin").write_bytes(longer)
    assert found(planted, "TSC-35") == [f"{SPARE} bytes"]
    assert planted.check().findings[0].place.file == "0.bin"


def test_a_file_that_contents_share_is_used_by_all(planted: Planted) -> None:
    """Each content uses its own half of one buffer."""
    document, binary = taken_apart(planted)
    other = (planted.folder / "1.glb").read_bytes()
    size = struct.unpack_from("<I", other, 12)[0]
    second = json.loads(other[20 : 20 + size])
    start = len(binary) + -len(binary) % 8
    both = binary.ljust(start, b"\0") + other[28 + size :]
    for view in second["bufferViews"]:
        view["byteOffset"] = view.get("byteOffset", 0) + start
    for at, content in enumerate((document, second)):
        content["buffers"] = [{"uri": "all.bin", "byteLength": len(both)}]
        (planted.folder / f"{at}.gltf").write_text(json.dumps(content))
        planted.root["children"][at]["content"]["uri"] = f"{at}.gltf"
        (planted.folder / f"{at}.glb").unlink()
    (planted.folder / "all.bin").write_bytes(both)
    assert planted.check().totals == {}
    planted.root["children"].pop()
    (planted.folder / "1.gltf").unlink()
    (told,) = found(planted, "TSC-35")
    assert int(told.split()[0]) > len(both) // 3


def dead_mesh(document: dict[str, Any]) -> None:
    document["meshes"].append(document["meshes"][0])


def dead_node(document: dict[str, Any]) -> None:
    document["nodes"].append({"mesh": 0, "translation": [1000.0, 0.0, 0.0]})


def dead_image(document: dict[str, Any]) -> None:
    document["images"] = [{"uri": "data:image/png;base64," + "A" * SPARE}]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("meshes[1]", dead_mesh),
        ("nodes[2]", dead_node),
        ("images[0]", dead_image),
        ("materials[1]", lambda d: d["materials"].append({"doubleSided": True})),
        ("textures[0]", lambda d: d.update(textures=[{}])),
        ("buffers[1]", lambda d: d["buffers"].append({"byteLength": 9, "uri": "no.bin"})),
    ],
)
def test_parts_that_nothing_uses(planted: Planted, part: str, change: Change) -> None:
    planted.glb(change)
    (told,) = found(planted, "TSC-36")
    named, size = told.split(", ")
    assert named == part and size.endswith("bytes of JSON")
    assert (int(size.split()[0]) > SPARE) is (part == "images[0]")


def test_the_bytes_of_a_mesh_that_no_node_uses(planted: Planted) -> None:
    """Its accessor and view are named, but only by it."""
    document, binary = taken_apart(planted)
    binary += bytes(-len(binary) % 8)
    binary = with_view(document, binary, bytes(1200))
    view = len(document["bufferViews"]) - 1
    spot = {"bufferView": view, "componentType": 5126, "type": "VEC3", "count": 100}
    document["accessors"].append(spot | {"min": [0, 0, 0], "max": [0, 0, 0]})
    document["meshes"].append(
        {"primitives": [{"attributes": {"POSITION": len(document["accessors"]) - 1}}]}
    )
    write(planted, document, binary)
    report = planted.check()
    assert report.totals == {"TSC-35": 1, "TSC-36": 1}
    assert {str(one.found)[:10] for one in report.findings} == {"1200 bytes", "meshes[1],"}
