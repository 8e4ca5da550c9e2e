"""What delivered files go by."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.kept_layer import names_of


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/x.las", "b/y.las"], ["x.las", "y.las"]),
        (["a/x.las", "b/x.las", "b/y.las"], ["a/x.las", "b/x.las", "y.las"]),
        (["A/Data/m.obj", "B/Data/m.obj", "C/m.obj"], ["A/Data/m.obj", "B/Data/m.obj", "C/m.obj"]),
        (["x.las", "a/x.las", "a/x.las"], ["x.las", "a/x.las", "a/x.las"]),
    ],
)
def test_folders_tell_files_of_one_name_apart(paths: list[str], names: list[str]) -> None:
    assert names_of([Path(path) for path in paths]) == names


_PATH = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(lambda parts: Path(*parts))


@given(st.lists(_PATH, max_size=12))
def test_no_two_files_have_one_name(paths: list[Path]) -> None:
    names = names_of(paths)
    assert len(set(zip(paths, names, strict=True))) == len(set(paths)) == len(set(names))
    for path, name in zip(paths, names, strict=True):
        assert PurePosixPath(path).parts[-len(name.split("/")) :] == tuple(name.split("/"))
