"""A built dataset looked through: samples and their filters, figures with tables, the card's editor, versions compared."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import asdict

import pytest

from ppi.dataset import changes
from ppi.dataset.layout import CHANGES, METADATA, REPORT
from ppi.storage import keys
from ppi.workflows import about_lesson, joined, versions
from ppi.workflows.about_lesson import dataset_prefix


@pytest.fixture
def lesson(lesson_with_dataset):
    return lesson_with_dataset


@pytest.fixture
def session(session_for):
    """Anna's browser without scripts."""
    return session_for("anna")


def rows_of(services, lesson) -> list[dict]:
    return [json.loads(line) for line in stored(services, lesson, METADATA).split("\n") if line]


def stored(services, lesson, name: str) -> str:
    return b"".join(services.store.read(services.final, dataset_prefix(lesson) + name)).decode()


def put(services, lesson, name: str, text: str) -> None:
    services.store.put_bytes(services.final, dataset_prefix(lesson) + name, text.encode())


def shown(client, lesson, **asked) -> list[str]:
    """The samples of both pages that this dataset fills at most."""
    found: list[str] = []
    for number in (1, 2):
        page = client.get(f"/datasets/{lesson.id}/samples", query_string={**asked, "page": number}).text
        found += [name for name in re.findall(r'<li id="(pattern_\d+)">', page) if name not in found]
    return found


