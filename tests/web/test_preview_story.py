"""One person's way in Chromium: a file with odd labels, what they mean, the build, samples, figures, the card, the checks."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from ppi.storage import keys
from ppi.workflows import local, plain_understood, runner
from ppi.workflows.lessons import UNDERSTOOD
from tests.conftest import DATA

MARKS = (
    "start,end,label,annotator\n1,3,Обьяснение,1\n5,8,Похвала,1\n12,13,проба,1\n20,24,Обьяснение,2\n70,90,Похвала,2\n"
).encode()
FILES = {"annotations": "marks.csv", "patterns": "patterns.csv"}


@pytest.fixture
def lesson(live_server):
    """A lesson that is ready, with a transcript at hand."""
    services = live_server.services
    job = runner.wait_for(services, local.ingest_file(services, DATA / "sample_lesson.mp4", "Урок с метками", "admin", 1))
    row = services.lessons.get(job.lesson_id)
    silence = {"language": "ru", "engine": "x", "model": "x", "segments": [], "duration_s": 63.92}
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".transcript.json"), json.dumps(silence).encode())
    return row


@pytest.mark.slow
def test_from_a_file_with_odd_labels_to_a_checked_dataset(new_page, live_server, lesson, tmp_path):
    table = "Паттерн;Описание\nОбъяснение;Учитель объясняет\nПохвала;Учитель хвалит\n"
    (tmp_path / "patterns.csv").write_text(table, encoding="utf-8")
    (tmp_path / "marks.csv").write_bytes(MARKS)
    (tmp_path / "bad.json").write_bytes(b"PK\x03\x04")
    page = new_page(live_server, "ru", "admin")
    page.goto(f"/dataset?lesson={lesson.id}")
    give_files(page, tmp_path)
    say_what_labels_mean(page)
    build_and_filter(page)
    look_at_figures(page)
    write_the_card(page, live_server, lesson)
    read_the_checks(page, lesson)


@pytest.mark.slow
def test_labels_of_many_marks_are_chosen_while_the_segments_are_worked_out_anew(new_page, live_server, lesson, tmp_path):
    others = "".join(f"Похвала {number};Учитель хвалит\n" for number in range(10))
    table = f"Паттерн;Описание\nОбъяснение;Учитель объясняет\n{others}"
    (tmp_path / "patterns.csv").write_text(table, encoding="utf-8")
    lines = [f"{at % 60},{at % 60 + 1 + at // 60 * 0.01:.2f},{'Обьяснение' if at % 2 else 'проба'}" for at in range(5_000)]
    (tmp_path / "marks.csv").write_text("\n".join(["start,end,label", *lines]), encoding="utf-8")
    assert (tmp_path / "marks.csv").stat().st_size > plain_understood.QUICK_TABLE_BYTES
    page = new_page(live_server, "ru", "admin")
    page.goto(f"/dataset?lesson={lesson.id}")
    page.evaluate("window.isSame = true")
    page.set_input_files("#annotations", tmp_path / "marks.csv")
    expect(page.locator(".segments tbody tr")).to_have_count(40, timeout=60_000)
    page.set_input_files("#patterns", tmp_path / "patterns.csv")
    expect(page.locator("#labels .meaning")).to_have_count(2)
    near = page.get_by_role("group", name=re.compile("Обьяснение")).get_by_label("Объяснение", exact=True)
    near.focus()
    page.keyboard.press("Space")
    expect(page.locator("#labels .state.good")).to_have_count(1)
    expect(page.locator("#understood .watch")).to_be_visible()
    expect(near).to_be_focused()
    page.get_by_role("group", name=re.compile("проба")).get_by_label("Не брать").check()
    expect(page.locator("#labels .state.calm")).to_have_count(1)
    expect(page.locator("#segments")).to_contain_text("2500", timeout=60_000)
    expect(page.locator(".segments .tag.odd")).to_have_count(0)
    assert page.evaluate("window.isSame"), "the page was not loaded again"
    services = live_server.services
    for found in services.store.list(services.raw, keys.derivative_key(lesson.video_key, f"{UNDERSTOOD}.")):
        services.store.delete(services.raw, found.key)
    page.goto(f"/dataset?lesson={lesson.id}")
    expect(page.locator("#understood .watch")).to_be_visible()
    expect(page.locator("#kept-patterns")).not_to_contain_text("паттерн")
    top = "document.getElementById('understood').getBoundingClientRect().top"
    before = page.evaluate(top)
    expect(page.locator("#kept-patterns")).to_contain_text("11 паттернов", timeout=60_000)
    assert page.evaluate(top) == before, "what is known of the table then pushes nothing down"


def give_files(page, folder):
    """Each is read as soon as it is chosen; a bad one is refused and the good one stays."""
    expect(page.locator(".file-name")).to_have_text(["Файл не выбран"] * 2)
    page.set_input_files("#annotations", folder / "marks.csv")
    expect(page.locator(".segments tbody tr")).to_have_count(4)
    let_fall(page, "#patterns", folder / "patterns.csv")
    expect(page.locator("#labels .meaning")).to_have_count(2)
    page.set_input_files("#annotations", folder / "bad.json")
    expect(page.locator("#dataset-error")).to_contain_text("нет разметки")
    expect(page.locator(".segments tbody tr")).to_have_count(4)
    expect(page.locator(".file-name")).to_have_text(["Файл не выбран"] * 2)


def let_fall(page, field, path):
    """Drop a file on the frame of a field."""
    page.evaluate("""([field, name, text]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], name));
      const how = { dataTransfer, bubbles: true, cancelable: true };
      document.querySelector(field).closest(".drop-field").dispatchEvent(new DragEvent("drop", how));
    }""", [field, path.name, path.read_text(encoding="utf-8")])


def say_what_labels_mean(page):
    """A choice is kept at once, shown in the table, and the keyboard stays where it was."""
    near = page.get_by_role("group", name=re.compile("Обьяснение")).get_by_label("Объяснение", exact=True)
    near.focus()
    page.keyboard.press("Space")
    expect(page.locator("#labels .state.good")).to_have_count(1)
    expect(page.locator(".segments .tag.odd")).to_have_count(1)
    expect(near).to_be_focused()
    page.get_by_role("group", name=re.compile("проба")).get_by_label("Не брать").check()
    expect(page.locator(".segments tbody tr")).to_have_count(3)
    expect(page.locator(".segments .tag.odd")).to_have_count(0)
    page.locator("#left > summary").click()
    expect(page.locator("#left")).to_contain_text("вы решили")


def build_and_filter(page):
    page.get_by_role("button", name="Собрать датасет").click()
    page.wait_for_url(re.compile("/publish"), timeout=90_000)
    page.get_by_role("link", name="Примеры", exact=True).click()
    expect(page.locator(".samples > li")).to_have_count(3)
    page.locator("#annotator").select_option("2")
    page.locator(".filters button").click()
    expect(page.locator(".samples > li")).to_have_count(1)
    expect(page.locator(".samples .tag")).to_have_text("Объяснение")
    page.locator(".clip").focus()
    page.keyboard.press("Enter")
    clip = page.locator(".samples video").element_handle()
    page.wait_for_function("video => video.currentTime > 0", arg=clip)
    page.keyboard.press("Escape")
    expect(page.locator(".clip")).to_be_focused()


def look_at_figures(page):
    page.get_by_role("link", name="Диаграммы", exact=True).click()
    expect(page.get_by_role("img", name="Паттерны по числу примеров")).to_be_visible()
    expect(page.locator("figure.chart")).to_have_count(5)
    page.locator("figure.chart details summary").first.click()
    expect(page.locator("figure.chart").first.get_by_role("row", name=re.compile("Объяснение"))).to_contain_text("2")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1280, "height": 900})


def write_the_card(page, live_server, lesson):
    page.get_by_role("link", name="Карточка", exact=True).click()
    page.locator("#own-text").fill("Снято **в мае**. <img src=x onerror=alert(1)>")
    expect(page.locator("#card-page strong", has_text="в мае")).to_be_visible(timeout=20_000)
    assert page.locator("#card-page img[src=x]").count() == 0
    expect(page.locator("#card-state")).to_have_text("ещё не сохранено")
    page.get_by_role("button", name="Сохранить карточку").click()
    expect(page.locator("#card-state")).to_have_text("сохранено")
    kept = keys.derivative_key(lesson.video_key, ".card.md")
    assert "в мае" in b"".join(live_server.services.store.read(live_server.services.raw, kept)).decode()
    report = live_server.services.store.read(live_server.services.final, f"{lesson.prefix}dataset/report.json")
    told = json.loads(b"".join(report))["meanings"]
    assert {(one["label"], one["pattern"], one["marks"]) for one in told} == {("Обьяснение", "Объяснение", 2), ("проба", "", 1)}
    manifest = live_server.services.store.read(live_server.services.final, f"{lesson.prefix}dataset/manifest.json")
    described = json.loads(b"".join(manifest))
    assert described["settings"]["meanings"] == {"Обьяснение": "Объяснение", "проба": ""} and described["inputs"]["meanings"]


def read_the_checks(page, lesson):
    page.get_by_role("link", name="Обзор", exact=True).click()
    expect(page.locator("#meanings > summary")).to_contain_text("2")
    expect(page.locator("#push #ready")).to_contain_text("согласие", ignore_case=True)
    page.goto(f"/dataset?lesson={lesson.id}")
    page.get_by_role("button", name="Отменить все решения").click()
    expect(page.get_by_role("heading", name="Отменить все решения?")).to_be_visible()
    expect(page.locator("main form")).to_contain_text("Урок с метками")
    page.get_by_role("button", name="Отменить все решения").click()
    expect(page.locator(".segments tbody tr")).to_have_count(4)
