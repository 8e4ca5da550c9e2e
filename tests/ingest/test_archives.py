"""Deliveries as folders and ZIP archives."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.archives import ArchiveLimits, extract, opened
from ingest.errors import RefusedError
from models.findings import Finding

SAMPLES = Path(__file__).resolve().parents[2] / "data-samples"
Member = tuple[str | zipfile.ZipInfo, bytes]


def pack(path: Path, *members: Member, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return path


def info(name: str, **more: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def refused(path: Path, limits: ArchiveLimits | None = None) -> list[Finding]:
    with pytest.raises(RefusedError) as caught:
        extract(path, path.parent / "out", limits or ArchiveLimits())
    for finding in caught.value.findings:
        assert finding.place.file == path.name
        assert finding.found
        assert finding.expected
        assert finding.zh.endswith("。")
        assert finding.en.endswith(".")
    return list(caught.value.findings)


def names(folder: Path, files: list[Path]) -> list[str]:
    return [f.relative_to(folder).as_posix() for f in files]


def test_a_delivery_comes_out_as_it_went_in(tmp_path: Path) -> None:
    sources = sorted((SAMPLES / "qianwan" / "pipes").iterdir())
    archive = pack(
        tmp_path / "交付.zip", *((f"前湾/管线/{p.name}", p.read_bytes()) for p in sources)
    )
    with opened([archive]) as (files, findings):
        assert not findings
        assert [f.read_bytes() for f in files] == [p.read_bytes() for p in sources]
        folder = files[0].parent
        assert folder.is_dir()
    assert not folder.exists()


NAMES = st.text(
    st.characters(categories=("L", "N"), include_characters=" -."), min_size=1, max_size=20
).filter(lambda t: t.strip(".") == t and not t.startswith("~$"))
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.binary(max_size=200),
    min_size=1,
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(tree=TREES)
def test_any_tree_comes_out_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]
) -> None:
    here = tmp_path_factory.mktemp("tree")
    archive = pack(here / "d.zip", *tree.items())
    with opened([archive]) as (files, findings):
        if not findings:
            assert sorted(f.read_bytes() for f in files) == sorted(tree.values())
        else:
            assert not files or all(f.code == "ARC-05" for f in findings)
            assert {f.code for f in findings} <= {"ARC-05", "ARC-06"}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_chinese_names_without_the_flag(tmp_path: Path, encoding: str) -> None:
    wanted = "雨水/点表①.csv"
    raw = wanted.encode(encoding)
    archive = pack(tmp_path / "d.zip", ("x" * len(raw), b"1"))
    archive.write_bytes(archive.read_bytes().replace(b"x" * len(raw), raw))
    folder = tmp_path / "out"
    assert names(folder, extract(archive, folder)[0]) == [wanted]


def test_a_gb18030_letter_may_hold_a_backslash(tmp_path: Path) -> None:
    wanted = "誠信.csv"  # its first letter is D5 5C
    raw = wanted.encode("gb18030")
    assert b"\\" in raw
    archive = pack(tmp_path / "d.zip", ("x" * len(raw), b"1"))
    archive.write_bytes(archive.read_bytes().replace(b"x" * len(raw), raw))
    folder = tmp_path / "out"
    assert names(folder, extract(archive, folder)[0]) == [wanted]


def test_windows_separators(tmp_path: Path) -> None:
    archive = pack(tmp_path / "d.zip", ("管线\\点表.csv", b"1"))
    folder = tmp_path / "out"
    assert names(folder, extract(archive, folder)[0]) == ["管线/点表.csv"]


@pytest.mark.parametrize(
    "name",
    ["../out.csv", "a/../../out.csv", "/etc/out.csv", "..\\out.csv", "C:\\out.csv", "C:out.csv",
     "//host/out.csv", "a/./b.csv", "a\x07.csv", "好" * 100 + ".csv", ".."],
)  # fmt: skip
def test_names_that_are_not_safe(tmp_path: Path, name: str) -> None:
    archive = pack(tmp_path / "d.zip", ("good.csv", b"1"), (name, b"1"))
    assert [f.code for f in refused(archive)] == ["ARC-03"]
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "out").exists()


def test_links_and_devices(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "d.zip",
        (info("link", create_system=3, external_attr=0o120777 << 16), b"/etc/passwd"),
        (info("pipe", create_system=3, external_attr=0o010644 << 16), b""),
    )
    found = refused(archive)
    assert [f.code for f in found] == ["ARC-03", "ARC-03"]
    assert found[0].found == "link"


def test_encrypted(tmp_path: Path) -> None:
    archive = pack(tmp_path / "d.zip", ("a.csv", b"12345"))
    body = bytearray(archive.read_bytes())
    body[6] |= 1  # the flag in the local header, and in the directory
    body[body.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(body)
    assert [f.code for f in refused(archive)] == ["ARC-04"]


def test_an_archive_inside_is_left_out_and_told(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", ("b.csv", b"1")).read_bytes()
    archive = pack(tmp_path / "d.zip", ("a.csv", b"1"), ("x/inner.zip", inner), ("c.RAR", b"Rar!"))
    folder = tmp_path / "out"
    files, findings = extract(archive, folder)
    assert names(folder, files) == ["a.csv"]
    assert [(f.code, f.place.element) for f in findings] == [
        ("ARC-05", "x/inner.zip"),
        ("ARC-05", "c.RAR"),
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a/点.csv", "A/点.CSV", "a", "a/点.csv/b.csv"])
def test_names_twice(tmp_path: Path, second: str) -> None:
    archive = pack(tmp_path / "d.zip", ("a/点.csv", b"1"), (second, b"2"))
    assert {f.code for f in refused(archive)} == {"ARC-06"}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    archive = pack(tmp_path / "d.zip", ("../a", b""), ("/b", b""), ("c" * 300, b""))
    assert len(refused(archive)) == 3


@pytest.mark.parametrize(
    "limits",
    [ArchiveLimits(size=999), ArchiveLimits(count=1), ArchiveLimits(depth=1),
     ArchiveLimits(ratio=5, ratio_from=500)],
)  # fmt: skip
def test_limits(tmp_path: Path, limits: ArchiveLimits) -> None:
    archive = pack(tmp_path / "d.zip", ("a/b/c.csv", bytes(1000)), ("d.csv", b"1"))
    assert {f.code for f in refused(archive, limits)} == {"ARC-02"}
    assert len(extract(archive, tmp_path / "fits", ArchiveLimits())[0]) == 2


def test_a_member_that_is_longer_than_it_says(tmp_path: Path) -> None:
    archive = pack(tmp_path / "d.zip", ("a.csv", b"x" * 100_000))
    body = archive.read_bytes().replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    archive.write_bytes(body)
    assert [f.code for f in refused(archive)] == ["ARC-01"]
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) <= 10


def test_a_directory_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "d.zip"
    with path.open("wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.truncate(3 << 30)  # sparse
        stream.seek(0, 2)
        end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 3 << 30, 4, 0)
        stream.write(end)
    assert [f.code for f in refused(path)] == ["ARC-02"]


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def flipped(body: bytes) -> bytes:
    at = body.index(b"a.csv") + 6
    return body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]


@pytest.mark.parametrize("harm", [half, flipped])
def test_damaged(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    archive = pack(tmp_path / "d.zip", ("a.csv", bytes(range(256)) * 40))
    archive.write_bytes(harm(archive.read_bytes()))
    assert [f.code for f in refused(archive)] == ["ARC-01"]
    with opened([archive]) as (files, findings):
        assert (files, [f.code for f in findings]) == ([], ["ARC-01"])


def test_other_compression(tmp_path: Path) -> None:
    archive = pack(tmp_path / "d.zip", ("a.csv", b"1" * 100), method=zipfile.ZIP_LZMA)
    assert [f.code for f in refused(archive)] == ["ARC-07"]


def test_folders_stand_for_what_is_in_and_below_them(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("b.csv", "deep/a.csv", "~$b.xlsx", ".DS_Store"):
        (tmp_path / "in" / name).write_text("1")
    (tmp_path / "outside").write_text("secret")
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "outside")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    pack(tmp_path / "in" / "c.zip", ("__MACOSX/._d.csv", b""), ("d.csv", b"1"))
    with opened([tmp_path / "in", tmp_path / "absent.csv"]) as (files, findings):
        assert not findings
        assert [PurePosixPath(f).name for f in files] == ["b.csv", "d.csv", "a.csv", "absent.csv"]


def test_nothing_to_deliver_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bare" / "__MACOSX").mkdir(parents=True)
    archive = pack(tmp_path / "bare.zip", ("__MACOSX/._d.csv", b""))
    with opened([tmp_path / "bare", archive]) as (files, findings):
        assert not files
        assert [(f.code, f.place.file) for f in findings] == [
            ("STR-00", "bare"),
            ("STR-00", "bare.zip"),
        ]
        assert all("no files" in f.en and "没有任何文件" in f.zh for f in findings)


def test_documents_that_are_zips_stay_whole() -> None:
    book = SAMPLES / "songjiang-hub" / "pipes.xlsx"
    with opened([book]) as (files, findings):
        assert (files, findings) == ([book], [])
