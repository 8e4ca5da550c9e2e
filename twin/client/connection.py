"""Requests over HTTP, and what the service says where it refuses one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import Request, urlopen

from models.errors import TwinError

_JSON: Final = "application/geo+json, application/json;q=0.9"
_BLOCK: Final = 1 << 20


class ClientError(TwinError):
    """The service refused a request, or cannot be reached; ``status`` is that of HTTP, or None."""

    code = "CLI-01"

    def __init__(self, en: str, zh: str, status: int | None = None) -> None:
        super().__init__(en, zh)
        self.status = status


class Connection:
    """The service at ``url``; ``timeout`` in seconds holds for each request. Every method raises
    :class:`ClientError`."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = _checked(url).rstrip("/") + "/"
        self._timeout = timeout

    def address(self, path: str) -> str:
        """The whole address of ``path``."""
        return urljoin(self._url, path)

    def json(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The JSON at ``path``; what is None in ``query`` is left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return json.loads(self.data(f"{path}?{urlencode(given)}" if given else path))

    def pages(self, path: str, query: Mapping[str, object]) -> Iterator[dict[str, Any]]:
        """A page and those that follow it, by their links."""
        page = self.json(path, query)
        while True:
            yield page
            following = [link["href"] for link in page.get("links", ()) if link["rel"] == "next"]
            if not following:
                return
            page = self.json(following[0])

    def data(self, path: str, body: bytes | None = None, media: str = _JSON) -> bytes:
        """What is answered; ``body`` (JSON) is posted."""
        with self._open(path, body, media) as answer:
            data: bytes = answer.read()
            return data

    def save(self, path: str, target: Path, sha256: str) -> None:
        """Save a file, which appears only when it is whole and its SHA-256 is right."""
        try:
            self._save(path, target, sha256)
        except OSError as error:  # of the disk: those of the network are ClientErrors by now
            raise ClientError(
                f"{target} cannot be saved: {error.strerror or error}. Give a folder that can be "
                "written to and has room.",
                f"{target} 无法保存：{error.strerror or error}。请给出可写且空间足够的目录。",
            ) from error

    def _save(self, path: str, target: Path, sha256: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        digest = hashlib.sha256()
        try:
            with self._open(path, None, "*/*") as answer, part.open("wb") as stream:
                while block := answer.read(_BLOCK):
                    digest.update(block)
                    stream.write(block)
            if digest.hexdigest() != sha256:
                raise ClientError(
                    f"{target.name} did not arrive whole: its SHA-256 is not that of the record. "
                    "Download it again.",
                    f"{target.name} 未完整到达：SHA-256 与记录不符。请重新下载。",
                )
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _open(self, path: str, body: bytes | None, media: str) -> Iterator[Any]:
        url = _checked(self.address(path))  # a link of an answer may name any address
        headers = {"Accept": media} | ({"Content-Type": "application/json"} if body else {})
        request = Request(url, body, headers)  # noqa: S310 - the scheme was checked
        try:
            with urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                yield answer
        except HTTPError as error:
            raise _refused(url, error) from error
        except (URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise ClientError(
                f"{url} cannot be reached: {reason}. Start the service with `twin up`, or give "
                "its address.",
                f"无法访问 {url}：{reason}。请用 `twin up` 启动服务，或给出其地址。",
            ) from error


def _checked(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ClientError(
            f"Found address {url!r}; expected http://… or https://…",
            f"地址 {url!r} 无效；应以 http:// 或 https:// 开头。",
        )
    return url


def _refused(url: str, error: HTTPError) -> ClientError:
    try:
        told = json.loads(error.read())
        en, zh = told["detail"], told["detail_zh"]
    except (ValueError, KeyError, TypeError):
        en, zh = f"{url} answered {error.code}.", f"{url} 返回 {error.code}。"
    return ClientError(en, zh, error.code)
