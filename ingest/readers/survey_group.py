"""Which files of a delivery form one survey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.mapping.header import find_table
from ingest.mapping.words import SurveyWords
from ingest.readers.survey_beside import is_check_table
from ingest.readers.survey_class import bare_name
from ingest.readers.survey_outline import find_outline
from ingest.readers.survey_sheets import is_metadata, is_metadata_name
from ingest.readers.tables import COMPANIONS, SUFFIXES, content, peek_grids


def groups(paths: Sequence[Path], words: SurveyWords) -> list[tuple[Path, ...]]:
    """A file with points and lines alone; a point and a line file of the same name but for 点/线;
    else what is left over in a folder, together. A file of datum declarations, statistics or check
    measurements goes with every group of its folder and of those below it, a table of outlines with
    the points of its name, the parts of a Shapefile with its ``.shp``."""
    by_folder: dict[Path, dict[str, list[Path]]] = {}
    for path in paths:
        role = _role(path, words)
        if role is not None:
            by_folder.setdefault(path.parent, {}).setdefault(role, []).append(path)
    metadata = [path for roles in by_folder.values() for path in roles.get("metadata", [])]
    used: set[Path] = set()
    out: list[tuple[Path, ...]] = []
    for folder, roles in by_folder.items():
        own: list[tuple[Path, ...]] = [
            (p,) for p in [*roles.get("both", []), *roles.get("unknown", [])]
        ]
        own += _pairs(roles.get("point", []), roles.get("line", []), words)
        own = _with_outlines(own, roles.get("outline", []), words)
        about = [path for path in metadata if folder.is_relative_to(path.parent)]
        used.update(about if own else ())
        out += [(*_whole(group, paths), *about) for group in own]
    return out + [(path,) for path in metadata if path not in used]


def _role(path: Path, words: SurveyWords) -> str | None:
    """``point``, ``line``, ``both``, ``outline``, ``metadata``, ``unknown`` (a table that is not a
    survey or cannot be read, which reading says), or ``None`` for what is no table at all."""
    if not path.is_file():
        return None
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return "unknown" if content(path) in {"xlsx", "xls"} else None
    if kind in {"access", "dxf"}:
        return "both"
    if kind == "json":  # others than manifest.json are GeoJSON, CityJSON …
        return "metadata" if is_metadata_name(path.stem, words) else None
    grids = peek_grids(path)
    tables = [grid for grid in grids if not is_check_table(grid, words)]
    roles = {t.role for grid in tables if (t := find_table(grid.cells, words, cut=grid.cut))}
    if kind == "layer" and not roles:
        return None
    if "result" in roles or roles == {"point", "line"}:
        return "both"
    if roles:
        return roles.pop()
    about = bool(grids) and all(is_metadata(g, words) for g in tables)
    if path.suffix.lower() == ".txt":
        return "metadata" if about else None
    if any(find_outline(grid, None) for grid in grids):
        return "outline"
    return "metadata" if about else "unknown"


def _pairs(points: list[Path], lines: list[Path], words: SurveyWords) -> list[tuple[Path, ...]]:
    if len(points) <= 1 and len(lines) <= 1:
        return [(*points, *lines)] if points or lines else []
    out: list[tuple[Path, ...]] = []
    rest_points, rest_lines = list(points), list(lines)
    for point in points:
        name = bare_name(point.stem, words)
        twins = [line for line in rest_lines if bare_name(line.stem, words) == name]
        same = [p for p in points if bare_name(p.stem, words) == name]
        if len(twins) == 1 and len(same) == 1:
            out.append((point, twins[0]))
            rest_points.remove(point)
            rest_lines.remove(twins[0])
    if rest_points or rest_lines:
        out.append((*rest_points, *rest_lines))
    return out


def _with_outlines(
    own: list[tuple[Path, ...]], outlines: Iterable[Path], words: SurveyWords
) -> list[tuple[Path, ...]]:
    """Each table of outlines with the group of its name, else with the only one, else alone."""
    out = list(own)
    for path in outlines:
        name = bare_name(path.stem, words)
        fit = [i for i, g in enumerate(out) if any(bare_name(p.stem, words) == name for p in g)]
        fit = fit or list(range(len(out)))
        if len(fit) == 1:
            out[fit[0]] = (*out[fit[0]], path)
        else:
            out.append((path,))
    return out


def _whole(group: tuple[Path, ...], paths: Iterable[Path]) -> tuple[Path, ...]:
    """A group with the further parts of its Shapefiles."""
    stems = {p.with_suffix("") for p in group if p.suffix.lower() == ".shp"}
    parts = [p for p in paths if p.suffix.lower() in COMPANIONS and p.with_suffix("") in stems]
    return (*group, *parts) if stems else group
