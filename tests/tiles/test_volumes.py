"""Boxes hold every vertex, also of turned instances; frames are checked."""

from __future__ import annotations

import numpy as np
import pytest

from models.geocentric import enu_frame, geodetic_to_ecef
from tiles.content import Content
from tiles.errors import ContentError
from tiles.gltf import encode
from tiles.inspect import Glb
from tiles.testing import box_content, id_column, instanced, random_boxes
from tiles.volumes import column_major, content_box, grown, oriented, to_ecef, union


def test_box_is_that_of_the_vertices() -> None:
    boxes = random_boxes(30)
    box = content_box(box_content(boxes))
    assert box.tolist() == [*boxes[:, :3].min(axis=0), *boxes[:, 3:].max(axis=0)]
    assert union([box, box + 1]).tolist() == [*box[:3], *(box[3:] + 1)]


def test_grown_box_holds_what_a_client_decodes() -> None:
    for content in (
        box_content(random_boxes(30, side=500)),
        Content("manhole", [id_column(20)], (), [instanced(20)]),
    ):
        box = grown(content_box(content))
        points = np.concatenate([part.positions for part in Glb(encode(content)).parts()])
        assert (points >= box[:3]).all()
        assert (points <= box[3:]).all()


def test_twelve_numbers() -> None:
    numbers = oriented(np.array([0, 0, 0, 2, 4, 7.001]))
    assert numbers == [1, 2, 3.5005, 1, 0, 0, 0, 2, 0, 0, 0, 3.5005]


def test_frame_takes_enu_to_ecef() -> None:
    frame = np.asarray(enu_frame(121.2264, 30.9869, 15.0), dtype=np.float64)
    up = to_ecef(frame, np.array([[0, 0, 0], [0, 0, 100.0]]))
    assert up[1] == pytest.approx(geodetic_to_ecef(121.2264, 30.9869, 115.0).ravel(), abs=1e-6)
    assert np.array_equal(np.array(column_major(frame)).reshape(4, 4).T, frame)


@pytest.mark.parametrize("spoil", [np.diag([2.0, 1, 1, 1]), np.diag([-1.0, 1, 1, 1])])
def test_a_frame_that_scales_or_mirrors_is_refused(spoil: np.ndarray) -> None:
    with pytest.raises(ContentError, match="rigid"):
        column_major(spoil)


def test_no_vertex_no_box() -> None:
    with pytest.raises(ContentError, match="no vertex"):
        content_box(Content("row", [id_column(1)]))
