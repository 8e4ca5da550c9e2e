"""Configuration files of the embedded server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from models.db.server import Account

#: Who may connect: over the socket whoever may enter its folder (0700); over loopback by password.
HBA = """\
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


def settings(socket: Path, port: int | None, extra: Mapping[str, str]) -> dict[str, str]:
    """Server settings for a machine of 2 cores and 24 GiB, scaled by the memory there is.

    A sixteenth of the memory is shared buffers, since Python workers need the rest. Bulk loads
    want few checkpoints; queries are short, so JIT costs more than it gives.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    shared = min(max(memory // 16, 64), 4096)
    base = {
        "listen_addresses": "" if port is None else "127.0.0.1",
        "port": str(port or 5432),
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(memory // 3, 256)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{min(max(memory // 48, 64), 1024)}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "100",
        "max_parallel_workers_per_gather": "1",
        "jit": "off",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "ISO, YMD",
        "lc_messages": "C",
        "log_line_prefix": "%m [%p] %u@%d ",
        "log_min_duration_statement": "5s",
        "cluster_name": "cim-twin",
    }
    return {**base, **extra}


def write(data: Path, values: Mapping[str, str], account: Account) -> None:
    """Write ``twin.conf`` and ``pg_hba.conf`` into ``data``, keeping files that are already so.

    ``postgresql.conf`` includes ``twin.conf``, so a change of ours reaches older clusters too.
    """
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
    for name, text in (
        ("twin.conf", "\n".join(lines) + "\n"),
        ("pg_hba.conf", HBA),
        ("postgresql.conf", "include 'twin.conf'\n"),
    ):
        path = data / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            if account.steps_down:
                os.chown(path, account.uid, account.gid)
            path.chmod(0o600)
