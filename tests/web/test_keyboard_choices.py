"""Choices without a mouse: what labels mean, whose mark counts, and lists that are narrowed, turned and chosen from."""

from __future__ import annotations

import io
import json
import re

import pytest
from playwright.sync_api import expect

from ppi.dataset.layout import METADATA
from ppi.storage import keys
from ppi.workflows import agreement, lessons, preview, uploads
from ppi.workflows.about_lesson import dataset_prefix
from tests.functional.stored import lesson_with_dataset
from tests.web import rounds
from tests.web.test_agreement_pages import export

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ODD = ["Обьяснение", *(f"Метка-{number:02}" for number in range(1, 17))]
AGREED = [(4.5 * n, 4.5 * n + 1.5, "Вопрос") for n in range(13)]
# Two people: of what the table does not have they agree on the first label only, and mean other bounds of the next four.
MARKS = export({
    1: AGREED + [(3.5 * n, 3.5 * n + 2, label) for n, label in enumerate(ODD)],
    4: AGREED + [(0, 2, ODD[0])] + [(3.5 * n + 1, 3.5 * n + 3, ODD[n]) for n in range(1, 5)],
})  # fmt: skip
TABLE = "Паттерн;Описание\nОбъяснение;Учитель объясняет\nВопрос;Учитель спрашивает\n".encode("utf-8-sig")
SILENCE = {"language": "ru", "engine": "x", "model": "x", "segments": [], "duration_s": 63.92}


@pytest.fixture
def lesson(own_server, request):
    """A lesson under the test's own name, annotated by two people."""
    services = own_server.services
    row = services.lessons.get(rounds.taken_in(services, request.node.name[:40]))
    said = keys.derivative_key(row.video_key, ".transcript.json")
    services.store.put_bytes(services.raw, said, json.dumps(SILENCE).encode())
    preview.keep(
        services, row, annotations=io.BytesIO(MARKS), annotations_name="marks.json", table=io.BytesIO(TABLE), table_name="t.csv"
    )
    return row


def test_labels_get_their_meaning_without_a_mouse(hands, lesson):
    one = hands("ru", "admin")
    one.open(f"/dataset?lesson={lesson.id}")
    say_what_they_mean(one)
    turn_the_labels(one)
    turn_the_segments(one)
    take_it_back(one)


def of_label(one, label):
    return one.page.get_by_role("group", name=re.compile(label))


def go_to_label(one, label):
    one.find(of_label(one, label).get_by_role("radio"), f"the choices of {label}", most=60)


def say_what_they_mean(one):
    """Each choice is kept at once, and who chose stands where they were."""
    page, read_as = one.page, one.page.locator("#labels .state.good")
    go_to_label(one, "Обьяснение")
    one.press("ArrowLeft")
    expect(read_as).to_have_count(1)
    one.is_at("radio", "Объяснение")
    expect(page.locator("#said")).to_contain_text("Обьяснение")
    go_to_label(one, "Метка-01")
    one.press("ArrowRight")
    expect(of_label(one, "Метка-01").locator(".state.calm")).to_be_visible()
    expect(of_label(one, "Метка-01").get_by_role("radio", name="Не брать")).to_be_focused()
    go_to_label(one, "Метка-02")
    one.press("Tab")
    one.is_at("combobox", "Другой паттерн для метки Метка-02")
    page.keyboard.type("Вопрос")
    one.press("Enter")
    expect(read_as).to_have_count(2)
    one.is_at("combobox", "Другой паттерн для метки Метка-02")
    # What the table does not have is refused, and stands there to be mended.
    one.write("combobox", "Другой паттерн для метки Метка-03", "Вапрос")
    one.press("Tab")
    expect(page.locator("#toasts .notice.bad")).to_contain_text("Вапрос")
    one.write("combobox", "Другой паттерн для метки Метка-03", "Вопрос", back=True)
    one.press("Tab")
    expect(read_as).to_have_count(3)


def turn_the_labels(one):
    page = one.page
    one.find(page.locator("#labels .pages button[data-there*='labels=2']"), "the other labels", most=60)
    one.press("Enter")
    page.wait_for_url("**labels=2*")
    one.is_at("heading", "Метки, которых нет в таблице")
    go_to_label(one, "Метка-15")
    one.press("ArrowRight")
    expect(of_label(one, "Метка-15").locator(".state.calm")).to_be_visible()
    one.do("button", "Сохранить значения меток", most=20)
    expect(page.locator("#toasts .notice.good")).to_be_visible()
    one.is_at("button", "Сохранить значения меток")
    one.find(page.locator("#labels .pages button[data-there*='labels=1']"), "the first labels")
    one.press("Enter")
    page.wait_for_url("**labels=1*")
    one.is_at("heading", "Метки, которых нет в таблице")
    expect(page.locator("#labels .state.good")).to_have_count(3)


