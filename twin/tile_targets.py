"""Whether what ``--out`` and ``--implicit`` name is a place where tiles can be put."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from twin.options import OptionError
from twin.tile_stores import is_archive, is_bucket

#: Names of files, as which no folder is meant.
_PACKED: Final = frozenset({".3tz", ".zip", ".7z", ".tar", ".tgz", ".gz"})


def require_targets(out: str | None, implicit: Path | None) -> None:
    """Raise :class:`OptionError` for an archive of another kind than ``.3tz``, and where implicit
    tilesets would not go into a folder."""
    if out is not None and not is_bucket(out) and not is_archive(out) and _is_packed(out):
        raise OptionError(
            f"--out {out}: an archive of tiles is named ….3tz. Name it so, or give a folder or "
            "s3://bucket/prefix.",
            f"--out {out}：瓦片归档的文件名应以 .3tz 结尾。请如此命名，或给出目录、s3://桶/前缀。",
        )
    if implicit is not None and (_is_packed(implicit) or implicit.parts[:1] == ("s3:",)):
        raise OptionError(
            f"--implicit {implicit}: implicit tilesets are written into a folder, not into an "
            "archive or a bucket. Name a folder.",
            f"--implicit {implicit}：隐式切片只写入目录，不能写入归档或对象存储。请给出目录。",
        )


def _is_packed(place: str | Path) -> bool:
    return PurePath(place).suffix.lower() in _PACKED
