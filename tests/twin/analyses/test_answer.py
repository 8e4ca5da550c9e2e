"""Drawings and pages of answers: made when they are asked for, and once."""

from __future__ import annotations

import pytest

from twin.analyses.answer import Answer


@pytest.mark.parametrize(("name", "medium"), [("drawing", "image/svg+xml"), ("page", "text/html")])
def test_it_is_made_once_and_not_before(name: str, medium: str) -> None:
    made: list[str] = []

    def make() -> str:
        made.append(name)
        return f"<{name}/>"

    drawn, written = (make if name == own else None for own in ("drawing", "page"))
    answer = Answer({}, {}, {}, [], draw=drawn, write=written)
    assert "drawing" not in answer.as_dict() and "page" not in answer.as_dict()
    assert answer.rendered("application/json") is None
    assert made == []
    assert answer.rendered(medium) == getattr(answer, name) == f"<{name}/>"
    assert made == [name]


def test_what_an_analysis_does_not_have_is_none() -> None:
    answer = Answer({}, {}, {}, [])
    assert answer.drawing is None and answer.page is None
