"""The same documents as plain HTML pages, for people who follow links; nothing of another host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

import orjson

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem}"
    "table{border-collapse:collapse;font-size:.85rem}"
    "th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "dt{font-weight:600}dd{margin:0 0 .5rem 1rem}nav a{margin-right:1rem}"
    "div{overflow-x:auto}summary{cursor:pointer}"
)
#: Relations of links that people follow; the others are folded away.
_FOR_PEOPLE: Final = ("data", "root", "collection", "next", "prev", "service-doc")
#: Longer values are cut in tables.
_MOST: Final = 120


def page(title: str, parts: Iterable[str]) -> bytes:
    """A page; ``parts`` are HTML."""
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>"
    ).encode()


def document(title: str, node: Mapping[str, Any]) -> bytes:
    """A page of any JSON document: members as definitions, links as links."""
    rest = {k: v for k, v in node.items() if k not in ("links", "title", "description")}
    about = node.get("description")
    first = f"<p>{escape(str(about))}</p>" if about else ""
    return page(title, [first, links(node.get("links", ())), _value(rest)])


def section(title: str, node: Mapping[str, Any]) -> str:
    """A part of a page: its title and members as definitions."""
    return f"<section><h2>{escape(title)}</h2>{_value(node)}</section>"


def links(found: Iterable[Mapping[str, Any]]) -> str:
    """Links: those that people follow as a list, those that programs do folded below it."""
    people, programs = [], []
    for one in found:
        title = escape(one.get("title") or str(one["href"]))
        shown = f'<a href="{escape(str(one["href"]))}">{title}</a>'
        page_of_items = one["rel"] == "items" and one.get("type") == "text/html"
        if one["rel"] in _FOR_PEOPLE or page_of_items:
            people.append(f"<li>{shown}</li>")
        else:
            about = f"{escape(one['rel'])} {escape(one.get('type', ''))}"
            programs.append(f"<li>{shown} <small>{about}</small></li>")
    out = f"<ul>{''.join(people)}</ul>" if people else ""
    if programs:
        summary = "<summary>数据格式与接口 Formats and interfaces</summary>"
        out += f"<details>{summary}<ul>{''.join(programs)}</ul></details>"
    return out


def features(
    title: str,
    titles: Mapping[str, str],
    found: Sequence[Mapping[str, Any]],
    further: Sequence[Mapping[str, Any]],
    base: str,
) -> bytes:
    """A table of features; ``titles`` are those of its columns, ``base`` the address of items."""
    head = "".join(f"<th>{escape(text)}</th>" for text in ("标识 Id", *titles.values()))
    rows = []
    for one in found:
        identity = escape(str(one["id"]))
        cells = "".join(f"<td>{_cell(one['properties'].get(name))}</td>" for name in titles)
        rows.append(
            f'<tr><td><a href="{escape(base)}/{identity}?f=html">{identity}</a></td>{cells}</tr>'
        )
    table = (
        f"<div><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
    return page(title, [links(further), table if rows else "<p>没有要素。 No features.</p>"])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return escape(text if len(text) <= _MOST else f"{text[: _MOST - 1]}…")


def _value(node: Any) -> str:
    if isinstance(node, Mapping):
        if "href" in node and "rel" in node:
            return links([node])
        items = "".join(
            f"<dt>{escape(str(k))}</dt><dd>{_links_or_value(k, v)}</dd>" for k, v in node.items()
        )
        return f"<dl>{items}</dl>"
    if isinstance(node, list):
        if all(not isinstance(item, Mapping | list) for item in node):
            return escape(", ".join(".." if item is None else str(item) for item in node))
        return "".join(f"<section>{_value(item)}</section>" for item in node)
    return escape("" if node is None else str(node))


def _links_or_value(name: str, node: Any) -> str:
    return links(node) if name == "links" else _value(node)
