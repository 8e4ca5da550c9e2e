"""The work of one tiling task, in whichever process: features to stored contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from tiles import massing
from tiles.content import F64, Content
from tiles.errors import ContentError
from tiles.gltf import Profile, encode
from tiles.massing import Massing
from tiles.mesh.ragged import I64, starts_of
from tiles.metadata import JsonObject, schema
from tiles.statistics import Statistics
from tiles.store.base import Sink
from tiles.tilers.base import Batch, Loader, RefusedFeature
from tiles.tilers.refusals import refused
from tiles.volumes import content_box


@dataclass(frozen=True, slots=True)
class Context:
    """What every task of a layer needs; it goes to each worker once."""

    loader: Loader
    store: Sink
    profile: Profile


@dataclass(frozen=True, slots=True)
class LeafTask:
    """Leaves ``numbers`` whose features have these ``keys`` (one array a leaf)."""

    numbers: Sequence[int]
    keys: Sequence[I64]


@dataclass(frozen=True, slots=True)
class MassingTask:
    """Inner node ``number``, to be shown from afar by the ``parts`` of its children."""

    number: int
    parts: Sequence[Massing]


@dataclass(frozen=True, slots=True)
class RefusalTask:
    """A task of one ``leaf`` that no worker survived: its features are refused, unseen."""

    leaf: LeafTask


Task: TypeAlias = LeafTask | MassingTask | RefusalTask


@dataclass(frozen=True, slots=True)
class Stored:
    """A content in the store: its name, the box (6,) of its vertices in ENU metres, the bytes of
    the decoded GLB, what stands for it in its parent, and what was counted in it."""

    uri: str
    box: F64
    size: int
    massing: Massing | None
    statistics: Statistics = field(default_factory=Statistics)


@dataclass(slots=True)
class Done:
    """What came of a task: one content (None without features) and what it refused a leaf.

    Another run may do better with what is ``lost`` now.
    """

    task: LeafTask | MassingTask
    contents: list[Stored | None] = field(default_factory=list)
    refused: list[list[RefusedFeature]] = field(default_factory=list)
    schema: JsonObject | None = None
    lost: bool = False


def instead(task: Task) -> Sequence[Task]:
    """What to do for a task that kills whoever does it: its leaves one by one, the refusal of a
    single one, or nothing."""
    if not isinstance(task, LeafTask):
        return ()
    if len(task.numbers) == 1:
        return (RefusalTask(task),)
    return [
        LeafTask([number], [keys]) for number, keys in zip(task.numbers, task.keys, strict=True)
    ]


def work(context: Context, task: Task) -> Done:
    """Do ``task``: the same task gives the same files in any process, any number of times.

    Raises :class:`tiles.errors.ContentError` where the tiler breaks its contract and
    :class:`tiles.errors.StoreError`.
    """
    if isinstance(task, RefusalTask):
        ids = context.loader.load(np.concatenate(task.leaf.keys)).ids
        return Done(task.leaf, [None], [refused(ids, "TILE-WORKER")], lost=True)
    done = Done(task)
    if isinstance(task, MassingTask):
        few = massing.generalised(massing.joined(task.parts))
        done.contents.append(_put(context, massing.content(few), few))
        return done
    batch = context.loader.load(np.concatenate(task.keys))
    starts = starts_of([len(keys) for keys in task.keys])
    for rows in map(np.arange, starts[:-1], starts[1:]):
        content = batch.content(rows)
        if not content.count:
            done.contents.append(None)
            continue
        _check(content, [batch.ids[row] for row in rows.tolist()], done)
        counted = Statistics()
        counted.add(content)
        done.contents.append(_put(context, content, batch.massing(rows), counted))
    done.refused = _of_leaves(batch, starts)
    return done


def same_schema(known: JsonObject | None, found: JsonObject | None) -> JsonObject | None:
    """The one of two schemas that is there. Raises ContentError if they differ."""
    if known is not None and found is not None and known != found:
        name = next(iter(found["classes"]))
        raise ContentError(
            f"Class {name!r} has other columns than the layer's first tile; "
            "expected one schema in a layer. Correct the tiler.",
            f"类 {name!r} 的列与该图层首个瓦片不同；一个图层只能有一个模式。请修正切片器。",
        )
    return known or found


def _put(
    context: Context, content: Content, massing: Massing | None, counted: Statistics | None = None
) -> Stored:
    glb = encode(content, context.profile)
    uri, box = context.store.put(glb, "glb"), content_box(content)
    return Stored(uri, box, len(glb), massing, counted or Statistics())


def _of_leaves(batch: Batch, starts: I64) -> list[list[RefusedFeature]]:
    """What a batch refused, by leaf."""
    out: list[list[RefusedFeature]] = [[] for _ in starts[1:]]
    if batch.refused:
        row = {identity: number for number, identity in enumerate(batch.ids)}
        for one in batch.refused:
            out[int(np.searchsorted(starts, row[one.id], side="right")) - 1].append(one)
    return out


def _check(content: Content, asked: Sequence[str], done: Done) -> None:
    done.schema = same_schema(done.schema, schema(content.class_name, content.columns))
    ids = [str(value) for value in content.columns[0].values]
    strange = set(ids).difference(asked)
    if strange or len(set(ids)) != len(ids):
        example = min(strange) if strange else next(i for i in ids if ids.count(i) > 1)
        raise ContentError(
            f"The tile holds feature {example!r} twice or without being asked for it; "
            "expected each feature of the leaf once. Correct the tiler.",
            f"瓦片重复包含或多余包含要素 {example!r}；叶瓦片的每个要素应恰好出现一次。"
            "请修正切片器。",
        )
