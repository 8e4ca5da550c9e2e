"""Small networks told as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pytest
import shapely


class Drawing:
    """Canonical tables from ``a-b`` words and {point: word}; rows by name."""

    def __init__(
        self,
        pipes: Sequence[str],
        words: dict[str, str] | None = None,
        code: str = "JS",
        **columns: Sequence[object],
    ) -> None:
        ends = [pipe.split("-") for pipe in pipes]
        self.names = list(dict.fromkeys(name for pair in ends for name in pair))
        self.pipes = list(pipes)
        at = {name: 10.0 * i for i, name in enumerate(self.names)}
        self.points = pd.DataFrame(
            {
                "key": self.names,
                "class_code": code,
                "appurtenance": [(words or {}).get(name) for name in self.names],
                "sigma_z": 0.03,
                "geom": shapely.points([[at[name], 0.0, 4.0] for name in self.names]),
            }
        )
        self.segments = pd.DataFrame(
            {
                "class_code": code,
                "from_point": [a for a, _ in ends],
                "to_point": [b for _, b in ends],
                "geom": shapely.linestrings(
                    [[[at[a], 0.0, 2.0], [at[b], 0.0, 2.0]] for a, b in ends]
                ),
                **columns,
            }
        )

    def node(self, name: str) -> int:
        return self.names.index(name)

    def edge(self, pipe: str) -> int:
        return self.pipes.index(pipe)

    def named(self, rows: Iterable[int]) -> set[str]:
        return {self.names[row] for row in rows}

    def piped(self, rows: Iterable[int]) -> set[str]:
        return {self.pipes[row] for row in rows}

    def mask(self, *names: str) -> np.ndarray:
        return np.isin(self.names, names)


@pytest.fixture
def drawing() -> type[Drawing]:
    return Drawing
