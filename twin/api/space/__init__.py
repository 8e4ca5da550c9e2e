"""Three dimensions below ``/ogc/{twin}``: the tilesets of its layers as 3D GeoVolumes."""
