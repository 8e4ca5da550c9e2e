"""OGC API – Features for every twin, below ``/ogc/{twin}``."""
