"""How much is in a file of the shared samples, by libraries that are not ours."""

from __future__ import annotations

from pathlib import Path

import ifcopenshell
import laspy
import pyogrio


def footprints(path: Path) -> int:
    return int(pyogrio.read_info(path)["features"])


def products(path: Path) -> int:
    """The project and every product of an IFC file."""
    model = ifcopenshell.open(path)
    return len(model.by_type("IfcProject")) + len(model.by_type("IfcProduct"))


def points(path: Path) -> int:
    return int(laspy.read(path).header.point_count)


def triangles(path: Path) -> int:
    """Of an OBJ: a face of n corners has n - 2."""
    lines = path.read_text().splitlines()
    return sum(len(line.split()) - 3 for line in lines if line.startswith("f "))


def mains(path: Path) -> int:
    """The points and segments of an EPANET model: a pump or a valve is a point between two."""
    import wntr

    model = wntr.network.WaterNetworkModel(str(path))
    return int(model.num_nodes + model.num_pipes + 3 * (model.num_pumps + model.num_valves))


def drains(path: Path) -> int:
    """The same of a SWMM model, which are the lines of these sections."""
    sections = [part.splitlines() for part in path.read_text().split("\n[")]
    lines = {
        head.rstrip("]"): sum(bool(line.strip()) and not line.startswith(";") for line in rest)
        for head, *rest in sections
    }
    nodes = lines["JUNCTIONS"] + lines["OUTFALLS"] + lines["STORAGE"]
    return nodes + lines["CONDUITS"] + 3 * (lines["PUMPS"] + lines["WEIRS"])


def one(path: Path) -> int:
    """An elevation model is one thing."""
    return 1
