"""A client of a running service: what notebooks and scripts ask, with tables as GeoDataFrames.

    >>> city = Client("http://localhost:8000")
    >>> twin = city.twins()[0]["id"]
    >>> sewers = city.features(twin, "pipe-segments", filter="class_code = 'WS'", limit=100)
    >>> answer = city.ask(twin, "section", line=[[616820, 3430480], [616860, 3430490]])

It speaks the standard addresses (OGC API - Features Parts 1 to 3, Records), names and addresses,
and the analyses, and needs nothing but what the project needs anyway.
"""

from twin.client.city import PAGE, Client
from twin.client.connection import ClientError

__all__ = ["PAGE", "Client", "ClientError"]
