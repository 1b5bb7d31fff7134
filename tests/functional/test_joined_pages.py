"""The pages of a dataset joined of several lessons: versions compared, the card's editor, what the check found, agreement."""

# ruff: noqa: F811  (fixtures of another module)
from __future__ import annotations

import gzip
import json
import re

import pytest

from ppi.dataset.layout import REPORT
from ppi.storage import keys
from ppi.workflows import cards, joined, stored_datasets, withdraw
from tests.functional.stored import work_off
from tests.functional.test_joined_datasets import join, lesson, services  # noqa: F401  (two are fixtures)


@pytest.fixture
def admin(client_for):
    return client_for("admin")


@pytest.fixture
def session(session_for):
    """The administrator's browser without scripts."""
    return session_for("admin")


def kept_rows(services, found) -> dict[str, list[dict]]:
    """By the name of its file, the rows of every version that is kept."""
    prefix = keys.joined_rows(found.id)
    texts = {
        item.key.removeprefix(prefix): gzip.decompress(b"".join(services.store.read(services.final, item.key))).decode()
        for item in services.store.list(services.final, prefix)
    }
    return {name: [json.loads(line) for line in text.split("\n") if line] for name, text in texts.items()}


def test_versions_are_compared_on_their_page_and_keep_no_word_of_a_lesson_that_leaves(
    services, lesson, admin, session, client_for
):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    found = join(services, [*rows, lesson("В")], joined_id=found.id)
    address = f"/datasets/{found.id}/versions"
    told = admin.get(f"{address}?before=1&after=2").json
    assert told["versions"] == [2, 1] and [change["kind"] for change in told["changes"]] == ["added"] * 3
    back = admin.get(f"{address}?before=2&after=1").json["changes"]
    assert [change["kind"] for change in back] == ["removed"] * 3
    page = session.get(f"{address}?before=1&after=2").text
    assert "added: 3" in page and 'aria-current="page">Versions' in page
    assert client_for("boris").get(address).status_code == 404

    assert work_off(services, withdraw.request_withdraw(services, rows[1], name="Б").id).status == "completed"
    found = joined.get(services, found.id)
    gone = admin.get(f"{address}?before=2&after=3").json["changes"]
    assert [change["kind"] for change in gone] == ["removed"] * 3, "the others did not change"
    told = kept_rows(services, found)
    assert sorted(told) == ["v1.jsonl.gz", "v2.jsonl.gz", "v3.jsonl.gz"]
    spoken = {"text", "words", "comments", "choices", "speakers", "teacher"}
    assert all(not spoken & row.keys() and len(row["sums"]["text"]) == 32 for rows in told.values() for row in rows)
    joined.remove(services, found)
    assert kept_rows(services, found) == {}


def test_the_card_is_edited_on_its_page_and_its_words_come_back_with_every_build(services, lesson, admin, client_for):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    page, save = f"/datasets/{found.id}/card", f"/api/datasets/{found.id}/card"
    words = {"text": "Мы снимали **две недели**.", "language": "ru"}
    seen = admin.post(f"{save}/preview", json=words).json
    assert "<strong>две недели</strong>" in seen["html"] and cards.own_text(services, joined.get(services, found.id)) == ""
    assert admin.post(save, json=words).json["card"] == seen["card"] and "## Согласие и лицензия" in seen["card"]
    shown = admin.get(page, headers={"Accept": "text/html"}).text
    assert ">Мы снимали **две недели**.</textarea>" in shown and '<option value="ru" selected>' in shown
    assert "kept with the joined dataset" in shown

    found = join(services, [*rows, lesson("В")], joined_id=found.id, language="ru")
    card = stored_datasets.text_of(services, found.prefix + "README.md")
    assert "две недели" in card and "Клипы из 3 уроков" in card
    assert client_for("boris").post(save, json=words).status_code == client_for("boris").get(page).status_code == 404
    services.ledger.submit("join", found.owner_id, found.id, {})
    assert admin.post(save, json=words).status_code == 409, "a build is under way"


def test_the_card_is_edited_without_a_script(session, services, lesson):
    found = join(services, [lesson("А")])
    page = session.get(f"/datasets/{found.id}/card").text
    form = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1], "text": "Слова", "language": "en",
            "back": f"/datasets/{found.id}/card"}  # fmt: skip
    answer = session.post(f"/api/datasets/{found.id}/card", data=form, headers={"Accept": "text/html"})
    assert answer.status_code == 302 and answer.headers["Location"] == form["back"]
    assert cards.own_text(services, joined.get(services, found.id)) == "Слова"


def test_the_overview_says_what_the_check_found_and_leads_to_every_other_page(services, lesson, session):
    found = join(services, [lesson("А"), lesson("Б")])
    page = session.get(f"/joined/{found.id}")
    assert 'id="left-out"' in page.text and "Not in the table of patterns:" in page.text
    assert "What the check found" in page.text and "of 2 lessons." in page.text and 'id="ready"' in page.text
    for name in ("samples", "figures", "card", "versions"):
        address = f"/datasets/{found.id}/{name}"
        assert f'href="{address}"' in page.text and session.get(address).status_code == 200
    russian = session.get(f"/joined/{found.id}", headers={"Accept-Language": "ru"}).text
    assert re.search(r"\d,\d\sс в 2 уроках\.", russian)


def test_the_figures_tell_the_mean_agreement_of_the_lessons_that_have_it(services, lesson, session):
    found = join(services, [lesson("А"), lesson("Б")])
    report = json.loads(stored_datasets.text_of(services, found.prefix + REPORT))
    each = [
        {"lesson": name, "annotators": 2, "step_s": 0.1,
         "patterns": [{"pattern": "Похвала", "kappa": kappa, "alpha": None, "f1": 0.5}]}
        for name, kappa in (("А", 0.2), ("Б", 0.6))
    ]  # fmt: skip
    report["card"]["agreement"] = {"lessons": each}
    stored_datasets.put_bytes(services, found.prefix + REPORT, json.dumps(report).encode(), found.metadata)
    page = session.get(f"/datasets/{found.id}/figures")
    assert page.status_code == 200 and "several annotators: 2 of 2" in page.text
    assert "Kappa 0.4" in page.text and "F1 0.5" in page.text
