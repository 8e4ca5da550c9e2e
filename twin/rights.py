"""Rights to download original files: signed and with an end, made by the command line.

The service has no accounts yet. A right names a twin, a dataset or an organisation whose datasets
they are, to whom it was given and when it ends; an HMAC (RFC 2104, SHA-256) under a key in the home
folder makes it ours. It travels in a link or as a bearer token (RFC 6750). Another key ends every
right that was given before.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import orjson

from models.errors import TwinError

#: Longer tokens are nobody's.
MOST: Final = 2_000
_BYTES: Final = 32


class RightsError(TwinError):
    """The key of rights cannot be used."""

    code = "RGT-01"


@dataclass(frozen=True, slots=True)
class Right:
    """To download the originals of ``dataset`` (its record's id) of ``twin`` until ``ends`` (Unix
    time), or those of all datasets of ``organisation``; ``to`` is for the log."""

    twin: str
    dataset: str | None
    ends: int
    to: str
    organisation: str | None = None

    def covers(self, dataset: str, organisation: str | None) -> bool:
        """Whether it is good for ``dataset``, which ``organisation`` delivered."""
        mine = organisation is not None and organisation == self.organisation
        return mine or dataset == self.dataset


@dataclass(frozen=True, slots=True)
class RightsKey:
    """The key at ``path``, made when it is first signed with; readable by its owner only."""

    path: Path

    def sign(self, right: Right) -> str:
        """``right`` as a token. Raises :class:`RightsError`."""
        data = orjson.dumps(astuple(right))
        return f"{_text(data)}.{_text(_mac(self._key(make=True), data))}"

    def read(self, token: str) -> Right | None:
        """The right that ``token`` is, if it is one of ours and has not ended. Raises
        :class:`RightsError` where the key cannot be read."""
        body, dot, sealed = token.partition(".")
        key = self._key(make=False)
        if not dot or not key or len(token) > MOST or not token.isascii():
            return None
        try:
            data, seal = _data(body), _data(sealed)
        except (binascii.Error, ValueError):
            return None
        # before anything of it is looked at, and in the same time wherever it differs
        if not hmac.compare_digest(seal, _mac(key, data)):
            return None
        right = Right(*orjson.loads(data))
        return right if right.ends > time.time() else None

    def renew(self) -> None:
        """Take another key: every right so far ends. Raises :class:`RightsError`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(replace=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _key(self, *, make: bool) -> bytes:
        """The key; nothing where there is none and none is to be made."""
        try:
            if make and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileExistsError):  # another process was first
                    self._write(replace=False)
            key = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._unusable(error) from error
        if len(key) != _BYTES:
            raise RightsError(
                f"{self.path} holds {len(key)} bytes; expected {_BYTES}. Run `twin datasets "
                "revoke` for another key; links that were given end with it.",
                f"{self.path} 长度为 {len(key)} 字节，应为 {_BYTES}。"
                "请运行 `twin datasets revoke` 更换密钥，已发出的链接随之失效。",
            )
        return key

    def _write(self, *, replace: bool) -> None:
        """Whole under its name or not there; mkstemp makes files that only their owner reads."""
        handle, made = tempfile.mkstemp(prefix=".new-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            (os.replace if replace else os.link)(made, self.path)
        finally:
            Path(made).unlink(missing_ok=True)

    def _unusable(self, error: OSError) -> RightsError:
        reason = error.strerror or type(error).__name__
        return RightsError(
            f"The key of rights {self.path} cannot be used: {reason}. Correct its permissions.",
            f"下载授权密钥 {self.path} 无法使用：{reason}。请更正其权限。",
        )


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, b"cim-twin original 1\0" + data, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _data(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
