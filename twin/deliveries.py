"""What is remembered of one handing-over: its files, kept as they came, and what became of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.archives import walked
from ingest.readers.base import ReadOptions
from ingest.rules.pack import load_packs
from models.crs import StorageCrs, to_storage
from models.db import deliveries
from models.db.deliveries import Box, Handed, Part
from models.errors import TwinError
from models.features import SourceFile
from models.findings import Severity
from models.licences import read_licence
from models.originals import Originals
from models.pointcloud import CloudPassport, clouds
from models.terrain import open_terrain
from models.texturedmesh import MeshPassport, meshes
from models.themes import Theme
from models.transformation import Step, steps
from models.twins import TwinDefinition
from twin import mesh, pointcloud, terrain
from twin.options import Terms
from twin.outcome import Outcome
from twin.settings import Settings

if TYPE_CHECKING:
    from models.db.connection import Connection

#: Findings of these codes are about a survey's accuracy.
_ACCURACY: Final = "ACC-"


def store(settings: Settings) -> Originals:
    """Where delivered files are kept."""
    return Originals(settings.home / "originals")


@dataclass
class Handing:
    """One handing-over of files to ``twin``; ``files`` are (name in the delivery, path)."""

    settings: Settings
    twin: TwinDefinition
    files: tuple[tuple[str, Path], ...]
    terms: Terms
    licence: str | None
    _sources: dict[Path, SourceFile] = field(default_factory=dict)
    _kept: bool = False

    @classmethod
    def of(
        cls, settings: Settings, twin: TwinDefinition, paths: Sequence[Path], terms: Terms
    ) -> Handing:
        """The handing-over of ``paths``.

        Raises :class:`models.licences.LicenceError`, and
        :class:`models.originals.OriginalsError` where the files would not fit.
        """
        licence = None if terms.licence is None else read_licence(terms.licence).value
        files = tuple((_named(file, path), file) for path in paths for file in walked([path]))
        files = tuple((name, file) for name, file in files if file.is_file())
        if terms.originals:
            store(settings).require_room(file for _, file in files)
        return cls(settings, twin, files, terms, licence)

    def keep(self) -> None:
        """Put the files into the store, if they are to be kept.

        Raises :class:`models.originals.OriginalsError`; nothing is published then.
        """
        if not self.terms.originals:
            return
        originals = store(self.settings)
        home, twin = self.settings.home, self.twin.id
        held = [*home.glob(f"terrain/{twin}/*.tif"), *home.glob(f"pointcloud/{twin}/*.las")]
        for name, path in self.files:
            found = originals.put(path, held)
            self._sources[path] = SourceFile(name, found.sha256, found.size)
        self._kept = True

    def record(
        self,
        conn: Connection,
        outcomes: Sequence[Outcome],
        given: ReadOptions,
        dataset: str | None,
        organisation: str | None,
        valid_from: date | None,
    ) -> None:
        """Remember the files and what became of them; files alone, where all were refused."""
        places = {path: index for index, (_, path) in enumerate(self.files)}
        parts = _joined(
            self._part(outcome, dataset, places)
            for outcome in outcomes
            if outcome.features_in or not outcome.clean
        )
        if not parts:
            return
        kept = self._kept and any(part.state != "refused" for part in parts)
        pipes = any(part.theme == Theme.PIPES for part in parts)
        packs = (given.context.packs or load_packs()) if pipes else ()
        declared = {
            "crs": given.horizontal,
            "vertical": given.vertical,
            "offset": given.offset,
            "profile": given.profile,
            "valid_from": valid_from and valid_from.isoformat(),
            "resurveys": [r.file for r in given.context.resurveys] or None,
            "waivers": len(given.context.waivers) or None,
        }
        handed = Handed(
            files=tuple(self._source(name, path) for name, path in self.files),
            parts=tuple(parts),
            tool=f"cim-twin {version('cim-twin')}",
            kept=kept,
            organisation=organisation,
            licence=self.licence,
            visibility=self.terms.visibility,
            rules=tuple({"id": p.id, "version": p.version, "sha256": p.sha256} for p in packs),
            declared={key: value for key, value in declared.items() if value is not None},
        )
        deliveries.record(conn, self.twin.id, handed)

    def _source(self, name: str, path: Path) -> SourceFile:
        if path not in self._sources:
            found = SourceFile.of(path)
            self._sources[path] = SourceFile(name, found.sha256, found.size)
        return self._sources[path]

    def _part(self, outcome: Outcome, dataset: str | None, places: dict[Path, int]) -> Part:
        stored, accepted = outcome.stored, bool(outcome.accepted)
        layer = outcome.theme in (terrain.THEME, pointcloud.LAYER, mesh.LAYER)
        name = outcome.theme if layer else outcome.dataset or dataset
        state = "published" if layer or (stored is not None and stored.new) else "unchanged"
        counts = {s.value: sum(f.severity is s for f in outcome.findings) for s in Severity}
        counts["accuracy"] = sum(f.code.startswith(_ACCURACY) for f in outcome.findings)
        features, box = self._layer(str(outcome.theme)) if layer and accepted else (None, None)
        passport = outcome.passport
        return Part(
            dataset=name or Path(outcome.files[0]).stem,
            theme=outcome.theme,
            state=state if accepted else "refused",
            features_in=outcome.features_in,
            accepted=outcome.accepted,
            findings=counts,
            files=tuple(places[path] for path in outcome.handed if path in places),
            revision_id=None if stored is None else stored.revision_id,
            horizontal=passport.horizontal if layer and passport else None,
            vertical=passport.vertical if layer and passport else None,
            steps=self._steps(outcome),
            features=features,
            box=box,
        )

    def _steps(self, outcome: Outcome) -> tuple[Step, ...]:
        passport = outcome.passport
        if passport is None or passport.horizontal is None or passport.vertical is None:
            return ()
        storage = StorageCrs(self.settings.storage_srid)
        try:
            return steps(passport.horizontal, passport.vertical, storage, self.twin.n_offset)
        except TwinError:  # a datum that does not do: the delivery was refused for it
            return ()

    def _layer(self, theme: str) -> tuple[int | None, Box]:
        """Points or triangles, if it has some, and box of a whole layer of files."""
        storage = StorageCrs(self.settings.storage_srid)
        boxes: list[tuple[float, ...]] = []
        if theme == terrain.THEME:
            ground = open_terrain(self.settings.home, self.twin.id, storage)
            assert ground is not None
            low, high = ground.corners.min(axis=0), ground.corners.max(axis=0)
            lowest, highest = ground.span()
            boxes.append((*low.tolist(), lowest, *high.tolist(), highest))
            return None, deliveries.degrees(boxes, storage)
        home, twin = self.settings.home, self.twin.id
        passports: list[CloudPassport | MeshPassport]
        if theme == mesh.LAYER:
            surfaces = [one.passport for one in meshes(home, twin)]
            count, passports = sum(one.triangles for one in surfaces), [*surfaces]
        else:
            points = [one.passport for one in clouds(home, twin)]
            count, passports = sum(one.count for one in points), [*points]
        for passport in passports:
            ends = np.array(passport.box, np.float64).reshape(2, 3)
            x, y, z = (g.ravel() for g in np.meshgrid(*ends.T))
            corners = np.column_stack(
                to_storage(
                    x, y, z, passport.horizontal, passport.vertical, storage,
                    n_offset=passport.n_offset,
                )
            )  # fmt: skip
            boxes.append((*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()))
        return count, deliveries.degrees(boxes, storage)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """One part for each dataset that was filled: its groups of files together."""
    out: dict[tuple[str, str | None, bool], Part] = {}
    for part in parts:
        key = part.dataset, part.theme, part.state == "refused"
        have = out.get(key)
        if have is None:
            out[key] = part
            continue
        counts = {name: have.findings[name] + n for name, n in part.findings.items()}
        out[key] = replace(
            have,
            features_in=have.features_in + part.features_in,
            accepted=have.accepted + part.accepted,
            findings=counts,
            files=tuple(dict.fromkeys((*have.files, *part.files))),
            steps=tuple(dict.fromkeys((*have.steps, *part.steps))),
            # of a layer of files, the last one saw it whole
            features=part.features,
            box=part.box,
        )
    return list(out.values())


def _named(file: Path, handed: Path) -> str:
    """The name of ``file`` in the delivery, below the folder that was handed over if one was."""
    name = Path(file.name) if file == handed else file.relative_to(handed.parent)
    parts = [part for part in name.parts if part not in ("..", os.sep)]
    return os.fsencode("/".join(parts)).decode("utf-8", "replace")
