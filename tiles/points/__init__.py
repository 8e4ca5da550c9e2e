"""Point clouds → 3D Tiles: out of core, one pass over the files, an octree with additive levels.

1. *Runs* (:mod:`tiles.points.runs`): each piece of a file is placed in the tileset's frame, sorted
   by Morton code, and written to disk. A cell of the octree is then a range of every run.
2. *Plan* (:mod:`tiles.points.plan`): the octree's top, down to cells that fit in memory (units).
3. *Tiles* (:mod:`tiles.points.tree`): each unit becomes a subtree of tiles, then the tiles above.

Which point is drawn at which level follows from the sorted codes alone
(:func:`tiles.points.morton.first_depths`), so that units need not know each other, and the bytes
are the same from any number of workers. No point is dropped, moved or drawn twice. Below the root,
what a view of the whole needs is kept apart from finer points (:mod:`tiles.points.far`).
"""

from tiles.points.build import PointReport, build_points

__all__ = ["PointReport", "build_points"]
