"""Errors of the OGC addresses and their statuses."""

from __future__ import annotations

from models.cql2.errors import FilterError
from models.db.features_items import ArithmeticOverflowError
from models.errors import TwinError
from twin.api.errors import STATUS


class ParameterError(TwinError):
    """A query parameter's value cannot be used; the sentence says what is allowed."""

    code = "HTTP-400"


class NoPageError(TwinError):
    """A page token that leads nowhere: it is not ours, or belongs to another question."""

    code = "HTTP-404"


class NotAcceptableError(TwinError):
    """The resource has no representation of the media types that the client accepts."""

    code = "HTTP-406"


STATUS[ParameterError] = 400
STATUS[NoPageError] = 404
STATUS[FilterError] = 400
STATUS[ArithmeticOverflowError] = 400
STATUS[NotAcceptableError] = 406
