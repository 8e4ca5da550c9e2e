"""Pipe networks as arrays: nodes are rows of the point table, edges rows of the segment table.

:meth:`Network.of` builds one from canonical tables; the functions here ask it. Rows in, rows out:
every answer names nodes and edges by their position in those two tables.
"""

from models.network.connectivity import Components, Path, components, connected, path
from models.network.flow import Basis, Drains, FlowDirections, drains, flow_directions
from models.network.graph import Network
from models.network.isolation import Isolation, ValveSegments, isolate, valve_segments
from models.network.mixing import Kind, MixedConnection, mixed_connections
from models.network.roles import Role, words_of
from models.network.runs import Runs, runs
from models.network.trace import Trace, trace
from models.network.travel import PollutionSources, Velocities, pollution_sources, velocities

__all__ = [
    "Basis",
    "Components",
    "Drains",
    "FlowDirections",
    "Isolation",
    "Kind",
    "MixedConnection",
    "Network",
    "Path",
    "PollutionSources",
    "Role",
    "Runs",
    "Trace",
    "ValveSegments",
    "Velocities",
    "components",
    "connected",
    "drains",
    "flow_directions",
    "isolate",
    "mixed_connections",
    "path",
    "pollution_sources",
    "runs",
    "trace",
    "valve_segments",
    "velocities",
    "words_of",
]