def turn_the_segments(one):
    page = one.page
    one.find(page.locator("#segments .pages a[rel=next]"), "the other segments", most=150)
    one.press("Enter")
    page.wait_for_url("**segments=2*")
    one.is_at("heading", "Интервалы")
    expect(page.locator("#labels .state.good")).to_have_count(3)


def take_it_back(one):
    page = one.page
    one.do("button", "Отменить все решения", back=True)
    expect(page.get_by_role("heading", name="Отменить все решения?")).to_be_visible()
    one.skip()
    one.do("button", "Отменить все решения")
    page.wait_for_url("**/dataset?*")
    expect(page.locator("#labels .state.good")).to_have_count(0)


def test_disagreements_are_decided_without_a_mouse(hands, own_server, lesson):
    one = hands("ru", "admin")
    one.open(f"/lessons/{lesson.id}/agreement")
    # The comparison came under somebody who waited for it.
    expect(one.page.locator("#disagreements")).to_be_visible(timeout=60_000)
    expect(one.page.locator("#main:focus, h1:focus")).to_have_count(1)
    narrow_the_disagreements(one)
    watch_one(one)
    decide_some(one)
    decided = agreement.comparison(own_server.services, lesson).decisions
    assert sorted(decided.values()) == ["keep:1", "keep:1", "none"]
    compare_on_another_grid(one)
    build_the_gold_set(one)
    assert lessons.view(own_server.services, lesson).jobs["build_dataset"].status == "cancelled"


def narrow_the_disagreements(one):
    found = one.page.locator(".disagreements > li")
    # "Метка-03", then all of them again.
    for key, times, count in (("ArrowDown", 4, 1), ("Home", 1, 10)):
        one.to("combobox", "Паттерн")
        one.press(key, times)
        one.do("button", "Показать", most=3)
        expect(found).to_have_count(count)
        one.is_at("heading", "Расхождения")


def watch_one(one):
    page = one.page
    one.do("link", "Показать этот момент: Метка-01, 00:03,5")
    page.wait_for_function("player => !player.paused && player.currentTime > 2.5", arg=page.locator("#player").element_handle())
    one.is_at("link", "Показать этот момент: Метка-01, 00:03,5")


def decide_some(one):
    """Turning the list saves what was chosen; the next page says so first."""
    page, saved = one.page, one.page.locator(".notice.good")
    one.to("radio", "Не решено", most=3)
    one.press("ArrowDown")
    one.is_at("radio", "Оставить отметку разметчика 1")
    one.to("radio", "Не решено", most=3)
    one.press("ArrowUp")
    one.is_at("radio", "Не оставлять ни одной")
    one.do("button", "Дальше →")
    page.wait_for_url("**page=2*")
    expect(saved).to_be_focused()
    one.to("radio", "Не решено", most=12)
    one.press("ArrowDown")
    # Who leaves without saving is asked.
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    one.do("button", "Сохранить решения")
    page.wait_for_load_state()
    expect(saved).to_be_focused()
    expect(page.get_by_role("radio", name="Оставить отметку разметчика 1").first).to_be_checked()
    one.do("button", "← Назад")
    page.wait_for_url("**page=1*")
    one.is_at("heading", "Расхождения")
    # Back up through the list: the player above it covers nothing that has the focus.
    one.to("button", "Сохранить решения")
    one.to("radio", "Оставить отметку разметчика 1", back=True)
    one.to("combobox", "Паттерн", back=True, most=15)


def compare_on_another_grid(one):
    page = one.page
    one.write("textbox", "Шаг сетки времени, секунды", "0,5", back=True)
    one.do("button", "Сравнить", most=2)
    page.wait_for_url("**step=0%2C5*")
    expect(page.locator("#table-figures")).to_be_visible(timeout=60_000)
    expect(page.locator("#table-figures:focus, h2:focus")).to_have_count(1)


def build_the_gold_set(one):
    page = one.page
    one.to("link", "Скачать эталон", most=90)
    with page.expect_download() as got:
        one.press("Enter")
    assert got.value.suggested_filename.endswith("gold.json")
    one.do("button", "Собрать датасет по эталону", most=2)
    page.wait_for_url("**/dataset?*")
    one.skip()
    one.do("button", "Отменить", most=10)
    expect(page.locator("#given")).to_be_visible(timeout=60_000)
    expect(page.locator("#main:focus, #main :focus")).to_have_count(1)


