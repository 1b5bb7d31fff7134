"""What was left out, and where it stood, in words of the reader's language."""

from __future__ import annotations

import pytest

from ppi.web import reasons


@pytest.mark.parametrize(
    ("where", "russian"),
    [("task 10, annotation 5, region r1", "задача 10, разметка 5, область r1"), ("row 7", "строка 7"), ("file", "файл"),
     ("Алгебра: task 3", "Алгебра: задача 3"), ("task my task 2, region file", "задача my task 2, область file"),
     ("pattern_4", "pattern_4")],
)  # fmt: skip
def test_the_place_of_what_was_left_out_is_told_in_the_readers_language(app, where, russian):
    with app.test_request_context(headers={"Accept-Language": "ru"}):
        assert reasons.place(where) == russian
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert reasons.place(where) == where
