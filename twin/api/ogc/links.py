"""Links (RFC 8288) with absolute addresses, as clients of OGC APIs expect them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request

from twin.api.ogc.formats import Format


def root(request: Request, twin: str) -> str:
    """Address of the twin's landing page, without a slash at its end."""
    return f"{str(request.base_url).rstrip('/')}/ogc/{twin}"


def link(rel: str, href: str, media: str | None, title: str) -> dict[str, str]:
    """A link object."""
    out = {"rel": rel, "href": href, "title": title}
    return out if media is None else {**out, "type": media}


def address(base: str, given: Mapping[str, str]) -> str:
    """``base`` with query parameters."""
    return f"{base}?{urlencode(given, quote_via=quote)}" if given else base


def representations(
    base: str, given: Mapping[str, str], current: Format, offered: Iterable[Format]
) -> list[dict[str, Any]]:
    """``self`` in the current format and ``alternate`` in the others."""
    return [
        link(
            "self" if one is current else "alternate",
            address(base, {**given, "f": one.name}),
            one.media,
            f"{'本文档' if one is current else '其他格式'} "
            f"{'This document' if one is current else 'The same'} ({one.en})",
        )
        for one in offered
    ]


def header(links: Iterable[Mapping[str, str]]) -> str:
    """A Link header, for formats that cannot hold links."""
    return ", ".join(
        f'<{one["href"]}>; rel="{one["rel"]}"'
        + (f'; type="{one["type"]}"' if "type" in one else "")
        for one in links
    )
