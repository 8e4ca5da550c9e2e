"""Every reader, in the order in which they are asked for files."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.readers.base import Reader


def readers() -> Sequence[Reader]:
    """A new list of all readers; the one that takes files by name when nobody else does is last."""
    # Loaded when asked for: they bring GDAL's, IfcOpenShell's and the workbook readers' libraries.
    from ingest.readers.epanet import EpanetReader
    from ingest.readers.footprints import FootprintReader
    from ingest.readers.ifc import IfcReader
    from ingest.readers.survey import SurveyReader
    from ingest.readers.swmm import SwmmReader

    return (IfcReader(), EpanetReader(), SwmmReader(), SurveyReader(), FootprintReader())
