"""Driver errors, translated once into sentences that a user can act on.

Database text never leaves this module except into the log: it may hold values, host names or
passwords.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import psycopg

from models.errors import DatabaseError

LOG: Final = logging.getLogger(__name__)


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


def translate(error: BaseException) -> DatabaseError:
    """The sentence for a driver's error; the driver's own text goes to the log only."""
    state = getattr(error, "sqlstate", None) or ""
    if not state and _is_connection_failure(error):
        state = "08000"
    LOG.error("database error %s: %s", state or type(error).__name__, error)
    sentence = SENTENCES.get(state) or SENTENCES.get(state[:2])
    if sentence is None:
        name = state or type(error).__name__
        sentence = (
            f"The database refused an operation (code {name}). The log has the details.",
            f"数据库拒绝了一项操作(代码 {name})。详见日志。",
        )
    return DatabaseError(*sentence)


def _is_connection_failure(error: BaseException) -> bool:
    return isinstance(
        error,
        psycopg.OperationalError | OSError | TimeoutError | asyncpg.InterfaceError,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Within it (or in a function it decorates) driver errors become :class:`DatabaseError`."""
    try:
        yield
    except (psycopg.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translate(error) from error
