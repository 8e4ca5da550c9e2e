"""Links (RFC 8288) with absolute addresses, as clients of OGC APIs expect them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request

from twin.api.ogc.formats import Format

#: What a query may hold as it is (RFC 3986, section 3.4) and neither HTML nor a Link header minds.
_AS_IT_IS: Final = "/:,()*"


def root(request: Request, twin: str) -> str:
    """Address of the twin's landing page, without a slash at its end."""
    return f"{str(request.base_url).rstrip('/')}/ogc/{twin}"


def link(rel: str, href: str, media: str | None, title: str) -> dict[str, str]:
    """A link object."""
    out = {"rel": rel, "href": href, "title": title}
    return out if media is None else {**out, "type": media}


def address(base: str, given: Mapping[str, str]) -> str:
    """``base`` with query parameters. It is hardly longer than what a client may have sent: a
    filter's geometry is mostly commas, brackets and blanks."""
    return f"{base}?{urlencode(given, safe=_AS_IT_IS)}" if given else base


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
