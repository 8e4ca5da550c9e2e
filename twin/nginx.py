"""An nginx configuration for a service that many look at: files by nginx, answers by us."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from models.errors import TwinError
from twin.settings import Settings

#: What may stand in the file without quoting: an address, a port, or both.
_LISTEN: Final = re.compile(r"(?:[A-Za-z0-9.-]+:|\[[0-9a-fA-F:]+\]:)?\d{1,5}")
#: nginx reads these as its own inside a quoted string.
_SPECIAL: Final = re.compile(r'["\\$\s;{}]')


class NginxError(TwinError):
    """A setting cannot be written into an nginx configuration."""

    code = "NGX-01"


def configuration(settings: Settings, listen: str) -> str:
    """The text of a configuration that listens on ``listen`` (port, or address:port).

    It names the tile store and the address of ``settings``; hashed names are served from the
    store with ``gzip_static``, all else by the service. Raises :class:`NginxError`.
    """
    if not _LISTEN.fullmatch(listen):
        raise NginxError(
            f"--listen {listen!r} is no address. Give a port or address:port, such as 80 or "
            "127.0.0.1:8080.",
            f"--listen {listen!r} 不是地址。请给出端口或“地址:端口”，如 80 或 127.0.0.1:8080。",
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    tiles = str(settings.tiles_dir.absolute())
    for value in (tiles, *settings.cors_origins):
        if _SPECIAL.search(value):
            raise NginxError(
                f"{value!r} holds a character that nginx reads as its own. Move TWIN_HOME to a "
                "path, and name origins, without blanks, quotes, $, ;, { and }.",
                f"{value!r} 含有 nginx 的特殊字符。TWIN_HOME 路径与来源地址中"
                "不得有空白、引号、$、;、{ 和 }。",
            )
    template = files("twin").joinpath("nginx.conf.template").read_text("utf-8")
    return template.format(
        listen=listen,
        upstream=f"{host}:{settings.port}",
        tiles=tiles,
        origins="\n".join(f"    {_origin(origin)}" for origin in settings.cors_origins),
    )


def _origin(allowed: str) -> str:
    return 'default "*";' if allowed == "*" else f'"{allowed}" $http_origin;'
