"""OGC API – Tiles (20-057) for every twin, below ``/ogc/{twin}``: vector tiles of its features."""
