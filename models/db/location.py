"""Where the embedded database keeps its data and its socket."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from models.db.errors import DiskFullError
from models.db.lock import unusable
from models.db.place import free_bytes
from models.db.server import Account
from models.errors import DatabaseError

#: sockaddr_un holds 107 bytes of path; the server's file adds "/.s.PGSQL.5432".
SOCKET_LIMIT: Final = 107
SOCKET_NAME: Final = ".s.PGSQL.5432"
#: Data of a home that the server's account may not enter (root's home, for one).
ELSEWHERE: Final = Path("/var/lib/cim-twin")
RUNTIME: Final = Path("/run/cim-twin")


def data_base(home: Path, account: Account, elsewhere: Path = ELSEWHERE) -> Path:
    """The folder of the database for ``home``: ``home/pg``, or one that ``home/pg.location`` names.

    Made, owned by the server's account and closed to others (0700) on return. Where the account may
    not enter ``home``, the data go to ``elsewhere/<hash of home>`` and the pointer file remembers
    it. Raises :class:`DatabaseError` where neither can be used.
    """
    pointer = home / "pg.location"
    inside = home / "pg"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if pointer.exists():
            return _own(Path(pointer.read_text(encoding="utf-8").strip()), account)
        existed = inside.exists()
        _own(inside, account)
        if account.may_work_in(inside):
            return inside
        if not account.steps_down:
            raise PermissionError(13, "Permission denied", str(inside))
        if not existed:
            inside.rmdir()
        outside = _own(elsewhere / short_hash(home), account)
        if not account.may_work_in(outside):
            raise PermissionError(13, "Permission denied", str(outside))
        pointer.write_text(f"{outside}\n", encoding="utf-8")
        return outside
    except OSError as error:
        raise unusable(Path(error.filename or inside), error) from error


def socket_folder(base: Path, account: Account) -> Path:
    """A folder for the socket whose path is short enough: ``base/run``, else a runtime folder.

    Only its owner may enter (0700): that, not a password, guards the socket.
    """
    name = f"{short_hash(base)}"
    candidates = [base / "run"]
    if account.steps_down:
        candidates.append(RUNTIME / name)
    else:
        candidates.append(Path(f"/run/user/{account.uid}/cim-twin-{name}"))
    candidates.append(Path(tempfile.gettempdir()) / f"cim-twin-{account.uid}-{name}")
    candidates.append(Path("/tmp") / f"cim-twin-{account.uid}-{name}")  # noqa: S108 owner is checked
    for folder in candidates:
        if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_LIMIT:
            continue
        try:
            _own(folder, account)
        except OSError:
            continue
        if account.may_work_in(folder):
            return folder
    raise DatabaseError(
        f"No folder is short enough and writable for the database socket (tried {candidates}).",
        f"找不到路径足够短且可写的数据库套接字目录(已尝试 {candidates})。",
    )


def require_space(base: Path, need: int) -> None:
    """Raise :class:`DiskFullError` where fewer than ``need`` bytes are free beside ``base``."""
    if free_bytes(base) < need:
        raise DiskFullError(base, need)


def short_hash(path: Path) -> str:
    """Twelve hex digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _own(folder: Path, account: Account) -> Path:
    """Make ``folder`` (its parents open to enter) and give it to the account alone, mode 0700."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "Not a directory", str(folder))
    if found.st_uid not in (account.uid, os.geteuid()):
        raise DatabaseError(
            f"{folder} belongs to another user (uid {found.st_uid}), so the database cannot be "
            "started by this one. Run as that user (or root), or choose another home (TWIN_HOME).",
            f"{folder} 属于其他用户(uid {found.st_uid}),当前用户无法启动其中的数据库。"
            "请以该用户(或 root)运行,或改用其他主目录(TWIN_HOME)。",
        )
    if account.steps_down and found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder
