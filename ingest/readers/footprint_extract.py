"""The isolated side of the footprint reader: GDAL turns one file into plain arrays.

Runs in a process of its own under :mod:`ingest.isolation`, since GDAL meets bytes that nobody has
checked. Only the four drivers are registered there, nothing is fetched, nothing is written but the
arrays, and those hold no pickles.
"""

from __future__ import annotations

import gc
import os
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from ingest.readers import vector_columns

#: A table with more columns than this is not a building table; reading it would eat memory.
MAX_COLUMNS: Final = 1000


#: How GDAL begins to say that it gave features of a GeoJSON other ids than their own, which it
#: says of the first only.
_RENUMBERED: Final = "Several features with id ="


def extract(
    path: str,
    folder: str,
    driver: str,
    skip: list[str],
    layer: str | None,
    encoding: str | None,
) -> dict[str, Any]:
    """Read ``path`` and put its arrays into ``folder``; the answer says what is there.

    ``wkb.npy`` holds all geometries end to end, ``sizes.npy`` the bytes of each (-1 for none),
    ``fids.npy`` GDAL's ids, ``{i}.npy`` numeric and ``{i}.json`` other columns, of which
    ``documents`` are JSON text, and ``own.json`` the attributes of GeoJSON features as they are
    written, where they are found (``own``). ``skip`` are the
    drivers that must not exist here: some follow addresses or run commands that a file names.
    ``encoding`` is the code page of a DBF, or ``None`` to accept ASCII and UTF-8 only. An answer
    with ``problem`` means that the file was not read; ``unreadable`` comes with GDAL's words and,
    for GeoJSON, with the line and column where it stops being JSON; ``cut`` is GeoJSON that breaks
    off.
    """
    gc.disable()  # the process ends soon, and looking through a whole GeoJSON takes long
    os.environ.update(GDAL_SKIP=",".join(skip), PROJ_NETWORK="OFF")
    import pyogrio  # after the environment, which GDAL reads when it is loaded

    try:
        return _extract(pyogrio, path, folder, driver, skip, layer, encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        where, cut = _not_json(path) if driver == "GeoJSON" else (None, False)
        problem = "cut" if cut else "unreadable"
        return {"problem": problem, "found": str(error), "where": where}
    except IndexError:  # pyogrio, where GDAL announces rows and then gives none
        return {"problem": "unreadable", "found": "", "where": None}


def _not_json(path: str) -> tuple[list[int] | None, bool]:
    """Line and column of the first thing in the file that is not JSON (RFC 8259), and whether that
    is its end: all is well so far, but there should be more."""
    try:
        orjson.loads(Path(path).read_bytes())
    except orjson.JSONDecodeError as error:
        return [error.lineno, error.colno], error.pos >= len(error.doc)
    return None, False


def _own_ids(features: list[dict[str, Any]] | None, fids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``fids`` with the numbers that the features of a GeoJSON have as ids themselves."""
    own = [feature.get("id") for feature in features or [{}] * len(fids)]
    return np.array([i if type(i) is int else f for i, f in zip(own, fids, strict=True)], np.int64)


def _extract(
    pyogrio: Any,
    path: str,
    folder: str,
    driver: str,
    skip: list[str],
    layer: str | None,
    encoding: str | None,
) -> dict[str, Any]:
    if left := set(pyogrio.list_drivers()) & set(skip):
        return {"problem": "driver", "found": ", ".join(sorted(left))}
    text = "ISO-8859-1" if driver == "ESRI Shapefile" else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if driver == "GPKG" and (problem := _choose(pyogrio.list_layers(path), layer)):
            if "layer" not in problem:
                return problem
            layer = problem["layer"]
        elif driver != "GPKG":
            layer = None
        if driver != "GeoJSON":  # which is not an answer but a whole reading there
            info = pyogrio.read_info(path, layer=layer, encoding=text)
            if info["driver"] != driver:
                return {"problem": "driver", "found": info["driver"]}
            if len(info["fields"]) > MAX_COLUMNS:
                return {"problem": "columns", "found": len(info["fields"])}
        meta, fids, geometry, read = _read(pyogrio, path, driver, layer, text)
    names, columns = read.names, read.values
    if len(names) > MAX_COLUMNS:
        return {"problem": "columns", "found": len(names)}
    messages = {str(warning.message) for warning in caught}
    messages |= {f"Skipping field '{name}': binary data" for name in read.left_out}
    features = vector_columns.geojson_features(path) if driver == "GeoJSON" else None
    if features is not None and len(features) != len(fids):
        features = None
    if renumbered := {words for words in messages if words.startswith(_RENUMBERED)}:
        messages -= renumbered
        fids = _own_ids(features, fids)
    own = features is not None and _save_own(Path(folder), features)
    if driver == "GeoJSON" and names and not own:
        messages.add("The values of each attribute were read as of one type")
    answer: dict[str, Any] = {
        "crs": meta["crs"],
        "geometry_type": meta["geometry_type"],
        "layer": layer,
        "count": len(fids),
        "messages": sorted(messages)[:10],
        "documents": read.documents,
        "own": own,
    }
    if text is not None:
        decoded = _decode(names, columns, encoding)
        if "problem" in decoded:
            return decoded
        names = decoded.pop("names")
        answer.update(decoded)
    answer["columns"] = names
    _save(Path(folder), fids, geometry, columns)
    return answer


def _read(
    pyogrio: Any, path: str, driver: str, layer: str | None, encoding: str | None
) -> tuple[dict[str, Any], npt.NDArray[Any], list[bytes | None], vector_columns.Columns]:
    """What GDAL says of the layer, its ids, the WKB of its rows and their columns.

    The columns come in Arrow, which keeps their types. So do the geometries of GeoJSON, which is
    slow to read twice; those of other drivers do not, since they may be curves.
    """
    only: dict[str, Any] = {"layer": layer, "encoding": encoding}
    if driver == "GeoJSON":
        meta, table = pyogrio.raw.read_arrow(
            path, **only, return_fids=True, datetime_as_string=True
        )
        names = [str(name) for name in meta["fields"]]
        fids = np.asarray(table.column(0).to_numpy())
        wkb: list[bytes | None] = [None] * len(fids)
        if table.num_columns > len(names) + 1:
            wkb = table.column(len(names) + 1).to_pylist()
        return (
            meta,
            fids,
            wkb,
            vector_columns.columns(names, table.select(range(1, len(names) + 1))),
        )
    meta, fids, geometry, _ = pyogrio.raw.read(path, **only, columns=[], return_fids=True)
    wkb = list(geometry) if geometry is not None else [None] * len(fids)
    about, table = pyogrio.raw.read_arrow(
        path, **only, read_geometry=False, datetime_as_string=True
    )
    names = [str(name) for name in about["fields"]]
    if table.num_rows != len(fids):
        raise IndexError(table.num_rows)
    return meta, fids, wkb, vector_columns.columns(names, table)


def _save_own(folder: Path, features: list[dict[str, Any]]) -> bool:
    """Write the attributes of GeoJSON features; False where JSON cannot hold them."""
    try:
        vector_columns.save(folder / "own.json", vector_columns.properties(features))
    except TypeError:  # text that is no Unicode, or whole numbers of more than 64 bits
        return False
    return True


def _choose(layers: npt.NDArray[Any], wanted: str | None) -> dict[str, Any]:
    """The layer to read, or the problem of choosing one."""
    every = [str(name) for name, _ in layers]
    if wanted is not None:
        if wanted in every:
            return {"layer": wanted}
        return {"problem": "layer", "layers": every}
    shapes = ("Polygon", "Surface", "Unknown", "GeometryCollection")
    fit = [str(name) for name, kind in layers if kind and any(word in kind for word in shapes)]
    if len(fit) == 1:
        return {"layer": fit[0]}
    return {"problem": "layers" if fit else "no layer", "layers": fit or every}


def _decode(
    names: list[str], columns: list[npt.NDArray[Any]], encoding: str | None
) -> dict[str, Any]:
    """Undo the Latin-1 reading, which keeps every byte, and decode text as what it is.

    A DBF cuts a value at its field's width, at times inside a character: such a rest is dropped.
    Every other byte that does not decode is reported by row and column.
    """
    raw = [name.encode("latin-1") for name in names]
    texts: dict[int, tuple[npt.NDArray[np.intp], list[bytes]]] = {}
    for index, column in enumerate(columns):
        if column.dtype == object and any(isinstance(value, str) for value in column):
            filled = np.array([value if isinstance(value, str) else "" for value in column])
            words, codes = np.unique(filled, return_inverse=True)
            texts[index] = codes, [str(word).encode("latin-1") for word in words]
    if encoding is None:
        blob = [*raw, *(word for _, words in texts.values() for word in words)]
        encoding = "ascii" if all(word.isascii() for word in blob) else "utf-8"
        worst = next((word for word in blob if _text(word, "utf-8") is None), None)
        if worst is not None:
            likely = [name for name in ("gb18030", "big5") if _text(worst, name) is not None]
            shown = worst.decode(likely[0]) if likely else worst.hex(" ")
            return {"problem": "encoding", "found": shown, "likely": likely}
    undecodable: list[tuple[int, int]] = []
    for index, (codes, spelled) in texts.items():
        decoded = np.array([_text(word, encoding) for word in spelled], dtype=object)
        bad = np.array([word is None for word in decoded])
        undecodable += [(int(row), index) for row in np.flatnonzero(bad[codes])]
        absent = np.array([not isinstance(value, str) for value in columns[index]])
        columns[index] = decoded[codes]
        columns[index][absent] = None
    shown_names = [_text(name, encoding) or name.decode(encoding, errors="replace") for name in raw]
    return {"names": shown_names, "undecodable": undecodable, "encoding": encoding}


def _text(word: bytes, encoding: str) -> str | None:
    """``word`` decoded, a cut last character dropped; ``None`` when it does not decode."""
    for rest in range(4):
        try:
            return word[: len(word) - rest].decode(encoding)
        except UnicodeDecodeError as error:
            if error.end < len(word) - rest or error.reason == "invalid start byte":
                return None
    return None


def _save(
    folder: Path,
    fids: npt.NDArray[Any],
    shapes: list[bytes | None],
    columns: list[npt.NDArray[Any]],
) -> None:
    sizes = np.array([-1 if shape is None else len(shape) for shape in shapes], dtype=np.int64)
    blob = b"".join(shape for shape in shapes if shape is not None)
    np.save(folder / "sizes.npy", sizes)
    np.save(folder / "wkb.npy", np.frombuffer(blob, dtype=np.uint8))
    np.save(folder / "fids.npy", np.asarray(fids))
    for index, column in enumerate(columns):
        if column.dtype == object:
            vector_columns.save(folder / f"{index}.json", column.tolist())
        else:
            np.save(folder / f"{index}.npy", column)
