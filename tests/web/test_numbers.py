"""Numbers are written as the reader's language does, and understood as people type them."""

from __future__ import annotations

import re

import pytest

from ppi.web import numbers, reasons


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("en", ["00:12.5", "01:00.0", "1:02:03.457", "0.1", "0"]), ("ru", ["00:12,5", "01:00,0", "1:02:03,457", "0,1", "0"])],
)
def test_times_and_numbers_have_the_decimal_sign_of_the_readers_language(app, language, wanted):
    with app.test_request_context(headers={"Accept-Language": language}):
        times = [numbers.exact(12.5), numbers.exact(59.96), numbers.exact(3723.4567, 3)]
        assert [*times, numbers.shown(0.1), numbers.shown(0)] == wanted


def test_a_number_is_understood_with_a_comma_and_with_a_point():
    assert [numbers.typed(given) for given in ("0,1", "0.1", " 1 000,5 ")] == [0.1, 0.1, 1000.5]
    for given in ("", "a", "1,2,3"):
        with pytest.raises(ValueError, match="could not convert"):
            numbers.typed(given)


def test_an_interval_that_was_left_out_is_told_in_time_codes_and_other_words_as_they_are(app):
    with app.test_request_context(headers={"Accept-Language": "ru"}):
        assert reasons.detail("5.000 to 65.500 s") == "00:05,000 – 01:05,500"
        assert reasons.detail("Похвала 1.5 to go") == "Похвала 1.5 to go"


@pytest.mark.parametrize(
    ("language", "said", "none"),
    [("en", "December 31, 2026", "In your browser’s order"), ("ru", "31 декабря 2026 г.", "Порядок\u00a0— как в")],
)
def test_a_day_stands_below_its_field_in_words_of_the_page(session_for, services, language, said, none):
    services.users.set_language(services.users.by_name("admin").id, language)
    page = session_for("admin").get("/admin/audit?since=2026-12-31&until=no-day").text
    below = dict(re.findall(r'<div class="form-text" id="(since|until)-said"[^>]*>([^<]*)</div>', page))
    assert re.sub(r"\s", " ", below["since"]) == said and below["until"].startswith(none)
    assert 'id="since" name="since" value="2026-12-31" aria-describedby="since-said"' in page
