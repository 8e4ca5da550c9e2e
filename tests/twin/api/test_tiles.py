"""3D Tiles over HTTP: coding, validators, ranges, caching, and names that are none."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin.testing import Program, Service

LAYER = "/tiles/songjiang-hub/buildings"
IDENTITY = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url) as client:
        yield client


@pytest.fixture(scope="session")
def stored(samples: Program) -> Path:
    """The file at rest of a content."""
    folder = samples.home / "tiles/songjiang-hub/buildings"
    store = DirectoryStore(folder)
    uri = next(tile.uri for tile in walk(lambda name: store.get(name).decoded()) if tile.uri)
    return folder / f"{uri}.gz"


@pytest.fixture
def content(stored: Path) -> str:
    return f"{LAYER}/{stored.name.removesuffix('.gz')}"


def test_gzip_at_rest_goes_out_as_it_lies(client: httpx.Client, content: str, stored: Path) -> None:
    with client.stream("GET", content, headers=GZIP) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"] == "model/gltf-binary"
        assert b"".join(answer.iter_raw()) == stored.read_bytes()


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "*;q=0"])
def test_identity_equals_the_unpacked_file(
    client: httpx.Client, content: str, stored: Path, accepted: str
) -> None:
    answer = client.get(content, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["vary"]
    assert answer.content == gzip.decompress(stored.read_bytes())
    assert answer.content[:4] == b"glTF"


def test_both_codings_have_an_etag_of_their_own_and_304(client: httpx.Client, content: str) -> None:
    tags = set()
    for coding in (IDENTITY, GZIP):
        tag = client.get(content, headers=coding).headers["etag"]
        for sent in (tag, f'W/{tag}, "other"', "*"):
            again = client.get(content, headers={**coding, "If-None-Match": sent})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert client.get(content, headers={**coding, "If-None-Match": '"x"'}).status_code == 200
        tags.add(tag)
    assert len(tags) == 2


def test_ranges(client: httpx.Client, content: str) -> None:
    whole = client.get(content, headers=IDENTITY)
    size, tag = len(whole.content), whole.headers["etag"]
    for asked, first, last in (
        ("bytes=0-3", 0, 3),
        ("bytes=10-", 10, size - 1),
        ("bytes=-5", size - 5, size - 1),
        (f"bytes=4-{size + 9}", 4, size - 1),
    ):
        part = client.get(content, headers={**IDENTITY, "Range": asked, "If-Range": tag})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.content == whole.content[first : last + 1]
    beyond = client.get(content, headers={**IDENTITY, "Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.headers["content-type"] == "application/problem+json"
    for ignored in ("bytes=5-2", "lines=1-2", "bytes=0-1,4-5", "bytes=-"):
        assert client.get(content, headers={**IDENTITY, "Range": ignored}).status_code == 200
    old = {**IDENTITY, "Range": "bytes=0-3", "If-Range": '"old"'}
    assert client.get(content, headers=old).status_code == 200


def test_a_range_of_the_gzipped_form_is_a_part_of_it(
    client: httpx.Client, content: str, stored: Path
) -> None:
    with client.stream("GET", content, headers={**GZIP, "Range": "bytes=2-9"}) as answer:
        assert answer.status_code == 206
        assert b"".join(answer.iter_raw()) == stored.read_bytes()[2:10]


def test_hashed_names_are_immutable_and_the_root_is_not(client: httpx.Client, content: str) -> None:
    assert "immutable" in client.get(content).headers["cache-control"]
    root = client.get(f"{LAYER}/tileset.json")
    assert "no-cache" in root.headers["cache-control"]
    assert root.headers["content-type"] == "application/json"
    assert root.json()["asset"]["version"] == "1.1"


def test_head_is_get_without_body(client: httpx.Client, content: str) -> None:
    for path in (content, f"{LAYER}/tileset.json"):
        head, get = (client.request(m, path, headers=IDENTITY) for m in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "etag", "content-type", "cache-control"):
            assert head.headers[name] == get.headers[name]


def test_other_origins_may_read(client: httpx.Client, content: str) -> None:
    origin = {"Origin": "https://maps.example"}
    answer = client.get(content, headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    asked = {**origin, "Access-Control-Request-Method": "GET"}
    asked["Access-Control-Request-Headers"] = "range"
    preflight = client.options(content, headers=asked)
    assert preflight.status_code == 200
    assert "range" in preflight.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    "path",
    [
        f"{LAYER}/..%2f..%2fbim%2ftileset.json",
        f"{LAYER}/..%2ftileset.json",
        f"{LAYER}/%2e%2e%2ftileset.json",
        f"{LAYER}/..%5ctileset.json",
        f"{LAYER}/tileset.json.gz",
        f"{LAYER}/tileset.json%00",
        f"{LAYER}/.new-abc",
        f"{LAYER}/{'0' * 32}.glb",
        "/tiles/songjiang-hub/..%2f..%2fpg.lock/x",
        "/tiles/songjiang-hub/roads/tileset.json",
        "/tiles/%2e%2e/buildings/tileset.json",
        "/tiles/nowhere/buildings/tileset.json",
    ],
)
def test_other_names_are_not_found(client: httpx.Client, path: str, samples: Program) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"]
    assert problem["detail_zh"]
    assert str(samples.home) not in answer.text  # nothing of the server's disk
