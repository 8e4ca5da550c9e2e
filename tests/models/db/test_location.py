from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.location import SOCKET_LIMIT, SOCKET_NAME
from models.db.testing import ask
from models.errors import DatabaseError

ROOT = os.geteuid() == 0
Maker = Callable[..., EmbeddedPostgres]


def test_a_long_path_gets_a_short_socket(make: Maker, short_folder: Path) -> None:
    own = short_folder / ("long" * 20) / ("longer" * 10)
    cluster = make(own)
    assert ask(cluster.ensure(), "SELECT 1") == 1
    assert len(os.fsencode(cluster.socket / SOCKET_NAME)) <= SOCKET_LIMIT
    assert cluster.data.is_relative_to(own)
    runtime = cluster.socket
    cluster.stop()
    assert not runtime.exists()
    assert ask(cluster.ensure(), "SELECT 1") == 1


def test_a_path_with_spaces_and_chinese_letters_works(make: Maker) -> None:
    assert ask(make("我的 孪生'%").ensure(), "SELECT 1") == 1


def test_a_home_that_the_server_may_not_enter_keeps_its_data_elsewhere(
    make: Maker, short_folder: Path
) -> None:
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700, exist_ok=True)
    cluster = make(closed / "home")
    url = cluster.ensure()
    assert ask(url, "SELECT 1") == 1
    if not ROOT:  # the server runs as us, who may enter
        assert cluster.data.is_relative_to(closed)
        return
    assert cluster.data.is_relative_to(short_folder / "elsewhere")
    assert Path((closed / "home" / "pg.location").read_text().strip()) == cluster.data.parent
    assert EmbeddedPostgres(closed / "home").ensure() == url


def test_a_file_in_the_way_gives_one_clear_line(short_folder: Path) -> None:
    file = short_folder / "file"
    file.write_text("")
    with pytest.raises(DatabaseError, match="a file of that name is in the way") as caught:
        EmbeddedPostgres(file).ensure()
    assert "\n" not in str(caught.value)
    assert "同名文件" in caught.value.zh


def test_a_home_that_may_not_be_written_gives_one_clear_line() -> None:
    # not even root makes folders in sysfs
    with pytest.raises(DatabaseError, match="cannot be written") as caught:
        EmbeddedPostgres(Path("/sys/twin-home")).ensure()
    assert "\n" not in str(caught.value)
    assert "无法写入" in caught.value.zh


def test_a_full_disk_gives_one_clear_line(short_folder: Path) -> None:
    cluster = EmbeddedPostgres(short_folder / "full", min_free=1 << 60)
    with pytest.raises(DatabaseError, match="is full: ") as caught:
        cluster.ensure()
    assert "磁盘已满" in caught.value.zh
