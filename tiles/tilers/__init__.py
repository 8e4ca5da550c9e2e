"""One tiler a theme."""
