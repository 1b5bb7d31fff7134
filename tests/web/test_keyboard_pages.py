"""The administration, and every page, without a mouse: the tab key reaches all of it, in the order it is read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.storage import keys
from tests.conftest import DATA
from tests.web import rounds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_an_administrator_needs_no_mouse(hands, own_server):
    for number in range(130):
        own_server.services.audit.record("download", user_name="admin", object=f"lesson-{number}", address="127.0.0.1")
    one = hands("ru", "admin")
    one.page.goto("/")
    let_somebody_in(one)
    shut_and_open_the_door(one)
    set_a_quota(one)
    look_through_the_administration(one)
    read_the_log(one)


def let_somebody_in(one):
    page = one.page
    one.do("link", "Управление", most=12)
    page.wait_for_url("**/admin/system")
    one.do("link", "Люди", most=40)
    page.wait_for_url("**/admin/people")
    one.skip()
    one.write("textbox", "Имя пользователя", "Вера")
    one.do("button", "Добавить и получить ссылку")
    expect(page.locator("#invitation")).to_be_focused()
    one.do("button", "Копировать ссылку", most=2)
    one.is_at("button", "Скопировано!")


def shut_and_open_the_door(one):
    page = one.page
    for button in ("Ссылка для нового пароля: Вера", "Отключить: Вера", "Включить: Вера"):
        one.do("button", button, most=120)
        expect(page.locator("#invitation, .notice.good").and_(page.locator(":focus"))).to_have_count(1)


def set_a_quota(one):
    page = one.page
    row = page.locator(".rows > li", has_text="Вера")
    one.find(row.locator("summary"), "the quota of somebody", most=120)
    one.press("Enter")
    one.find(row.locator("input[name=lessons]"), "how many lessons", most=3)
    page.keyboard.type("4")
    one.find(row.locator(".quota-form button"), "the button that keeps it", most=4)
    one.press("Enter")
    expect(page.locator("main > .notice.good")).to_be_focused()


def look_through_the_administration(one):
    for name, path in (("Хранилище", "storage"), ("Настройки", "settings"), ("Система", "system")):
        one.do("link", name, most=40)
        one.page.wait_for_url(f"**/admin/{path}")
        one.skip()


def read_the_log(one):
    page = one.page
    one.do("link", "Журнал действий", most=40)
    page.wait_for_url("**/admin/audit")
    one.skip()
    one.do("link", re.compile("^Более ранние"), most=200)
    page.wait_for_url("**before=*")
    one.skip()
    one.do("link", re.compile("^← Более поздние"), most=200)
    page.wait_for_url("**after=*")
    one.skip()
    one.write("textbox", "Объект или адрес", "lesson-7")
    one.do("button", "Показать", most=3)
    page.wait_for_url("**text=lesson-7*")
    assert all("lesson-7" in row for row in page.locator(".acts tbody tr").all_inner_texts())


# Everything that can be used by somebody with a mouse; of a group of radio buttons one is enough.
CONTROLS = """() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, video[controls], [tabindex]")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0)
  .filter((one) => !one.closest("[inert]"))
  .map((one) => (one.dataset.hands = one.type === "radio" ? `radio ${one.name}` : one.outerHTML.slice(0, 140)))"""
# What a screen reader could call by no name, and buttons of one name that lead to several places.
NAMELESS = """() => {
  const nameOf = (one) => one.getAttribute("aria-label") || one.caption?.textContent.trim()
    || one.querySelector(":scope > legend, :scope > title")?.textContent.trim()
    || document.getElementById(one.getAttribute("aria-labelledby"))?.textContent.trim();
  const roles = ["region", "dialog", "group", "img", "progressbar"].map((role) => `[role=${role}]`);
  const called = document.querySelectorAll(["table, video, nav, fieldset, .modal:not(.example)", ...roles]);
  const nameless = [...called].filter((one) => !one.closest("#card-page") && !nameOf(one));
  const places = {};
  for (const one of document.querySelectorAll("main a.btn:not(nav *)")) {
    (places[one.getAttribute("aria-label") || one.textContent.trim()] ??= new Set()).add(one.href);
  }
  const alike = Object.entries(places).filter(([, all]) => all.size > 1).map(([name]) => `alike: ${name}`);
  const heads = document.querySelectorAll("main h1").length;
  return nameless.map((one) => `no name: ${one.outerHTML.slice(0, 140)}`).concat(alike, heads === 1 ? [] : `${heads} titles`);
}"""
HERE = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  if (one === document.body) return null;
  const isFlowing = one.closest("main") && !one.closest("[class*=sticky], .watching, aside");
  return { name: one.dataset.hands ?? one.outerHTML.slice(0, 140), is_in_main: Boolean(isFlowing),
    top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left, right: box.right };
}"""


@pytest.fixture(scope="module")
def furnished(own_server, tmp_path_factory):
    services = own_server.services
    made = rounds.furnish(services, tmp_path_factory.mktemp("files"))
    row = services.lessons.get(made.full)
    second = keys.derivative_key(row.video_key, ".annotations.2.json")
    services.store.put_bytes(services.raw, second, (DATA / "sample_annotations.json").read_bytes())
    return made


def test_the_tab_key_reaches_everything_on_every_page_in_the_order_it_is_read(hands, furnished):
    one = hands("ru", "admin", reduced_motion="reduce")
    faults, titles = {}, {}
    for name, path in furnished.addresses().items():
        one.page.goto(path)
        one.page.wait_for_load_state("networkidle")
        found = walk(one) + one.page.evaluate(NAMELESS)
        if found:
            faults[name] = found
        titles.setdefault(one.page.title(), set()).add(path.split("?")[0])
    assert faults == {}
    # Tabs and the history tell pages of two lessons apart.
    assert {title: paths for title, paths in titles.items() if len(paths) > 1} == {}


def walk(one):
    """Press the tab key until the page begins again: what is not seen, not reached, or comes after what stands below it."""
    page = one.page
    left, faults, before, first = dict.fromkeys(page.evaluate(CONTROLS)), [], None, ""
    for _ in range(500):
        one.press("Tab")
        here = page.evaluate(HERE)
        if here is None or here["name"] == first:
            break
        first = first or here["name"]
        if fault := one.fault():
            faults.append(fault)
        if before and is_jump(before, here):
            faults.append(f"{here['name']} comes after {before['name']}")
        left.pop(here["name"], None)
        before = here
    return faults + [f"not reached: {name}" for name in left]


def is_jump(before, here):
    """Back up within one column."""
    is_one_column = here["left"] < before["right"] and before["left"] < here["right"]
    return before["is_in_main"] and here["is_in_main"] and is_one_column and here["bottom"] < before["top"] - 4
