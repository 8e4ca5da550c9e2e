"""The nginx configuration, tried by nginx itself before a store and a service."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from models.testing import free_port
from tiles.store.directory import DirectoryStore
from twin.nginx import NginxError, configuration
from twin.settings import Settings
from twin.testing import Program

CONTENT = b"glTF" + bytes(range(256)) * 40
#: The machine's own, or the one that .ci/setup unpacked.
UNPACKED = Path(sys.prefix) / "nginx" / "usr" / "sbin" / "nginx"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or str(UNPACKED)


class _Service(BaseHTTPRequestHandler):
    """Says what it was asked, so that a test sees what nginx passes on."""

    def do_GET(self) -> None:
        body = f"{self.headers['Host']} {self.path}".encode()
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
    address = f"127.0.0.1:{free_port()}"
    user = "user root;" if os.geteuid() == 0 else ""  # its own user may not enter the test's folder
    text = (
        f"{user} worker_processes 1; daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {tmp_path}/body;\n"
        f"proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/f;\n"
        f"uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"{configuration(settings, address)} }}\n"
    )
    (tmp_path / "nginx.conf").write_text(text)
    nginx = [NGINX, "-p", str(tmp_path), "-c", "nginx.conf", "-e", f"{tmp_path}/log"]
    subprocess.run([*nginx, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(nginx)
    try:
        _answers(f"http://{address}/")
        yield f"http://{address}", name
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{url} does not answer")


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


def test_the_file_at_rest_is_what_is_sent(front: tuple[str, str], tmp_path: Path) -> None:
    url, name = front
    (file,) = (tmp_path / "home").rglob(f"{name}.gz")
    with httpx.stream("GET", f"{url}/tiles/songjiang-hub/buildings/{name}") as answer:
        raw = b"".join(answer.iter_raw())
    assert raw == file.read_bytes()
    assert gzip.decompress(raw) == CONTENT


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