@pytest.fixture
def many(own_server, real_plan):
    """Nine lessons with datasets, the newest of which has two pages of samples, and as many others as fill two pages."""
    services = own_server.services
    admin = services.users.by_name("admin")
    for number in range(20):
        row = uploads.begin_upload(services, admin, file_name="v.mp4", task_name=f"Черновик {number}", size_bytes=4)
        services.lessons.move_on(row.id, "uploading", "stored")
    built = [lesson_with_dataset(services, real_plan, f"Урок {number}") for number in range(9)]
    key = dataset_prefix(built[-1]) + METADATA
    sample = json.loads(b"".join(services.store.read(services.final, key)).split(b"\n")[0])
    rows = [{**sample, "id": f"pattern_{number:03}", "annotator": str(1 + number % 2)} for number in range(40)]
    services.store.put_bytes(services.final, key, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    return built


def test_lists_are_narrowed_turned_and_chosen_from_without_a_mouse(hands, many):
    one = hands("ru", "admin")
    one.open(f"/datasets/{many[-1].id}/samples")
    look_through_the_samples(one)
    one.open("/lessons")
    look_through_the_lessons(one)
    one.open("/joined")
    choose_from_two_pages(one)


def look_through_the_samples(one):
    """Who filters or turns stands at what was found, right before the first of it."""
    page, found = one.page, one.page.locator("[data-answer]")
    one.to("combobox", "Разметчик")
    page.keyboard.type("2")
    one.do("button", "Показать", most=10)
    expect(found).to_be_focused()
    expect(found).to_have_text("20 примеров из 40 · Страница 1 из 2")
    one.press("Tab")
    expect(page.locator(".clip").first).to_be_focused()
    one.do("link", "Дальше →")
    expect(found).to_be_focused()
    expect(found).to_have_text("20 примеров из 40 · Страница 2 из 2")
    one.do("link", "← Назад")
    expect(found).to_have_text("20 примеров из 40 · Страница 1 из 2")
    expect(found).to_be_focused()
    one.write("searchbox", "Слова или паттерн содержат", "такого здесь нет", back=True)
    one.press("Enter")
    expect(page.get_by_text("Подходящих примеров нет.")).to_be_visible()
    expect(found).to_be_focused()
    one.do("link", "Показать всё", most=3)
    expect(found).to_have_text("40 примеров · Страница 1 из 3")
    expect(found).to_be_focused()


def look_through_the_lessons(one):
    page, found = one.page, one.page.locator("[data-answer]")
    one.do("link", "Дальше →", most=80)
    page.wait_for_url("**page=2*")
    expect(found).to_be_focused()
    one.write("searchbox", "Название или владелец", "Черновик 1", back=True)
    one.to("combobox", "Порядок", most=4)
    one.press("ArrowDown", 2)
    one.do("button", "Показать", most=3)
    expect(found).to_have_text("11 уроков")
    expect(found).to_be_focused()
    one.do("checkbox", "Выбрать: Черновик 1", key="Space")
    one.do("checkbox", "Выбрать: Черновик 11", key="Space")
    one.do("button", "Удалить…", back=True)
    expect(page.get_by_role("heading", name="Удалить?")).to_be_visible()
    one.skip()
    one.do("button", "Удалить")
    expect(page.locator(".notice.undo")).to_be_focused()


def choose_from_two_pages(one):
    page, chosen = one.page, one.page.locator(".chosen-count")
    one.write("textbox", "Название датасета", "Все уроки")
    one.do("button", "Выбрать все показанные", most=20)
    expect(chosen).to_have_text("8")
    one.is_at("button", "Выбрать все показанные")
    one.do("button", "Дальше →", back=True)
    expect(page.locator(".finder .picks li")).to_have_count(1)
    one.is_at("button", "← Назад")
    one.do("checkbox", re.compile("Урок 0"), key="Space", back=True)
    expect(chosen).to_have_text("9")
    one.do("button", "← Назад", most=3)
    expect(page.locator(".finder .picks li")).to_have_count(8)
    one.is_at("button", "Дальше →")
    one.do("button", "Посмотреть, что в нём будет", most=40)
    one.is_at("heading", "Что в нём будет")
    expect(chosen).to_have_text("9")
