"""Two people at once in Chromium, in two languages: an administrator lets somebody in, and shuts the door again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import DATA

NAME, PASSWORD = "Вера Павлова", "выбрала-сама-1"


@pytest.fixture
def newcomer(live_server):
    yield
    users = live_server.services.users
    users.remove(users.by_name(NAME).id)


def test_somebody_is_let_in_with_a_link_gives_a_lesson_and_is_shut_out(new_page, live_server, newcomer):
    admin = new_page(live_server, "en", "admin", viewport={"width": 1280, "height": 900})
    vera = new_page(live_server, "ru", viewport={"width": 390, "height": 800})
    link = invite(admin)
    choose_a_password(vera, link)
    stranger = new_page(live_server, "ru")
    stranger.goto(link)
    expect(stranger.locator("main")).to_contain_text("Эта ссылка больше не действует")

    give_a_lesson(vera)
    see_what_came(admin)
    shut_out(admin, vera)
    read_the_log(admin)


def invite(admin):
    admin.goto("/admin/people")
    admin.get_by_label("User name").fill(NAME)
    admin.get_by_role("button", name="Add and make a link").click()
    expect(admin.get_by_text("link not used yet")).to_be_visible()
    return admin.locator("#invitation").input_value()


def choose_a_password(vera, link):
    """Two that differ are said so, and nothing is lost by that."""
    vera.goto(link)
    expect(vera.get_by_role("heading", name=f"Здравствуйте, {NAME}")).to_be_visible()
    for again in ("другой-пароль", PASSWORD):
        vera.get_by_label("Новый пароль", exact=True).fill(PASSWORD)
        vera.get_by_label("Новый пароль ещё раз").fill(again)
        vera.get_by_role("button", name="Задать пароль").click()
        if again != PASSWORD:
            expect(vera.get_by_role("alert")).to_contain_text("Новые пароли не совпадают")
    expect(vera.get_by_text("Пароль задан, вы вошли")).to_be_visible()


def give_a_lesson(vera):
    vera.set_input_files("#video", DATA / "sample_lesson.mp4")
    vera.fill("#task-name", "Первый урок")
    vera.get_by_role("button", name="Обработать видео с компьютера").click()
    vera.wait_for_url(re.compile("/lessons/"))
    expect(vera.locator("video")).to_be_visible(timeout=60_000)


def see_what_came(admin):
    """The administrator sees the same lesson in their own language, counts it, and the owner's quota is full."""
    admin.goto("/lessons?text=первый+УРОК")
    expect(admin.locator(".lessons")).to_contain_text(NAME)
    expect(admin.locator("#chosen-count")).to_be_hidden()
    admin.get_by_label("Choose all of these").check()
    expect(admin.locator("#lessons-count")).to_contain_text("Chosen: 1")
    admin.get_by_label("Choose Первый урок").uncheck()
    expect(admin.get_by_label("Choose all of these")).not_to_be_checked()
    expect(admin.locator("#chosen-count")).to_be_hidden()
    admin.goto("/admin/people")
    expect(admin.locator(".rows > li", has_text=NAME)).to_contain_text("1 of 1 lesson")
    admin.goto("/admin/storage")
    expect(admin.get_by_role("row", name=re.compile(NAME))).to_contain_text("MB")
    expect(admin.get_by_role("row", name=re.compile("^Everybody"))).to_be_visible()


def shut_out(admin, vera):
    admin.goto("/admin/people")
    admin.get_by_role("button", name=f"Disable: {NAME}").click()
    expect(admin.locator(".rows > li", has_text=NAME)).to_contain_text("disabled")
    vera.goto("/lessons")
    expect(vera.get_by_role("dialog", name="Вход в PPI")).to_be_visible()
    vera.fill("#username", NAME)
    vera.fill("#password", PASSWORD)
    vera.click("#login-form button[type=submit]")
    expect(vera.locator("#login-error")).to_be_visible()


def read_the_log(admin):
    admin.goto(f"/admin/audit?text={NAME}")
    for told in ("Account added", "Password chosen with a link", "Account disabled"):
        expect(admin.locator("td.what", has_text=told).first).to_be_visible()
