"""A tile store in a bucket of an object store that speaks S3.

Objects are ``<prefix>/<digest>.glb`` and so on, gzipped with their ``Content-Encoding``, so that
the bucket's own address, or a cache before it, can be given to clients. One put is atomic. Where
the store is and who asks is told by the environment, as to every S3 client: ``AWS_ENDPOINT``,
``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, and ``AWS_ALLOW_HTTP=true`` for an
endpoint without TLS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as ObjectNotFoundError
from obstore.store import S3Store

from tiles.errors import StoreError, TileNotFoundError
from tiles.store.base import ROOT, StoredFile
from tiles.store.directory import MEDIA, NAME, digest, pack

_FOREVER: Final = "public, max-age=31536000, immutable"
#: Objects that one request may delete (Amazon S3 API, DeleteObjects).
_MOST: Final = 1000
#: Bytes that are passed on at a time.
_CHUNK: Final = 1 << 17
#: Where somebody waits: tried again for some seconds only, where a build tries for minutes.
_HURRIED: Final[dict[str, Any]] = {
    "retry_config": {"max_retries": 2, "retry_timeout": dt.timedelta(seconds=10)}
}


class BucketStore:
    """:class:`tiles.store.base.TileStore` at ``url``, ``s3://bucket/prefix``.

    One that is ``hurried`` gives up after some seconds where the store does not answer.
    """

    def __init__(self, url: str, *, hurried: bool = False) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise StoreError(
                f"{url!r} is no place in an object store; expected s3://bucket/prefix.",
                f"{url!r} 不是对象存储地址；应为 s3://桶/前缀。",
            )
        self.url = url
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._hurried = hurried
        self._client: Any = None

    def __getstate__(self) -> tuple[str, bool]:
        return self.url, self._hurried

    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.__init__(state[0], hurried=state[1])  # type: ignore[misc]  # its own client

    def put(self, data: bytes, suffix: str) -> str:
        """See :meth:`tiles.store.base.TileStore.put`. Raises :class:`tiles.errors.StoreError`."""
        name = f"{digest(data)}.{suffix}"
        if NAME.fullmatch(name) is None:
            raise StoreError(
                f"Cannot store a file of kind {suffix!r}; expected glb or json.",
                f"无法存储类型为 {suffix!r} 的文件；应为 glb 或 json。",
            )
        self._write(name, pack(data), _FOREVER)
        return name

    def publish(self, root: bytes) -> str:
        """See :meth:`tiles.store.base.TileStore.publish`. Raises StoreError."""
        self._write(ROOT, pack(root), "no-cache")
        return digest(root)

    def get(self, name: str) -> StoredFile:
        """See :meth:`tiles.store.base.TileStore.get`; any other name is not found, never asked."""
        match = NAME.fullmatch(name)
        with self._asking(name):
            data = bytes(obstore.get(self._store(), self._at(name)).bytes())
        if match is None:
            file = StoredFile(name, data, "gzip", MEDIA["json"], "", immutable=False)
            key = digest(file.decoded())
            return StoredFile(name, data, "gzip", MEDIA["json"], key, immutable=False)
        media = MEDIA[match["suffix"]]
        return StoredFile(name, data, "gzip", media, match["digest"], immutable=True)

    async def size(self, name: str) -> int:
        """Bytes of a file at rest. Raises as :meth:`get`."""
        with self._asking(name):
            return int((await obstore.head_async(self._store(), self._at(name)))["size"])

    async def flow(
        self, name: str, span: tuple[int, int] | None = None
    ) -> tuple[int, AsyncIterator[bytes]]:
        """Bytes of a file at rest, and these as they come: all, or those of ``span`` (first, last).

        Raises as :meth:`get`.
        """
        options: Any = {} if span is None else {"range": (span[0], span[1] + 1)}
        with self._asking(name):
            found = await obstore.get_async(self._store(), self._at(name), options=options)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in found.stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)

        return int(found.meta["size"]), chunks()

    def names(self, older: float = 0.0) -> set[str]:
        """See :meth:`tiles.store.base.TileStore.names`. Raises StoreError."""
        last = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=older)
        found = set()
        with self._asking():
            for chunk in obstore.list(self._store(), f"{self._prefix}/" if self._prefix else None):
                for item in chunk:
                    name = item["path"].removeprefix(self._prefix).lstrip("/")
                    if NAME.fullmatch(name) and item["last_modified"] <= last:
                        found.add(name)
        return found

    def remove(self, names: Iterable[str]) -> None:
        """See :meth:`tiles.store.base.TileStore.remove`. Raises StoreError."""
        paths = [self._at(name) for name in names if NAME.fullmatch(name)]
        with self._asking():
            for start in range(0, len(paths), _MOST):
                obstore.delete(self._store(), paths[start : start + _MOST])

    def _write(self, name: str, packed: bytes, caching: str) -> None:
        suffix = name.rpartition(".")[2]
        attributes = {
            "Content-Type": MEDIA[suffix],
            "Content-Encoding": "gzip",
            "Cache-Control": caching,
        }
        with self._asking():
            obstore.put(self._store(), self._at(name), packed, attributes=attributes)

    def _at(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _store(self) -> Any:
        if self._client is None:
            self._client = S3Store(self._bucket, **(_HURRIED if self._hurried else {}))
        return self._client

    @contextmanager
    def _asking(self, name: str | None = None) -> Iterator[None]:
        """Ask the object store, for the file ``name``."""
        if name is not None and name != ROOT and not NAME.fullmatch(name):
            raise self._missing(name)
        try:
            yield
        except (ObjectNotFoundError, FileNotFoundError) as error:
            if name is None:
                raise self._unusable(error) from error
            raise self._missing(name) from None
        except (BaseError, OSError, ValueError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoreError:
        kind = type(error).__name__  # its text may hold addresses and headers
        return StoreError(
            f"The object store does not take {self.url} ({kind}). Check that the bucket exists "
            "and what AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
            "say; AWS_ALLOW_HTTP=true allows an endpoint without TLS.",
            f"对象存储无法使用 {self.url}（{kind}）。请检查桶是否存在，以及 AWS_ENDPOINT、"
            "AWS_REGION、AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY 的取值；"
            "无 TLS 的地址需设 AWS_ALLOW_HTTP=true。",
        )

    def _missing(self, name: str) -> TileNotFoundError:
        return TileNotFoundError(
            f"No tile file {name!r} in {self.url}; expected {ROOT} or a name listed in it. "
            "If the layer was never built, run `twin tile --out`.",
            f"{self.url} 中没有瓦片文件 {name!r}；应为 {ROOT} 或其中列出的名称。"
            "若该图层尚未生成，请运行 `twin tile --out`。",
        )