def put_rows(services, lesson, rows: list[dict]) -> None:
    put(services, lesson, METADATA, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def test_every_filter_shows_the_samples_that_fit_and_no_others(anna, services, lesson):
    rows = rows_of(services, lesson)
    every = shown(anna, lesson)
    assert every == [row["id"] for row in rows]
    one = rows[0]
    for name, value in (("pattern", one["patterns"][0]["type"]), ("annotator", one["annotator"]), ("split", one["split"])):
        wanted = [
            row["id"] for row in rows
            if value in ([pattern["type"] for pattern in row["patterns"]] if name == "pattern" else [row[name]])
        ]  # fmt: skip
        assert shown(anna, lesson, **{name: value}) == wanted
    assert shown(anna, lesson, text="МОЛОДЕЦ") == [row["id"] for row in rows if "молодец" in row["text"].casefold()] != []
    lengths = {row["id"]: row["end_time"] - row["start_time"] for row in rows}
    middle = sorted(lengths.values())[len(lengths) // 2]
    assert shown(anna, lesson, shortest=middle) == [name for name, length in lengths.items() if length >= middle]
    assert shown(anna, lesson, longest=middle) == [name for name, length in lengths.items() if length <= middle]
    assert shown(anna, lesson, annotator="nobody") == []


def test_samples_are_found_by_what_the_check_said_and_say_it(anna, services, lesson):
    report = json.loads(stored(services, lesson, REPORT))
    noted = {finding["where"] for finding in report["findings"] if finding["where"].startswith("pattern_")}
    every = [row["id"] for row in rows_of(services, lesson)]
    assert noted and shown(anna, lesson, check="anything") == [name for name in every if name in noted]
    assert shown(anna, lesson, check="nothing") == [name for name in every if name not in noted]
    page = anna.get(f"/datasets/{lesson.id}/samples?check=anything").text
    assert page.count('class="found"') >= len(noted)


def test_hours_that_an_earlier_version_kept_as_numbers_are_told_in_the_readers_language(anna, services, lesson):
    report = json.loads(stored(services, lesson, REPORT))
    (now,) = [one for one in report["findings"] if one["check"] == "hours"]
    old = now | {
        "template": "The clips last {clips_h} h together and cover {marked_h} h of {lessons} lesson(s).",
        "values": {"clips_h": 1.253, "marked_h": 0.018, "lessons": 1},
    }  # fmt: skip
    put(services, lesson, REPORT, json.dumps(report | {"findings": [old if one is now else one for one in report["findings"]]}))
    page = anna.get(f"/publish?lesson={lesson.id}", headers={"Accept-Language": "ru"}).text.replace("\xa0", " ")
    assert "The clips last" not in page and "1 ч 15 мин" in page and "1 мин 5 с" in page


def test_many_samples_come_in_pages_with_the_filter_kept_and_pictures_come_late(anna, services, lesson):
    (first, *_) = rows_of(services, lesson)
    put_rows(services, lesson, [{**first, "id": f"pattern_{number}", "text": "слово " * 40} for number in range(1, 301)])
    page = anna.get(f"/datasets/{lesson.id}/samples?split=train&text=слово").text
    assert page.count('<li id="pattern_') == 18 == page.count('loading="lazy"')
    assert len(page.encode()) < 45_000
    following = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert "split=train" in following and '<li id="pattern_19">' in anna.get(following).text
    assert '<li id="pattern_300">' in anna.get(f"/datasets/{lesson.id}/samples?page=999").text


def test_a_clip_is_a_link_that_works_without_a_script(anna, lesson):
    page = anna.get(f"/datasets/{lesson.id}/samples").text
    link = re.search(r'<a class="clip" href="([^"]+)"[^>]+aria-label="Play pattern_1, ', page)[1].replace("&amp;", "&")
    assert anna.get(link).data[4:8] == b"ftyp"


def test_figures_are_pictures_with_a_title_a_description_and_the_same_numbers_in_a_table(anna, services, lesson):
    rows = rows_of(services, lesson)
    for language in ("en", "ru"):
        services.users.set_language(lesson.owner_id, language)
        look_at_figures(anna.get(f"/datasets/{lesson.id}/figures").text, rows)


def test_a_pattern_has_the_colour_of_its_place_in_the_table_in_every_figure(anna, services, lesson):
    names = sorted({pattern["type"] for row in rows_of(services, lesson) for pattern in row["patterns"]}, reverse=True)
    report = json.loads(stored(services, lesson, REPORT))
    assert sorted(report["colours"]) == sorted(names), "the build notes which colours there are"
    put(services, lesson, REPORT, json.dumps({**report, "colours": ["somebody's else", *names]}))
    page = anna.get(f"/datasets/{lesson.id}/figures").text
    for place, name in enumerate(names, 2):
        paint, shown = re.escape(f'<rect fill="var(--ppi-lane-{place})"'), re.escape(name)
        bars = re.findall(rf'>{shown}</text><text[^>]*>[^<]*</text><rect class="ground"[^>]*/>{paint}', page)
        assert len(bars) == 2, "by count and by time"
        assert re.search(rf'{paint} width="1" height="1"/></svg>{shown}</li>', page), "of the timeline"


def look_at_figures(page: str, rows: list[dict]) -> None:
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) >= 4
    for figure in figures:
        svg = ET.fromstring(re.search(r"<svg role=.*?</svg>(?=\s*<(?:ul|figcaption|details))", figure, re.DOTALL)[0])
        title, about = svg.get("aria-labelledby").split()
        assert svg.find("title").get("id") == title and svg.find("title").text
        assert svg.find("desc").get("id") == about and svg.find("desc").text
        assert "<table" in figure and "<caption" in figure
    assert not re.search(r"style=|<style", page)
    counts = {pattern["type"] for row in rows for pattern in row["patterns"]}
    assert all(name in figures[0] for name in counts)
    assert sum(map(int, re.findall(r'text-end">(\d+)</td></tr>', figures[2]))) == len(rows)


def test_a_dataset_of_thousands_of_samples_has_figures_of_the_same_size(anna, services, lesson):
    (first, *_) = rows_of(services, lesson)
    rows = [{**first, "id": f"pattern_{n}", "start_time": n * 1.0, "end_time": n + 0.7} for n in range(4_000)]
    put_rows(services, lesson, rows)
    assert len(anna.get(f"/datasets/{lesson.id}/figures").text.encode()) < 40_000


def test_the_card_is_previewed_as_it_will_be_saved_and_nothing_is_kept_by_that(anna, services, lesson):
    put_card_of_now(anna, lesson)
    before = stored(services, lesson, "README.md")
    given = {"text": "Мы снимали **в мае**. <script>x</script>", "language": "ru"}
    seen = anna.post(f"/api/datasets/{lesson.id}/card/preview", json=given).json
    assert "<strong>в мае</strong>" in seen["html"] and "<script" not in seen["html"] and "Согласие" in seen["html"]
    assert stored(services, lesson, "README.md") == before and about_lesson.own_text(services, lesson) == ""
    assert anna.post(f"/api/datasets/{lesson.id}/card", json=given).json["card"] == seen["card"]
    page = anna.get(f"/datasets/{lesson.id}/card").text
    assert '<option value="ru" selected>' in page and "<strong>в мае</strong>" in page and "<script>x" not in page


def put_card_of_now(anna, lesson) -> None:
    """Let the stored card say what is recorded, as it does after a build."""
    assert anna.post(f"/api/datasets/{lesson.id}/card", json={"text": "", "language": "en"}).status_code == 200


def test_without_a_script_the_preview_is_a_page_with_the_words_still_in_the_field(session, services, lesson):
    client = session
    page = client.get(f"/datasets/{lesson.id}/card").text
    form = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1], "text": "Новые *слова*", "language": "en"}
    answer = client.post(f"/api/datasets/{lesson.id}/card/preview", data=form, headers={"Accept": "text/html"})
    assert answer.status_code == 200 and ">Новые *слова*</textarea>" in answer.text and "<em>слова</em>" in answer.text
    assert "not saved yet" in answer.text and about_lesson.own_text(services, lesson) == ""
    long = client.post(
        f"/api/datasets/{lesson.id}/card/preview", data=form | {"text": "x" * 20_001}, headers={"Accept": "text/html"}
    )
    assert long.status_code == 400 and "20000 characters at most" in long.text and "x" * 20_001 in long.text


