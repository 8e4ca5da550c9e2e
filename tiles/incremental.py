"""Tiling what changed: only contents that hold changed features are made again, and what shows
them from afar.

The tree stays as it is: a changed feature stays in its leaf as long as its centre is within the
leaf's box, a new one goes down to the leaf whose box grows least; a leaf is split where it exceeds
its limits and dropped when it is empty. When much has changed, in one go or in many, the layer is
built anew.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import orjson

from models.db.tiles import TiledLayer
from models.db.tiles_changes import Watermark
from tiles.build import BuildReport, Built, Options, Plan, make, make_layer, publish
from tiles.contents import Context
from tiles.errors import TileNotFoundError
from tiles.incremental_map import TileMap, digests
from tiles.incremental_tree import of_tree, placed, pruned, to_tree
from tiles.large import listed
from tiles.layer_tree import Branch, branches
from tiles.mesh.ragged import I64
from tiles.scheme import build
from tiles.store.base import ROOT, TileStore
from tiles.tilers.base import KeyIndex, RefusedFeature, Source, Tiler, Whole

#: With more changes than this share of the features (and than so many), all is built anew; also
#: when the changes since it was are more than the other share.
SHARE: Final = 0.1
FEW: Final = 100
EDITS: Final = 0.5
#: So many features are made in this process sooner than others could start (about a second).
SMALL: Final = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a layer since it was tiled.

    ``gone`` (k,) are keys that the tree must not hold any more, many of which it never did;
    ``came`` is the index of what it must hold now, and may name some of them again. ``pairs``
    (m, 2) are a key of before and the one that came for the same feature. ``ids`` are all features
    concerned, of which the index refuses ``refused``.
    """

    gone: I64
    came: KeyIndex
    pairs: I64
    ids: frozenset[str] = frozenset()
    refused: Sequence[RefusedFeature] = ()


@runtime_checkable
class Changing(Source, Protocol):
    """A :class:`tiles.tilers.base.Source` that can tell what changed."""

    def changes(self, since: Watermark, most: int) -> Change | None:
        """What happened since then; None where more than ``most`` features are concerned."""
        ...

    def index_of(self, keys: I64) -> KeyIndex:
        """The index of ``keys`` (k,), in the order of the whole index; the source's loader can
        then read them."""
        ...


def update_layer(
    tiler: Tiler | Source, store: TileStore, tiles: TileMap, now: Watermark, options: Options
) -> BuildReport:
    """Bring the layer in ``store`` to what ``tiler`` holds, which is the state at ``now``.

    The result holds the same features with the same properties as :func:`tiles.build.build_layer`
    gives. ``tiles`` knows what was published, and learns it; where it knows nothing that can be
    used, the whole layer is built, of contents it knows as far as there are any. Raises as
    ``build_layer`` does.
    """
    start = time.perf_counter()
    source = tiler if isinstance(tiler, Source) else Whole(tiler)
    state, plan, edits = usable(tiles, store), None, 0
    if state is not None and isinstance(source, Changing):
        change = source.changes(Watermark(state.revision, state.seen), _most(state))
        if change is not None and not change.ids:
            return unchanged(tiles, state, source.layer, start)
        if change is not None and state.tree:
            plan, features = _Update(source, tiles, state, change, options).plan()
            edits = state.edits + len(change.ids)
            if features < SMALL:
                options = replace(options, workers=1, scheduler=None)
    if plan is None:
        built = make_layer(source, store, options, tiles)
    else:
        built = make(plan, Context(source.loader(), store, options.profile), options, tiles)
    report = publish(built, store, start, "full" if plan is None else "incremental")
    tiles.switch(_state(built, report, tiles, now, edits))
    return report


def usable(tiles: TileMap, store: TileStore) -> TiledLayer | None:
    """What is published in ``store``, if it is what the map remembers and of this version, all
    its files are there, and it is known how each of its leaves was made."""
    state = tiles.state() if tiles.trusted else None
    if state is None or state.signature != tiles.signature:
        return None
    try:
        root = store.get(ROOT).digest
    except TileNotFoundError:
        return None
    if root != state.root or not tiles.stored().issuperset(state.files):
        return None
    leaves = digests(node for node in state.tree if not node[0])
    return state if len(tiles.find(leaves)) == len(set(leaves)) else None


