"""The conformance classes that the addresses below ``/ogc/{twin}`` hold to."""

from __future__ import annotations

from typing import Final

_PART_1: Final = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_PART_2: Final = "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/"
_PART_3: Final = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/"
_PART_5: Final = "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/"
_CQL2: Final = "http://www.opengis.net/spec/cql2/1.0/conf/"
_COMMON: Final = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
_JSONFG: Final = "http://www.opengis.net/spec/json-fg-1/1.0/conf/"

CONFORMS_TO: Final = (
    *(f"{_COMMON}{name}" for name in ("core", "landing-page", "json", "html", "oas30")),
    *(f"{_PART_1}{name}" for name in ("core", "oas30", "html", "geojson")),
    f"{_PART_2}crs",
    *(f"{_PART_3}{name}" for name in ("queryables", "filter", "features-filter")),
    *(f"{_PART_5}{name}" for name in ("schemas", "queryables")),
    *(
        f"{_CQL2}{name}"
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "array-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *(
        f"{_JSONFG}{name}"
        for name in ("core", "polyhedra", "prisms", "circular-arcs", "types-schemas")
    ),
)
