"""An nginx configuration for a service that many look at: files by nginx, answers by us."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from models.errors import TwinError
from twin.api import address_length, analyses
from twin.settings import Settings

#: Where packages of nginx keep logs, and rotate them.
LOG: Final = "/var/log/nginx/cim-twin.log"
#: What may stand in the file without quoting: an address, a port, or both.
_LISTEN: Final = re.compile(r"(?:[A-Za-z0-9.-]+:|\[[0-9a-fA-F:]+\]:)?\d{1,5}")
#: nginx reads these as its own inside a quoted string.
_SPECIAL: Final = re.compile(r'["\\$\s;{}]')
_HASHED: Final = r'location ~ "^/tiles/([A-Za-z0-9_-]+)/([a-z]+)/([0-9a-f]{32})\.(glb|json)$"'
_FROM_DISK: Final = (
    """\
    # The name holds the content's hash: the file is the answer for ever. It is gzipped at rest.
    """
    + _HASHED
    + """ {
        alias "%s/$1/$2/$3.$4";
        types { model/gltf-binary glb; application/json json; }
        gzip_static always;
        gunzip on;
        sendfile on;
        open_file_cache max=20000 inactive=10m;
        access_log off;
        add_header Cache-Control "public, max-age=31536000, immutable";
        add_header Vary "Accept-Encoding, Origin";
        add_header Access-Control-Allow-Origin $cim_twin_origin;
        error_page 403 404 = @service; # what cannot be read here, the service has or explains
    }"""
)
_FROM_BUCKET: Final = (
    """\
    # Tiles are in %s (TWIN_TILES_URL), not on this disk: the service passes them on as they
    # come. A cache before this one (a CDN) may keep them for ever; so do browsers.
    """
    + _HASHED
    + """ {
        proxy_pass http://cim_twin;
        proxy_buffer_size 16k;
        proxy_buffers 8 64k;
        proxy_max_temp_file_size 0;
        access_log off;
    }"""
)
#: What even nginx does not read, told as the service tells it.
_TOO_LONG: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: analyses.TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG: address_length.TOO_LONG,
}


class NginxError(TwinError):
    """A setting cannot be written into an nginx configuration."""

    code = "NGX-01"


def configuration(settings: Settings, listen: str, log: str = LOG) -> str:
    """The text of a configuration that listens on ``listen`` (port, or address:port) and writes
    its requests to the file ``log``.

    It names the tile store and the address of ``settings``; hashed names are served from the
    store with ``gzip_static``, all else by the service. Where tiles are in a bucket, all comes from
    the service, and the text says so. Raises :class:`NginxError`.
    """
    if not _LISTEN.fullmatch(listen):
        raise NginxError(
            f"--listen {listen!r} is no address. Give a port or address:port, such as 80 or "
            "127.0.0.1:8080.",
            f"--listen {listen!r} 不是地址。请给出端口或“地址:端口”，如 80 或 127.0.0.1:8080。",
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    tiles, bucket = str(settings.tiles_dir.absolute()), settings.tiles_url
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
        log=log,
        upstream=f"{host}:{settings.port}",
        body=2 * analyses.MOST_BYTES,
        problems="\n".join(_problem(status, *told) for status, told in _TOO_LONG.items()),
        contents=_FROM_BUCKET % bucket if bucket else _FROM_DISK % tiles,
        origins="\n".join(f"    {_origin(origin)}" for origin in settings.cors_origins),
    )


def _problem(status: HTTPStatus, en: str, zh: str) -> str:
    """What nginx answers with ``status``: a problem document (RFC 9457)."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": en,
        "detail_zh": zh,
    }
    return f"""\
    error_page {status} /.problem/{status};
    location = /.problem/{status} {{
        internal;
        default_type application/problem+json;
        add_header Access-Control-Allow-Origin $cim_twin_origin always;
        return {status} '{json.dumps(document, ensure_ascii=False)}';
    }}"""


def _origin(allowed: str) -> str:
    return 'default "*";' if allowed == "*" else f'"{allowed}" $http_origin;'
