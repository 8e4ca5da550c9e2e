"""The walk over a tileset: one file in memory at a time, within limits of size, depth and time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeAlias

import orjson

from tiles.check import implicit
from tiles.check.content import DECODE_ERRORS, UP
from tiles.check.document import check_document, contents_of, external_tileset, is_implicit
from tiles.check.drawn import check_cost, check_drawn
from tiles.check.far import camera, refines
from tiles.check.files import Files, OutsideError, TooLargeError, resolve
from tiles.check.report import Limits, Report
from tiles.check.session import Session
from tiles.check.subtree import Subtree
from tiles.check.subtree import parse as parse_subtree
from tiles.check.tile import INSIDE, Tileset, Visit, check_content_volume, inspect
from tiles.check.unreached import check_unreached
from tiles.content import F64
from tiles.errors import TileNotFoundError, TilesetError

JsonObject: TypeAlias = dict[str, Any]


class Checker:
    """One check; see :func:`tiles.check.check_tileset`."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self._session = Session(files, limits)
        self._stack: list[Visit] = []
        self._eye: F64 | None = None
        self._statistics: Any = None
        self._stop = time.monotonic() + limits.seconds

    def run(self, expected: Iterable[str] | None) -> Report:
        """Walk the tileset and report."""
        root = self._session.files.root
        self._open(root, None)
        while self._stack:
            visit = self._stack.pop()
            reason = self._beyond(visit)
            if reason is not None:
                self._session.findings.add("TSC-06", visit.where, *reason)
                break
            try:
                self._visit(visit)
            except DECODE_ERRORS as error:  # a member of another type than the standard's
                self._session.note(visit.where, "TSC-04", error, "a tile as in the standard")
        if "TSC-06" not in self._session.findings.totals:
            check_unreached(self._session, root)
        return self._report(root, expected)

    def _beyond(self, visit: Visit) -> tuple[str, str] | None:
        limits = self._session.limits
        if self._session.summary.tiles >= limits.tiles:
            return "more tiles", f"{limits.tiles} tiles"
        if visit.level > limits.depth:
            return "deeper tiles", f"{limits.depth} levels"
        if time.monotonic() > self._stop:
            return "a longer check", f"{limits.seconds:g} s"
        return None

    def _visit(self, visit: Visit) -> None:
        summary = self._session.summary
        summary.tiles += 1
        visit.number = summary.tiles
        summary.depth = max(summary.depth, visit.level)
        note = partial(self._session.note, visit.where)
        inspect(visit, note)
        if self._eye is None and visit.volume is not None:
            self._eye = camera(visit.volume, self._session.limits)
        refined = visit.near and refines(visit, self._eye, self._session.limits)
        children = self._children(visit, refined)
        external = False
        contents = contents_of(visit.tile)
        self._session.hold(visit.tile, *contents)
        for spec in contents:
            external |= self._content(visit, spec, bool(children))
        check_cost(self._session, visit)
        leaf = not children and not external and visit.node is None
        if leaf and visit.error:
            note("TSC-24", f"{visit.error:g}", "0")
        self._stack += reversed(children)

    def _children(self, visit: Visit, refined: bool) -> list[Visit]:
        tile = visit.tile
        if visit.node is None and is_implicit(tile):
            try:
                tree = implicit.tree_of(tile, partial(self._subtree, visit))
                node = tree.root()
            except DECODE_ERRORS as error:
                self._session.note(visit.where, "TSC-61", error, "a whole subtree")
                return []
            except TileNotFoundError as error:
                self._session.note(visit.where, "TSC-01", error, "every subtree")
                return []
            visit.tile = {k: v for k, v in tile.items() if k not in ("content", "contents")}
            if node is None:
                return []
            visit.node = node
            contents = node.as_tile().get("contents")
            if contents:
                visit.tile["contents"] = contents
        below: list[tuple[JsonObject, implicit.Node | None, str]] = []
        if visit.node is not None:
            try:
                for child in visit.node.children():
                    name = "/".join(map(str, (child.level, *child.at)))
                    base = visit.where.split("@")[0]
                    below.append((child.as_tile(), child, f"{base}@{name}"))
            except DECODE_ERRORS as error:
                self._session.note(visit.where, "TSC-61", error, "a whole subtree")
            except TileNotFoundError as error:
                self._session.note(visit.where, "TSC-01", error, "every subtree")
        else:
            listed = tile.get("children", [])
            if not isinstance(listed, list) or not all(isinstance(c, dict) for c in listed):
                self._session.note(
                    visit.where, "TSC-04", "children that are no tiles", "a list of tiles"
                )
                listed = []
            below = [(c, None, f"{visit.where}/children/{at}") for at, c in enumerate(listed)]
        return [
            Visit(tile, where, visit.tileset, visit, visit.level + 1, refined, node=node)
            for tile, node, where in below
        ]

    def _content(self, visit: Visit, spec: Any, has_children: bool) -> bool:
        """Check one content; whether it is an external tileset."""
        note = partial(self._session.note, visit.where)
        uri = spec.get("uri", spec.get("url")) if isinstance(spec, dict) else None
        if not isinstance(uri, str):
            note("TSC-04", "a content without a URI", "content.uri")
            return False
        if "uri" not in spec and visit.tileset.version == "1.1":
            note("TSC-04", "content.url", "content.uri")
        base = visit.tileset.name
        try:
            name = resolve(base, uri)
            data = self._session.read(name, visit.near, self._session.limits.content_bytes)
        except OutsideError:
            note("TSC-03", uri, INSIDE)
            return False
        except TileNotFoundError:
            note("TSC-01", uri, "the file of every content")
            return False
        except TooLargeError as error:
            note("TSC-06", error, f"{self._session.limits.content_bytes} bytes")
            return False
        except TilesetError as error:
            note("TSC-08", error, "a whole file")
            return False
        document = external_tileset(data)
        if document is not None:
            if name in visit.tileset.chain:
                note("TSC-05", " → ".join([*visit.tileset.chain, name]), "no tileset in itself")
            else:
                self._enter(document, name, visit)
            return True
        self._session.summary.contents += 1
        inner = check_content_volume(visit, spec.get("boundingVolume"), note)
        check_drawn(self._session, visit, name, data, inner, has_children)
        return False

    def _open(self, name: str, parent: Visit | None) -> None:
        try:
            document = orjson.loads(self._session.read(name, True, self._session.limits.json_bytes))
        except TooLargeError as error:
            self._session.findings.add(
                "TSC-06", name, error, f"{self._session.limits.json_bytes} bytes"
            )
        except (orjson.JSONDecodeError, TilesetError) as error:
            self._session.findings.add("TSC-04", name, error, "a JSON object with asset and root")
        except TileNotFoundError:
            self._session.findings.add("TSC-01", name, name, "the tileset itself")
        else:
            self._enter(document, name, parent)

    def _enter(self, document: Any, name: str, parent: Visit | None) -> None:
        """Check a tileset file and put its root tile on the stack."""
        self._session.summary.tilesets += 1
        note = partial(self._session.note, name)
        try:
            usable = check_document(document, parent is None, note)
        except DECODE_ERRORS as error:
            note("TSC-04", error, "a tileset as in the standard")
            return
        if not usable:
            return
        if parent is None:
            self._statistics = document.get("statistics")
        root, up = document["root"], str(document["asset"].get("gltfUpAxis", "Y")).upper()
        chain = (*parent.tileset.chain, name) if parent is not None else (name,)
        schema = self._schema(document, name, note)
        groups = document.get("groups")
        # a group is metadata, others have some
        told = [{"metadata": one} for one in groups] if isinstance(groups, list) else []
        self._session.hold(document, *told)
        version = str(document["asset"].get("version"))
        tileset = Tileset(name, chain, version, up if up in UP else "Y", schema)
        level = 1 if parent is None else parent.level + 1
        near = True if parent is None else parent.near
        where = f"{name}#/root"
        self._stack.append(Visit(root, where, tileset, parent, level, near, top=True))

    def _schema(self, document: JsonObject, name: str, note: Any) -> JsonObject:
        if isinstance(document.get("schema"), dict):
            return dict(document["schema"])
        uri = document.get("schemaUri")
        if not isinstance(uri, str):
            return {}
        try:
            return dict(orjson.loads(self._session.read(resolve(name, uri), True, 10_000_000)))
        except OutsideError:
            note("TSC-03", uri, INSIDE)
        except (TileNotFoundError, TilesetError, ValueError) as error:
            note("TSC-01", f"{uri} ({error})", "the schema")
        return {}

    def _subtree(
        self, visit: Visit, uri: str, dimensions: int, levels: int, contents: int
    ) -> Subtree:
        name = resolve(visit.tileset.name, uri)
        data = self._session.read(name, visit.near, self._session.limits.content_bytes)

        def fetch(inner: str) -> bytes:
            return self._session.read(
                resolve(name, inner), visit.near, self._session.limits.content_bytes
            )

        out = parse_subtree(data, dimensions, levels, contents, fetch, visit.tileset.schema)
        self._session.ledger.held |= out.classes
        for fault in out.faults:
            self._session.note(f"{visit.where} ({name})", *fault)
        return out

    def _report(self, root: str, expected: Iterable[str] | None) -> Report:
        summary, limits = self._session.summary, self._session.limits
        self._session.ledger.compare(self._statistics, root, self._session.findings, summary.kinds)
        summary.features = self._session.ledger.conclude(root, expected, self._session.findings)
        summary.far_requests = len(self._session.far)
        summary.far_bytes = sum(self._session.files.size(name) for name in self._session.far)
        if summary.far_requests > limits.far_requests or summary.far_bytes > limits.far_bytes:
            found = f"{summary.far_requests} requests, {summary.far_bytes} bytes"
            most = f"{limits.far_requests} requests, {limits.far_bytes} bytes"
            self._session.findings.add("TSC-34", root, found, most)
        return Report(
            self._session.findings.findings(), dict(self._session.findings.totals), summary
        )
