"""The nginx configuration, tried by nginx itself before a store and a service."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.db.testing import until
from models.features import Theme
from models.testing import buildings, delivery
from models.twins import load_twins
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin import tiling
from twin.nginx import NginxError, configuration
from twin.nginx_testing import nginx
from twin.settings import Settings
from twin.testing import Program, application

TWIN = load_twins()["songjiang-hub"]
CONTENT = b"glTF" + bytes(range(256)) * 40


class _Service(BaseHTTPRequestHandler):
    """Says what it was asked, so that a test sees what nginx passes on."""

    def do_GET(self) -> None:
        scheme, client = self.headers["X-Forwarded-Proto"], self.headers["X-Forwarded-For"]
        body = f"{self.headers['Host']} {self.path} {scheme} {client}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"of-the-service"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def service() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def front(tmp_path: Path, service: int) -> Iterator[tuple[str, str]]:
    """Address of nginx, and the name of a tile."""
    tmp_path.chmod(0o755)
    settings = Settings(home=tmp_path / "home", port=service)
    store = DirectoryStore(settings.tiles_dir / "songjiang-hub" / "buildings")
    name = store.put(CONTENT, "glb")
    store.publish(b"{}")
    with nginx(tmp_path / "nginx", settings) as address:
        yield address, name


def test_hashed_names_come_from_the_store(front: tuple[str, str]) -> None:
    url, name = front
    path = f"{url}/tiles/songjiang-hub/buildings/{name}"
    zipped = httpx.get(path, headers={"Origin": "https://map.example"})
    assert zipped.content == CONTENT
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.headers["content-type"] == "model/gltf-binary"
    assert zipped.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert zipped.headers["access-control-allow-origin"] == "*"
    assert "Accept-Encoding" in zipped.headers["vary"]
    plain = httpx.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == CONTENT
    assert "content-encoding" not in plain.headers
    again = httpx.get(path, headers={"If-None-Match": zipped.headers["etag"]})
    assert again.status_code == 304


def test_all_else_comes_from_the_service(front: tuple[str, str]) -> None:
    url, name = front
    host = url.removeprefix("http://")
    for path in (
        "/twins?x=1",
        "/tiles/songjiang-hub/buildings/tileset.json?as-of=2026-01-01",
        "/tiles/songjiang-hub/buildings/" + "0" * 32 + ".glb",  # not in the store
        f"/tiles/songjiang-hub/../../etc/{name}",
    ):
        answer = httpx.get(url + path)
        assert answer.text.startswith(f"{host} /"), path
        assert answer.headers["etag"] == '"of-the-service"'


def test_what_a_client_says_of_itself_goes_no_further(front: tuple[str, str]) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    assert httpx.get(f"{front[0]}/twins", headers=said).text.endswith("/twins http 127.0.0.1")


def test_a_right_to_a_file_is_not_logged(front: tuple[str, str], tmp_path: Path) -> None:
    path = "/twins/songjiang-hub/originals/1"
    assert httpx.get(f"{front[0]}{path}?right=secret").status_code == 200
    log = tmp_path / "nginx" / "requests.log"
    until(lambda: path in log.read_text())
    assert "secret" not in log.read_text()


def test_the_file_at_rest_is_what_is_sent(front: tuple[str, str], tmp_path: Path) -> None:
    url, name = front
    (file,) = (tmp_path / "home").rglob(f"{name}.gz")
    with httpx.stream("GET", f"{url}/tiles/songjiang-hub/buildings/{name}") as answer:
        raw = b"".join(answer.iter_raw())
    assert raw == file.read_bytes()
    assert gzip.decompress(raw) == CONTENT


def put(url: str, height: float) -> None:
    """Publish nine buildings."""
    table = buildings({f"b{n}": height + n for n in range(9)}, twin=TWIN.id)
    with connect(url) as conn:
        twins.sync(conn, load_twins().values())
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN.id, dataset="made", deliveries=[made])


def test_versions_before_the_real_service(database: str, tmp_path: Path) -> None:
    """A new root is seen at once, contents of older ones until they are collected."""
    settings = Settings(home=tmp_path / "home", database_url=database)
    root = f"/tiles/{TWIN.id}/buildings/tileset.json"

    def content(client: httpx.Client, **asked: str) -> str:
        answer = client.get(root, params=asked)
        assert answer.headers["cache-control"] == "public, no-cache"
        assert answer.headers["content-encoding"] == "gzip"
        (tile,) = walk(lambda _: answer.content)
        return urljoin(root, str(tile.uri))

    put(database, 5.0)
    tiling.tile(settings, database, [TWIN], "buildings")
    with application(settings, database) as service:
        port = int(service.rpartition(":")[2])
        with (
            nginx(tmp_path / "nginx", settings.model_copy(update={"port": port})) as address,
            httpx.Client(base_url=address) as client,
        ):
            first, tag = content(client), client.get(root).headers["etag"]
            data = client.get(first).content
            assert client.get(root, headers={"If-None-Match": tag}).status_code == 304
            put(database, 6.0)
            tiling.follow(settings, database, TWIN)
            assert client.get(root, headers={"If-None-Match": tag}).status_code == 200
            second = content(client)
            put(database, 7.0)
            tiling.follow(settings, database, TWIN)
            third = content(client)
            assert len({first, second, third}) == 3
            assert client.get(first).content == data
            assert tiling.collect(settings, database, [TWIN], timedelta(0)) == 2
            gone = client.get(second)  # nginx has not opened this one: it may hold a file a minute
            assert gone.status_code == 404
            assert gone.headers["content-type"] == "application/problem+json"
            assert gone.json()["detail_zh"]
            assert client.get(third).headers["etag"] != tag
            # what is made on demand is not in the store: the service has it
            some = content(client, filter="height > 9")
            made = client.get(some)
            assert made.content[:4] == b"glTF"
            assert "immutable" in made.headers["cache-control"]
            assert made.headers["content-encoding"] == "gzip"


def test_what_is_long_before_the_real_service(database: str, tmp_path: Path) -> None:
    """What the service takes passes; what is too long is a problem, whoever finds it."""
    settings = Settings(home=tmp_path / "home", database_url=database)
    with application(settings, database) as service:
        port = int(service.rpartition(":")[2])
        with (
            nginx(tmp_path / "nginx", settings.model_copy(update={"port": port})) as address,
            httpx.Client(base_url=address, headers={"Origin": "https://map.example"}) as client,
        ):
            items = f"/ogc/{TWIN.id}/collections/buildings/items?filter=name='{{}}'"
            for length in (4_000, 40_000, 59_000):
                answer = client.get(items.format("x" * length))
                assert (answer.status_code, answer.json()["numberReturned"]) == (200, 0)
            for status, answer in [
                (414, client.get(items.format("x" * 65_000))),
                (414, client.get("/", extensions={"target": b"/?x=" + b"x" * 200_000})),
                (413, client.post(f"/twins/{TWIN.id}/analyses/within", content=b" " * 1_500_000)),
                (413, client.post(f"/twins/{TWIN.id}/analyses/within", content=b" " * 3_000_000)),
            ]:
                assert answer.status_code == status
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == status
                assert "请" in answer.json()["detail_zh"]
                if status == 413:  # nginx has not read the headers behind an address
                    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("listen", ["80; }", "", "a b", "999999999", "::1"])
def test_a_wrong_address_is_refused(listen: str) -> None:
    with pytest.raises(NginxError, match="address") as caught:
        configuration(Settings(), listen)
    assert "地址" in caught.value.zh


def test_a_path_that_nginx_would_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NginxError, match="TWIN_HOME"):
        configuration(Settings(home=tmp_path / 'a"; b'), "80")


def test_the_command_prints_it(tmp_path: Path) -> None:
    ended = Program(tmp_path / "home").here.run("nginx", "--listen", "127.0.0.1:8080")
    assert ended.returncode == 0
    assert ended.stdout == configuration(Settings(home=tmp_path / "home"), "127.0.0.1:8080")


def test_only_named_origins_are_let_in(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, cors_origins=["https://map.example"])
    text = configuration(settings, "80")
    assert '"https://map.example" $http_origin;' in text
    assert "default" not in text.partition("upstream")[0].partition("{")[2]