def test_times_of_samples_and_patterns_are_told_to_the_tenth(session, services, lesson):
    rows = rows_of(services, lesson)
    rows[0] |= {"start_time": 1.04, "end_time": 4.81}
    put_rows(services, lesson, rows)
    page = session.get(f"/datasets/{lesson.id}/samples").text
    assert '<span class="time">00:03.8</span>' in page and "<span>00:01.0 – 00:04.8</span>" in page
    page = session.get(f"/datasets/{lesson.id}/figures").text
    assert re.search(r"\b\d\d:\d\d\.\d\b", page)


def test_what_the_check_and_the_consent_say_stands_beside_the_button(anna, services, lesson):
    page = anna.get(f"/publish?lesson={lesson.id}").text
    ready = re.search(r'id="ready".*?</ul>', page, re.DOTALL)[0]
    assert page.index('id="push"') < page.index('id="ready"') < page.index('id="push-form"')
    assert "Nobody recorded the consent" in ready and "look at it" in ready
    about_lesson.save_consent(services, lesson, {"state": "public", "license": "cc-by-4.0", "embargo_until": "", "teacher": ""})
    ready = re.search(r'id="ready".*?</ul>', anna.get(f"/publish?lesson={lesson.id}").text, re.DOTALL)[0]
    assert "The consent is public." in ready


def made_three_versions(services, lesson) -> list[list[dict]]:
    """Versions 1 to 3, each kept as a build keeps it; of the third the rows are in the dataset."""
    first = rows_of(services, lesson)
    second = [row for row in first if row["id"] != "pattern_1"]
    differ = {"pattern_2": lambda row: {"end_time": row["end_time"] + 0.5}, "pattern_3": lambda row: {"teacher": "У-7"}}
    third = [row | differ.get(row["id"], lambda row: {})(row) for row in second]
    history: list[dict] = []
    for number, rows in enumerate((first, second, third), start=1):
        history.append({"version": number, "samples": len(rows), "inputs": [], "counts": {}, "changes": []})
        put(services, lesson, CHANGES, json.dumps({"versions": history}))
        put_rows(services, lesson, rows)
        versions.keep(services, lesson)
    return [first, second, third]


