"""Reads a service as a user of QGIS does; run by QGIS's own Python, in a process of its own.

``qgis_reads.py ROOT FOLDER``: the landing page, and a folder with files to open beside it. Writes
one JSON object. QGIS is GPL: nothing of the project is imported here, and nothing imports this.
"""

import json
import os
import sys
from pathlib import Path
from urllib.request import urlopen

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsMapBoxGlStyleConverter,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize

COLLECTIONS = ("buildings", "building-parts", "bim-elements", "pipe-points", "pipe-segments")


def read(layer):
    """What a layer is: its CRS, fields, and the box of every feature by key."""
    boxes = {}
    for one in layer.getFeatures():
        box = one.geometry().boundingBox()
        boxes[one["key"]] = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
    fields = {field.name(): field.typeName() for field in layer.fields()}
    return {"crs": layer.crs().authid(), "fields": fields, "boxes": boxes}


def collection(root, name):
    """A layer of QGIS's provider for OGC API - Features, by pages of five."""
    uri = f"url='{root}' typename='{name}' pagingEnabled='true' pageSize='5'"
    return QgsVectorLayer(uri, name, "OAPIF")


def keys(layer, request):
    """Keys of the features that a request gives."""
    return sorted(one["key"] for one in layer.getFeatures(request))


def picture(root, box):
    """How many pixels the vector tiles of pipes draw within ``box``, by the service's own style."""
    template = f"{root}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
    layer = QgsVectorTileLayer(f"type=xyz&url={template}&zmin=10&zmax=20", "tiles")
    converter = QgsMapBoxGlStyleConverter()
    with urlopen(f"{root}/styles/pipes") as answer:
        style = json.load(answer)
    result = converter.convert({k: v for k, v in style.items() if k != "sources"})
    layer.setRenderer(converter.renderer())
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(400, 400))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(QgsRectangle(*box))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    blank = image.pixel(0, 0)
    drawn = sum(image.pixel(x, y) != blank for x in range(400) for y in range(400))
    return {"converted": int(result), "valid": layer.isValid(), "drawn": drawn}


def main(root, folder):
    """Everything that the test asks about."""
    buildings = collection(root, "buildings")
    around = next(f for f in buildings.getFeatures() if f["key"] == "B20").geometry().boundingBox()
    around.grow(-1e-5)
    high = QgsFeatureRequest().setFilterExpression('"height" > 12')
    return {
        "collections": {name: read(collection(root, name)) for name in COLLECTIONS},
        "files": {f.stem: read(QgsVectorLayer(str(f), f.stem, "ogr")) for f in folder.iterdir()},
        "high": keys(buildings, high),
        "near": keys(buildings, QgsFeatureRequest().setFilterRect(around)),
        "picture": picture(root, json.loads(sys.argv[3])),
    }


QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()
sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")
sys.stdout.flush()
os._exit(0)  # Qt's own end depends on the order in which Python lets go of its objects
