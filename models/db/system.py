"""What the database adds to every feature table."""

from __future__ import annotations

from typing import Final

SYSTEM: Final = (
    "row_id",
    "dataset_id",
    "revision_id",
    "file_id",
    "content_sha",
    "valid_from",
    "valid_to",
    "tx_from",
    "tx_to",
)
