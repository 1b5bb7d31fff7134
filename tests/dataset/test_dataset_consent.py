"""Consent, licence, embargo: what may be typed, what a dataset says of itself, and what may be pushed when."""

from datetime import date

import pytest

from ppi.dataset import build, consent, manifest
from ppi.errors import AccessDenied, InputError
from ppi.records import Consent
from ppi.workflows import plain_push
from tests.dataset.test_dataset_build import fake_cut

TODAY = date(2026, 11, 21)
OPEN = Consent("public", "cc-by-4.0")


@pytest.mark.parametrize(
    ("given", "message"),
    [({"state": "maybe"}, "unknown, internal, public"), ({"license": "mine"}, "cc-by-4.0"),
     ({"embargo_until": "tomorrow"}, "date such as"), ({"embargo_until": "2026-02-30"}, "date such as"),
     ({"teacher": "x" * 41}, "40 characters"), ({"teacher": "a\u202eb"}, "40 characters")],
)  # fmt: skip
def test_what_is_no_consent_is_refused_with_what_may_stand_there(given, message):
    with pytest.raises(InputError, match=message):
        consent.checked(**given)


def test_what_is_one_is_kept():
    assert consent.checked("public", "cc-by-4.0", "2027-01-31", "  T  7 ") == Consent(
        "public", "cc-by-4.0", "2027-01-31", "T 7"
    )
    assert consent.checked() == Consent("unknown", "other", "", "")


@pytest.mark.parametrize("state", ["unknown", "internal"])
def test_only_a_public_consent_goes_into_a_public_repository(state):
    with pytest.raises(AccessDenied, match=f"is “{state}”"):
        consent.check_push(Consent(state), False, TODAY)
    consent.check_push(Consent(state), True, TODAY)
    consent.check_push(OPEN, False, TODAY)


def test_an_embargo_holds_to_the_day_before():
    given = Consent("public", embargo_until="2026-11-22")
    with pytest.raises(AccessDenied, match="embargo until 2026-11-22"):
        consent.check_push(given, False, TODAY)
    consent.check_push(given, True, TODAY)
    consent.check_push(given, False, date(2026, 11, 22))


@pytest.mark.parametrize(
    "settings",
    [{}, {"consent": "yes"}, {"consent": ["public"]}, {"consent": "public", "embargo_until": "soon"},
     {"consent": "public", "embargo_until": 7}],
)  # fmt: skip
def test_a_manifest_that_says_nothing_clear_allows_nothing(settings):
    assert consent.of_settings(settings).state == "unknown"


def test_a_folder_whose_manifest_does_not_allow_it_is_not_pushed(built_dataset, monkeypatch):
    monkeypatch.setattr(plain_push.hub, "push", lambda *given, **named: f"pushed version {named['version']}")
    assert manifest.read(built_dataset.folder)["settings"]["consent"] == "unknown"
    with pytest.raises(AccessDenied, match="is “unknown”"):
        plain_push.push_folder(built_dataset.folder, "school/lesson", is_private=False)
    assert plain_push.push_folder(built_dataset.folder, "school/lesson").result == "pushed version 1"


def test_the_card_says_what_was_agreed(real_plan, tmp_path):
    given = Consent("public", "cc-by-nc-4.0", "2027-01-31")
    build.build(tmp_path / "d", real_plan, fake_cut(), None, consent=given, own_text="## Мы\n\nСняли **сами**.")
    text = (tmp_path / "d" / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-nc-4.0" in text and "agreed that it is published" in text
    assert "Nothing may be public before 2027-01-31." in text and "## Мы\n\nСняли **сами**." in text
    found = consent.of_settings(manifest.read(tmp_path / "d")["settings"])
    assert found == given
