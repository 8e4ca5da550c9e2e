"""Original files over HTTP: to anyone, by right, or not at all."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.twin.api.conftest import TWIN, Catalogue
from twin.api.originals import disposition
from twin.client import Client, ClientError
from twin.rights import Right, RightsKey


def files(catalogue: Catalogue, name: str) -> list[dict[str, Any]]:
    record = catalogue.records()[name]
    return [f for d in record["properties"]["lineage"]["deliveries"] for f in d["files"]]


def link(catalogue: Catalogue, name: str, *more: str) -> dict[str, Any]:
    made: dict[str, Any] = catalogue.program.json(
        "datasets", "link", name, "--twin", TWIN, "--base-url", catalogue.url, *more
    )
    return made


def address(catalogue: Catalogue, name: str) -> str:
    return f"{catalogue.url}/twins/{TWIN}/originals/{files(catalogue, name)[0]['id']}"


def test_files_of_an_open_dataset_are_for_anyone(catalogue: Catalogue) -> None:
    record = catalogue.records()["建筑 A"]
    (enclosure,) = [one for one in record["links"] if one["rel"] == "enclosure"]
    answer = httpx.get(enclosure["href"])
    assert answer.content == catalogue.files["second"].read_bytes()
    assert enclosure["length"] == len(answer.content)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["etag"] == f'"{digest}"'


def test_a_chinese_name_arrives(catalogue: Catalogue) -> None:
    (first,) = [f for f in files(catalogue, "建筑 A") if f["name"].startswith("浦东")][:1]
    given = httpx.get(first["href"]).headers["content-disposition"]
    encoded = re.search(r"filename\*=UTF-8''(\S+)$", given)
    assert encoded is not None
    assert unquote(encoded[1]) == "浦东 建筑.geojson"
    plain = re.search(r'filename="([^"]+)"', given)
    assert plain is not None
    assert plain[1].isascii()


@pytest.mark.parametrize(
    "name", ['a"b\\c.csv', "x\r\nSet-Cookie: a.csv", "交付/点表.csv", "%41.csv"]
)
def test_a_name_cannot_leave_its_header(name: str) -> None:
    given = disposition(name)
    assert given.isascii()
    assert given.isprintable()
    assert given.count('"') == 2
    assert unquote(given.split("''")[1]) == name.split("/")[-1]


def test_ranges_and_validators(catalogue: Catalogue) -> None:
    url = files(catalogue, "建筑 A")[0]["href"]
    data = catalogue.files["second"].read_bytes()
    part = httpx.get(url, headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == data[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    tag = part.headers["etag"]
    resumed = httpx.get(url, headers={"Range": "bytes=100-", "If-Range": tag})
    assert resumed.content == data[100:]
    other = httpx.get(url, headers={"Range": "bytes=100-", "If-Range": '"other"'})
    assert other.content == data
    assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert httpx.get(url, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    head = httpx.head(url)
    assert head.headers["content-length"] == str(len(data))
    assert not head.content


def test_a_restricted_file_needs_a_right(catalogue: Catalogue) -> None:
    assert all("href" not in file for file in files(catalogue, "管线"))
    bare = address(catalogue, "管线")
    refused = httpx.get(bare)
    assert refused.status_code == 404
    nowhere = httpx.get(
        f"{catalogue.url}/twins/{TWIN}/originals/{'0' * 8}-0000-0000-0000-{'0' * 12}"
    )
    assert nowhere.status_code == 404
    assert refused.json()["detail"] == nowhere.json()["detail"]
    made = link(catalogue, "管线", "--to", "某设计院")
    (file,) = made["files"]
    answer = httpx.get(file["href"])
    assert answer.content == catalogue.files["archive"].read_bytes()
    assert "private" in answer.headers["cache-control"]
    bearer = httpx.get(bare, headers={"Authorization": f"Bearer {made['right']}"})
    assert bearer.content == answer.content
    listed = httpx.get(made["list"]).json()["files"]
    assert [one["name"] for one in listed] == ["竣工管线.zip"]
    assert httpx.get(listed[0]["href"]).status_code == 200
    assert httpx.get(made["list"].split("?")[0]).status_code == 404


def test_an_organisation_has_its_own_files(catalogue: Catalogue) -> None:
    bare = address(catalogue, "管线")
    status = []
    for whose in ("管线公司", "测绘院"):
        given = catalogue.program.json("datasets", "grant", whose, "--twin", TWIN)
        assert given["organisation"] == whose
        header = {"Authorization": f"Bearer {given['right']}"}
        status.append(httpx.get(bare, headers=header).status_code)
        listed = httpx.get(
            f"{catalogue.url}/twins/{TWIN}/datasets/{catalogue.records()['管线']['id']}/originals",
            headers=header,
        )
        status.append(listed.status_code)
    assert status == [200, 200, 404, 404]
    refused = catalogue.program.run("datasets", "grant", "路人", "--twin", TWIN)
    assert refused.returncode == 2
    assert "管线公司" in refused.stderr


def test_rights_that_are_no_rights(catalogue: Catalogue) -> None:
    bare = address(catalogue, "管线")
    token = link(catalogue, "管线")["right"]
    body, seal = token.split(".")
    key = RightsKey(catalogue.program.home / "originals.key")
    dataset = catalogue.records()["管线"]["id"]
    other = catalogue.records()["建筑 A"]["id"]
    soon = int(time.time()) + 3600
    stranger = RightsKey(catalogue.program.home / "another.key")
    wrong = [
        "",
        "x",
        f"{body}.",
        f"{body}.{seal[:-4]}AAAA",
        f"{body[:-2]}AA.{seal}",
        key.sign(Right(TWIN, dataset, int(time.time()) - 1, "late")),
        key.sign(Right("songjiang-hub", dataset, soon, "elsewhere")),
        key.sign(Right(TWIN, other, soon, "another dataset")),
        stranger.sign(Right(TWIN, dataset, soon, "forged")),
    ]
    assert [httpx.get(bare, params={"right": one}).status_code for one in wrong] == [404] * 9
    assert httpx.get(bare, params={"right": token}).status_code == 200


def test_what_was_not_kept_is_not_there(catalogue: Catalogue) -> None:
    assert httpx.get(address(catalogue, "south")).status_code == 404
    ended = catalogue.program.run("datasets", "link", "south", "--twin", TWIN)
    assert ended.returncode == 2
    assert "No original" in ended.stderr


def test_the_client_saves_whole_files(catalogue: Catalogue, tmp_path: Path) -> None:
    city = Client(catalogue.url)
    assert len(city.datasets(TWIN)) == 4
    (record,) = city.datasets(TWIN, q="地下管线")
    (saved,) = city.download(TWIN, "建筑 A", tmp_path)
    assert saved.read_bytes() == catalogue.files["second"].read_bytes()
    with pytest.raises(ClientError, match="not yours"):
        city.download(TWIN, "管线", tmp_path)
    right = link(catalogue, "管线")["right"]
    (archive,) = city.download(TWIN, record["id"], tmp_path, right=right)
    assert archive.name == "竣工管线.zip"
    assert archive.read_bytes() == catalogue.files["archive"].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["buildings-2.geojson", "竣工管线.zip"]


@pytest.mark.parametrize("below", ["file", "file/further"])
def test_the_client_says_where_nothing_can_be_saved(
    catalogue: Catalogue, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ClientError, match="cannot be saved") as caught:
        Client(catalogue.url).download(TWIN, "建筑 A", tmp_path / below)
    assert str(tmp_path / below) in caught.value.en
    assert "无法保存" in caught.value.zh
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