def unchanged(tiles: TileMap, state: TiledLayer, layer: str, start: float) -> BuildReport:
    """The report of a layer as it is published, to which nothing happened."""
    known = tiles.find(digests(state.tree)).values()
    refused = (
        *_refused(state.refused),
        *(one for made in known for one in made.refused),
    )
    contents = [made.stored for made in known if made.stored is not None]
    return BuildReport(
        layer=layer,
        features_in=state.features_in,
        in_tiles=state.features_in - len(refused),
        refused=refused,
        tiles=len(contents),
        bytes=sum(stored.size for stored in contents),
        seconds=time.perf_counter() - start,
        root=state.root,
        mode="unchanged",
        large=listed({i: n for one in contents for i, n in one.statistics.large.items()}),
    )


def _most(state: TiledLayer) -> int:
    """How many features may have changed before it is better to build anew."""
    features = state.features_in
    left = max(FEW, EDITS * features) - state.edits
    return max(int(min(max(FEW, SHARE * features), left)), 0)


class _Update:
    """From the published tree to the next."""

    def __init__(
        self,
        source: Changing,
        tiles: TileMap,
        state: TiledLayer,
        change: Change,
        options: Options,
    ) -> None:
        self._source, self._tiles, self._state = source, tiles, state
        self._change, self._options = change, options

    def plan(self) -> tuple[Plan, int]:
        """The tree with what is to be made in it, and how many features that is."""
        state, change = self._state, self._change
        root = of_tree(state.tree)
        held = self._tiles.holding(digests(state.tree), change.gone)
        lost = sum(int(np.isin(keys, change.gone).sum()) for keys in held.values())
        wanted = self._wanted(root, held)
        fresh = self._fresh(wanted)
        refused = tuple(r for r in _refused(state.refused) if r.id not in change.ids)
        gone = len(_refused(state.refused)) - len(refused)
        plan = Plan(
            self._source.layer,
            self._source.frame,
            pruned(root, fresh),
            state.features_in - lost - gone + len(change.came.keys) + len(change.refused),
            (*refused, *change.refused),
            None if state.schema is None else orjson.loads(state.schema),
        )
        return plan, sum(map(len, wanted.values()))

    def _wanted(self, root: Branch, held: Mapping[bytes, I64]) -> dict[bytes, I64]:
        """The keys of each leaf that changes."""
        change = self._change
        out = {leaf: keys[~np.isin(keys, change.gone)] for leaf, keys in held.items()}
        if not len(change.came.keys):
            return out
        known = self._tiles.find(digests(self._state.tree))
        boxes = {d: made.stored.box for d, made in known.items() if made.stored is not None}
        before = {
            new: leaf
            for leaf, keys in held.items()
            for new in change.pairs[np.isin(change.pairs[:, 0], keys), 1].tolist()
        }
        leaves = placed(root, boxes, change.came, before)
        more = [leaf for leaf in dict.fromkeys(leaves) if leaf not in out]
        out |= self._tiles.keys(more)
        rows: dict[bytes, list[int]] = {}
        for row, leaf in enumerate(leaves):
            rows.setdefault(leaf, []).append(row)
        for leaf, own in rows.items():
            out[leaf] = np.concatenate([out[leaf], change.came.keys[own]])
        return out

    def _fresh(self, wanted: Mapping[bytes, I64]) -> dict[bytes, Branch | None]:
        """What takes the place of each leaf that changes."""
        everything = np.concatenate([np.empty(0, np.int64), *wanted.values()])
        index = self._source.index_of(everything)
        sizes = self._options.profile.sizes(index.bytes, index.triangles)
        out: dict[bytes, Branch | None] = {}
        for leaf, keys in wanted.items():
            rows = np.flatnonzero(np.isin(index.keys, keys))
            tree = build(
                index.boxes[rows], sizes[rows], index.triangles[rows], self._options.limits
            )
            out[leaf] = None if tree.root is None else branches(tree.root, index.keys[rows])
        return out


def _state(
    built: Built, report: BuildReport, tiles: TileMap, now: Watermark, edits: int
) -> TiledLayer:
    by_code: dict[str, dict[str, Any]] = {}
    for one in built.plan.refused:
        entry = by_code.setdefault(one.code, {"zh": one.zh, "en": one.en, "ids": []})
        entry["ids"].append(one.id)
    schema = built.layer.schema
    return TiledLayer(
        tiles.options,
        tiles.signature,
        now.revision,
        now.seen,
        report.root,
        report.features_in,
        edits,
        to_tree(built.layer.knots),
        None if schema is None else orjson.dumps(schema).decode(),
        by_code,
        built.files,
    )


def _refused(by_code: Mapping[str, Mapping[str, Any]]) -> list[RefusedFeature]:
    return [
        RefusedFeature(identity, code, said["zh"], said["en"])
        for code, said in by_code.items()
        for identity in said["ids"]
    ]
