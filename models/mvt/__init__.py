"""Vector tiles: the grids they lie on, and what stands for features that are too small to show."""
