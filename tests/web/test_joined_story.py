"""Two lessons become one dataset in Chromium, and one of them is withdrawn from it by its name."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.functional.stored import lesson_with_dataset


@pytest.fixture
def page(new_page, live_server):
    """A page of the administrator, in Russian at the width of a phone."""
    return new_page(live_server, "ru", "admin", viewport={"width": 390, "height": 800})


def test_lessons_are_joined_and_one_is_withdrawn_by_its_name(page, live_server, real_plan):
    first, second = (lesson_with_dataset(live_server.services, real_plan, name) for name in ("Вода", "Воздух"))

    page.goto("/joined")
    page.get_by_label("Название датасета").fill("Две недели")
    field, found, chosen = page.locator("#find"), page.locator(".finder .picks"), page.locator(".chosen-lessons")
    for name in ("Вода", "Воздух"):
        field.fill(name)
        expect(found.locator("li")).to_have_count(1)
        found.get_by_role("checkbox", name=name).check()
    expect(chosen.locator("li")).to_have_count(2)
    found.get_by_role("checkbox").uncheck()
    expect(chosen).to_contain_text("Выбрано: 1")
    page.get_by_role("button", name="Выбрать все показанные").click()
    expect(chosen).to_contain_text("Выбрано: 2")
    page.get_by_role("button", name="Посмотреть, что в нём будет").click()
    expect(page.locator("#plan")).to_contain_text("6")
    expect(page.locator("#plan .rows .tag").first).to_have_text("train")  # a name as data sets have it, without a capital
    page.get_by_role("button", name="Собрать").click()
    expect(page.locator("#zip")).to_be_visible(timeout=60_000)
    samples = f"/datasets/{page.url.rsplit('/', 1)[1]}/samples"
    page.goto(samples)
    expect(page.locator(".samples > li")).to_have_count(6)

    page.clock.install()
    page.goto(f"/lessons/{first.id}/withdraw")
    expect(page.locator("#touched")).to_contain_text("Две недели")
    name = page.get_by_label("Для подтверждения введите название урока")
    name.fill("Воздух")
    exclude = page.get_by_role("button", name="Исключить урок из датасетов")
    exclude.click()
    refused = page.locator("#toasts .notice.bad")
    expect(refused).to_contain_text("введите его название: Вода")
    page.clock.fast_forward("01:00")
    expect(refused.get_by_role("button", name="Закрыть")).to_be_visible()
    expect(exclude).to_be_focused()
    page.keyboard.press("Escape")
    expect(refused).to_have_count(0)
    expect(exclude).to_be_focused()
    name.fill("Вода")
    page.get_by_role("button", name="Исключить урок из датасетов").click()
    expect(page.get_by_role("status").filter(has_text="Урок исключён")).to_be_visible(timeout=60_000)
    page.goto(samples)
    expect(page.locator(".samples > li")).to_have_count(3)
    expect(page.locator(".samples")).not_to_contain_text("Вода")
    page.goto(f"/publish?lesson={second.id}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