def test_any_two_versions_are_compared_with_the_result_of_the_command_line(anna, session, services, lesson, tmp_path):
    made = made_three_versions(services, lesson)
    for number, rows in enumerate(made, start=1):
        (tmp_path / str(number)).mkdir()
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / str(number) / METADATA).write_text(text, encoding="utf-8")
    for before, after in ((1, 3), (1, 2), (2, 3), (3, 1), (2, 2)):
        expected = changes.compare_folders(tmp_path / str(before), tmp_path / str(after))
        found = anna.get(f"/datasets/{lesson.id}/versions?before={before}&after={after}").json
        assert found["changes"] == [change.as_json() for change in expected]
    page = session.get(f"/datasets/{lesson.id}/versions?before=1&after=3").text
    assert "removed: 1" in page and "moved: 1" in page and '<option value="1" selected>' in page
    assert "edited: 1" in page and re.search(r"edited</strong> pattern_3\s+<span[^>]*>teacher code<", page)


def test_a_version_that_is_not_kept_is_not_there_and_the_page_says_which_are(anna, services, lesson):
    made_three_versions(services, lesson)
    services.store.delete(services.raw, keys.derivative_key(lesson.video_key, ".rows.v1.jsonl.gz"))
    answer = anna.get(f"/datasets/{lesson.id}/versions?before=1&after=3")
    assert answer.status_code == 404 and "Version 1" in answer.json["error"]
    assert anna.get(f"/datasets/{lesson.id}/versions").json["versions"] == [3, 2]


def test_kept_versions_hold_no_words_and_only_so_many_are_kept(services, lesson):
    made_three_versions(services, lesson)
    key = keys.derivative_key(lesson.video_key, ".rows.v2.jsonl.gz")
    row = json.loads(gzip.decompress(b"".join(services.store.read(services.raw, key))).decode().split("\n")[0])
    assert not {"words", "text", "comments"} & row.keys() and "text" in row["sums"]
    history = [{"version": n, "samples": 1, "inputs": [], "counts": {}, "changes": []} for n in range(1, 31)]
    put(services, lesson, CHANGES, json.dumps({"versions": history}))
    versions.keep(services, lesson)
    assert versions.numbers(services, lesson) == [30]
    versions.forget(services, lesson)
    assert not [item for item in services.store.list(services.raw, lesson.prefix) if ".rows.v" in item.key]


def test_rows_that_an_earlier_version_of_ppi_kept_with_their_words_are_compared_alike(anna, services, lesson):
    first, *_ = made_three_versions(services, lesson)
    plain = gzip.compress("".join(json.dumps(row) + "\n" for row in first).encode())
    services.store.put_bytes(services.raw, keys.derivative_key(lesson.video_key, ".rows.v1.jsonl.gz"), plain)
    found = anna.get(f"/datasets/{lesson.id}/versions?before=1&after=3").json["changes"]
    assert [change["kind"] for change in found] == ["removed", "moved", "edited"]


def test_a_joined_dataset_is_looked_through_by_the_same_pages(anna, client_for, services, lesson):
    whole = joined.Joined("0123456789abcdef", "Все уроки", lesson.owner_id, "anna", 1.0, joined.Wanted((lesson.id,)), "1")
    services.store.put_bytes(services.final, keys.joined_record(whole.id), json.dumps(asdict(whole)).encode())
    for name in (METADATA, REPORT):
        services.store.put_bytes(services.final, whole.prefix + name, stored(services, lesson, name).encode())
    assert shown(anna, whole, annotator=rows_of(services, lesson)[0]["annotator"])
    assert "Все уроки" in anna.get(f"/datasets/{whole.id}/figures").text
    for page in ("samples", "figures"):
        assert client_for("boris").get(f"/datasets/{whole.id}/{page}").status_code == 404
