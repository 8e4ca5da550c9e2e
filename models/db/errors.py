"""Driver errors, translated once into sentences that a user can act on.

Database text never leaves this module except into the log: it may hold values, host names or
passwords.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import asyncpg
import psycopg

from models.db.place import LOG_NAME, MIN_FREE, base_of, free_bytes
from models.errors import DatabaseError

LOG: Final = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
_DRIVER_ERRORS: Final = (psycopg.Error, asyncpg.PostgresError, asyncpg.InterfaceError)


class RunningError(DatabaseError):
    """Another process of ours holds this home folder; ``pid`` names it."""

    code = "DB-02"

    def __init__(self, home: str, pid: int | None) -> None:
        who = "?" if pid is None else str(pid)
        super().__init__(
            f"A twin is already running in {home} (process {who}). Stop that one first "
            "(Ctrl-C where it runs), or use another home folder (TWIN_HOME).",
            f"{home} 中已有孪生服务在运行(进程 {who})。请先停止它(在其终端按 Ctrl-C),"
            "或改用其他主目录(TWIN_HOME)。",
        )
        self.pid = pid


class PortTakenError(DatabaseError):
    """The loopback port asked for belongs to another program; ``port`` names it."""

    code = "DB-03"

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by another program. Stop that program, or choose "
            "a free port for the database.",
            f"127.0.0.1 的端口 {port} 已被其他程序占用。请停止该程序,或为数据库另选空闲端口。",
        )
        self.port = port


class DuplicateIdError(DatabaseError):
    """Two rows of one publication claim to be the same feature."""

    code = "DB-04"


class PublishError(DatabaseError):
    """What was delivered cannot be stored as it is; nothing of it was stored."""

    code = "DB-05"


class DiskFullError(DatabaseError):
    """The disk of ``place`` is full: ``free`` bytes are left, ``need`` (where known) are needed."""

    code = "DB-06"

    def __init__(self, place: Path, need: int | None = None) -> None:
        self.place, self.free = place, free_bytes(place)
        wanted = f", at least {need:,} are needed" if need else ""
        super().__init__(
            f"The disk that holds {place} is full: {self.free:,} bytes free{wanted}. Free some "
            "space, then try again; nothing of the interrupted operation was stored.",
            f"{place} 所在磁盘已满：剩余 {self.free:,} 字节"
            f"{f'，至少需要 {need:,} 字节' if need else ''}。"
            "请释放空间后重试；被中断的操作没有存入任何内容。",
        )


class NotPermittedError(DatabaseError):
    """The server may not use its own files below ``base``."""

    code = "DB-07"

    def __init__(self, base: Path) -> None:
        super().__init__(
            f"The database may not use its files in {base}. Give them back to their owner "
            f"(`chown -R postgres {base}` where the database was made as root, and `chmod -R u+rwX "
            f"{base}`), then try again; nothing of the interrupted operation was stored.",
            f"数据库无权使用 {base} 中的文件。请恢复其属主（若以 root 创建，执行 "
            f"`chown -R postgres {base}`）和权限（`chmod -R u+rwX {base}`）后重试；"
            "被中断的操作没有存入任何内容。",
        )


class UpdateError(DatabaseError):
    """A delivery would do to a dataset what nobody has agreed to; nothing was stored."""

    code = "UPD-01"


class ContinuityError(UpdateError):
    """A complete delivery would end more of a dataset than its publisher allows."""

    def __init__(self, dataset: str, held: int, closed: int) -> None:
        super().__init__(
            f"Dataset '{dataset}' holds {held} features and this delivery leaves out {closed} of "
            "them; nothing was stored. If these are other data, name them with --dataset; if the "
            "delivery does replace the dataset, add --replace.",
            f"数据集“{dataset}”现有 {held} 个要素，本次提交缺少其中 {closed} 个，未存入任何内容。"
            "若是另一批数据，请用 --dataset 另行命名；若确要整体替换，请加 --replace。",
        )
        self.held, self.closed = held, closed


class OwnershipError(UpdateError):
    """A delivery would change or end features of ``others`` {name: (changed, ended)}, for whom it
    does not speak; ``deliverer`` is who delivers it, where that is known."""

    def __init__(
        self, dataset: str, others: Mapping[str, tuple[int, int]], deliverer: str | None
    ) -> None:
        changed, ended = (sum(counts) for counts in zip(*others.values(), strict=True))
        names = sorted(others)
        agreed = " ".join(f"--agreed {name}" for name in names)
        who_en = f"is from '{deliverer}'" if deliverer else "names no organisation"
        who_zh = f"由“{deliverer}”提交" if deliverer else "未说明提交单位"
        super().__init__(
            f"This delivery of dataset '{dataset}' {who_en} and would change {changed} and end "
            f"{ended} features of {', '.join(names)}; nothing was stored. If it comes from there, "
            f"say so with --organisation; if they agreed, add {agreed}; if these are other data, "
            "name them with --dataset; to replace the dataset whoever owns it, add --replace.",
            f"数据集“{dataset}”的本次提交{who_zh}，却会修改 {changed} 个、终止 {ended} 个属于"
            f"{'、'.join(names)}的要素，未存入任何内容。若确由其提交，请用 --organisation 说明；"
            f"若其已同意，请加 {agreed}；若是另一批数据，请用 --dataset 另行命名；"
            "若确要不论权属整体替换，请加 --replace。",
        )
        self.others, self.deliverer = dict(others), deliverer


class TooLongError(DatabaseError):
    """A statement took longer than statements may, and was stopped."""

    code = "DB-09"


#: SQLSTATE (or its class, two characters) -> (English, Chinese).
SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "53100": (
        "The disk that holds the database is full. Free some space, then try again; nothing of "
        "the interrupted operation was stored.",
        "数据库所在磁盘已满。请释放空间后重试;被中断的操作没有存入任何内容。",
    ),
    "53200": (
        "The database ran out of memory. Close other programs or give the machine more memory.",
        "数据库内存不足。请关闭其他程序或增加内存。",
    ),
    "53300": (
        "The database has no free connection. Stop programs that use it, or raise max_connections.",
        "数据库连接数已满。请停止占用它的程序,或调高 max_connections。",
    ),
    "28": (
        "The database refused the user name or password of its URL. Check TWIN_DATABASE_URL.",
        "数据库拒绝了 URL 中的用户名或密码。请检查 TWIN_DATABASE_URL。",
    ),
    "3D000": (
        "The database named in the URL does not exist on that server. Create it, or correct "
        "TWIN_DATABASE_URL.",
        "URL 所指的数据库在该服务器上不存在。请先创建,或更正 TWIN_DATABASE_URL。",
    ),
    "42501": (
        "The database role lacks a right for this operation. Use the owner's URL to write; the "
        "read role can only select.",
        "数据库角色没有执行该操作的权限。写入请使用所有者的 URL;只读角色只能查询。",
    ),
    "25006": (
        "The database connection is read-only. Use the owner's URL to write.",
        "数据库连接为只读。写入请使用所有者的 URL。",
    ),
    "57014": (
        "The database stopped a query that took longer than its limit. Ask for a smaller area or "
        "raise the limit.",
        "查询超过时限,已被数据库终止。请缩小范围或调高时限。",
    ),
    "42P01": (
        "The database lacks the tables of this version. Run `twin db upgrade`.",
        "数据库缺少本版本所需的表。请运行 `twin db upgrade`。",
    ),
    "42703": (
        "The database lacks columns of this version. Run `twin db upgrade`.",
        "数据库缺少本版本所需的列。请运行 `twin db upgrade`。",
    ),
    "23P01": (
        "The rows would make two contents of one feature true at the same time. Publish a "
        "feature's key in one dataset only.",
        "这些数据会使同一要素在同一时刻有两种内容。同一要素的键只能在一个数据集中发布。",
    ),
    "23": (
        "The rows break a rule of the database (a key that is missing, doubled or out of range). "
        "Nothing was stored; the log names the rule.",
        "数据违反数据库约束(键缺失、重复或越界)。未存入任何内容;日志中有约束名称。",
    ),
    "22": (
        "A value does not fit its column (type, range or encoding). Nothing was stored; the log "
        "names the column.",
        "某个值与其列不符(类型、范围或编码)。未存入任何内容;日志中有列名。",
    ),
    "40": (
        "The database undid the operation because another one was faster. Try again.",
        "操作因与其他操作冲突而被数据库撤销。请重试。",
    ),
    "57": (
        "The database server is starting, stopping or was killed. Try again; `twin up` restarts "
        "the embedded one.",
        "数据库服务器正在启动、停止或已被终止。请重试;`twin up` 会重新启动内置数据库。",
    ),
    "08": (
        "The database cannot be reached, or the connection broke. Start it (`twin db up`) or check "
        "TWIN_DATABASE_URL.",
        "无法连接数据库,或连接中断。请启动数据库(`twin db up`)或检查 TWIN_DATABASE_URL。",
    ),
}


def translate(error: BaseException, base: Path | None = None) -> DatabaseError:
    """The sentence for a driver's error; the driver's own text goes to a log only.

    ``base`` is the folder of the embedded server, if it was one: the sentence then names the log
    with the server's own words, and a full disk or lost rights with their place.
    """
    state = getattr(error, "sqlstate", None) or ""
    if not state and _is_connection_failure(error):
        state = "08000"
    # our own server keeps its words in its log, which the sentence names
    level = logging.ERROR if base is None else logging.INFO
    LOG.log(level, "database error %s: %s", state or type(error).__name__, error)
    if base is not None:
        trouble = _with_files(state, str(error), base)
        if trouble is not None:
            return trouble
    sentence = SENTENCES.get(state) or SENTENCES.get(state[:2])
    if sentence is None:
        name = state or type(error).__name__
        sentence = (
            f"The database refused an operation (code {name}). The log has the details.",
            f"数据库拒绝了一项操作(代码 {name})。详见日志。",
        )
    kind = TooLongError if state == "57014" else DatabaseError
    if base is None:
        return kind(*sentence)
    log = base / LOG_NAME
    return kind(f"{sentence[0]} (server log: {log})", f"{sentence[1]}（服务器日志：{log}）")


def _with_files(state: str, said: str, base: Path) -> DatabaseError | None:
    """What is wrong with the server's own files, if that is what it said."""
    if state == "53100" or "No space left on device" in said:
        return DiskFullError(base)
    # where its write-ahead log found no room the server ends itself, and says so to nobody
    if state[:2] in ("08", "57") and state != "57014" and free_bytes(base) < MIN_FREE:
        return DiskFullError(base, MIN_FREE)
    # the operating system's words; a role that lacks a right is "permission denied for ..."
    if ": Permission denied" in said:
        return NotPermittedError(base)
    return None


def _is_connection_failure(error: BaseException) -> bool:
    return isinstance(
        error,
        psycopg.OperationalError | OSError | TimeoutError | asyncpg.InterfaceError,
    )


@contextmanager
def translating(source: object) -> Iterator[None]:
    """Within it driver errors become :class:`DatabaseError`; ``source``: a connection or URL."""
    try:
        yield
    except _DRIVER_ERRORS as error:
        raise translate(error, base_of(source)) from error


def translated(function: Callable[P, R]) -> Callable[P, R]:
    """Driver errors of ``function``, whose first argument is a connection or URL, translated."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with translating(args[0] if args else None):
            return function(*args, **kwargs)

    return call
