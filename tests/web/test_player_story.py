"""The player of a lesson's page in Chromium: frames, intervals, lanes, keys, captions, for eyes, hands and readers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.storage import keys
from ppi.workflows import corrections, local, runner
from tests.conftest import DATA
from tests.fixtures_media import BAR, BITS, numbers_of
from tests.web.test_access_for_all import ASK, AXE, TAGS
from tests.web.test_transcript_story import SAID

# The number that the blocks along the lower edge of the shown frame spell.
NUMBER = f"""() => {{
  const video = player, canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const row = pen.getImageData(0, canvas.height - {BAR // 2}, canvas.width, 1).data, block = canvas.width / {BITS};
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit += 1) number += row[4 * Math.floor((bit + 0.5) * block)] > 127 ? 1 << bit : 0;
  return number;
}}"""
PRESS = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))"
WIDTHS = """() => [document.querySelector(".strip"),
  document.querySelector(".wave > div").shadowRoot.querySelector(".wrapper")].map((one) => one.offsetWidth)"""


def taken_in(services, path):
    return services.lessons.get(runner.wait_for(services, local.ingest_file(services, path, "Урок о дожде", "admin")).lesson_id)


@pytest.fixture(scope="module")
def lesson(live_server):
    """The sample lesson with a transcript and the marks of two annotators."""
    services = live_server.services
    row = taken_in(services, DATA / "sample_lesson.mp4")
    corrections.keep_new(services, row, SAID)
    for suffix, name in ((".annotations.json", "sample_annotations.json"), (".patterns.xlsx", "sample_patterns.xlsx")):
        services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), (DATA / name).read_bytes())
    return row


@pytest.fixture
def visit(new_page, live_server):
    """`visit(row)`: a lesson's page as its administrator sees it."""

    def make(row, language="en", script="", **options):
        page = new_page(live_server, language, "admin", reduced_motion="reduce", **options)
        if script:
            page.add_init_script(script)
        page.goto(f"/lessons/{row.id}")
        page.wait_for_function("() => player.readyState >= 2 || player.poster")
        return page

    return make


def at(page) -> float:
    return page.evaluate("player.currentTime")


def paused(page) -> None:
    page.wait_for_function("() => player.paused")


def test_the_picture_of_the_list_stands_in_the_player_until_it_plays(visit, lesson):
    """As after every upload: the server drew it."""
    page = visit(lesson)
    poster = page.locator("#player").get_attribute("poster")
    assert page.request.get(poster).headers["content-type"] == "image/jpeg"
    expect(page.locator("[data-part=time]")).to_have_text("00:00.000")


@pytest.mark.parametrize("kind", ["mp4", "ntsc", "variable"])
def test_a_step_shows_the_next_frame_and_the_one_before_whatever_the_rate(visit, live_server, recording, kind):
    """Every frame shows its number; where the rate varies some numbers are missing, and none of the others may be left out."""
    path = recording(kind)
    times_s, shown = numbers_of(path)
    page = visit(taken_in(live_server.services, path))
    sees = lambda number: page.wait_for_function(f"(number) => ({NUMBER})() === number", arg=number)  # noqa: E731
    page.evaluate("player.currentTime = 2.3")
    here = max(place for place, time_s in enumerate(times_s) if time_s <= 2.3)
    sees(shown[here])
    for step in (1, 1, 1, 1, 1, 1, -1, -1, -1):
        before = page.locator("[data-part=time]").inner_text()
        page.keyboard.press("." if step > 0 else ",")
        expect(page.locator("[data-part=time]")).not_to_have_text(before)
        here += step
        sees(shown[here])
    if kind == "mp4":
        expect(page.locator("[data-part=frame]")).to_have_text(f"frame {shown[here] + 1}")
        expect(page.locator("[data-part=time]")).to_have_text(f"00:02.{shown[here] % 25 * 40:03}")


def test_a_click_in_a_lane_plays_exactly_that_interval_once_or_again_and_again(visit, lesson):
    page = visit(lesson)
    marks = page.get_by_role("group", name="Annotator 1").get_by_role("button")
    expect(marks).to_have_count(7)
    marks.filter(has_text="Похвала").click()
    expect(page.locator("[data-part=interval]")).to_have_text("00:20.095 to 00:28.838")
    begun = page.wait_for_function("() => !player.paused && player.currentTime > 20.2 && player.currentTime")
    assert begun.json_value() < 24
    page.evaluate("player.currentTime = 28.4")
    paused(page)
    assert at(page) == pytest.approx(28.837, abs=0.005)

    page.get_by_role("button", name="Again and again").click()
    page.get_by_role("button", name="Play the interval").click()
    page.evaluate("player.currentTime = 28.5")
    page.wait_for_function("() => player.currentTime < 22")
    assert not page.evaluate("player.paused")
    # Whoever goes somewhere else is not taken back.
    page.evaluate("player.currentTime = 40")
    page.wait_for_function("() => player.currentTime > 40.2")
    page.keyboard.press("k")
    page.get_by_role("button", name="No interval").click()
    expect(page.locator("[data-part=interval]")).to_be_empty()


def test_the_keyboard_reaches_every_mark_and_the_table_says_the_same(visit, lesson):
    page = visit(lesson)
    lane = page.get_by_role("group", name="Annotator 1").get_by_role("button")
    expect(lane).to_have_count(7)
    lane.first.focus()
    page.keyboard.press("End")
    expect(lane.last).to_be_focused()
    expect(page.locator("[data-part=pointed]")).to_have_text(lane.last.get_attribute("aria-label"))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    chosen = page.locator(".mark[aria-current]")
    expect(chosen).to_have_attribute("aria-label", re.compile("^Объяснение, annotator 1, 00:33.7 to 00:44.2"))
    page.keyboard.press("k")
    page.locator("summary", has_text="Annotations as a table").click()
    rows = page.locator("[data-part=table] tbody tr")
    expect(rows).to_have_count(10)
    rows.filter(has_text="Домашнее задание").get_by_role("button").click()
    expect(page.locator("[data-part=interval]")).to_have_text("00:53.032 to 00:57.191")


def test_keys_begin_and_end_an_interval_change_the_speed_and_are_listed(visit, lesson):
    page = visit(lesson, "ru")
    # The keys of [ and ] on a Russian keyboard; the frame that is shown begins at or before the moment.
    for moment, key, shown in ((10, "х", "00:10,000"), (12.5, "ъ", "00:12,480")):
        page.evaluate("moment => { player.currentTime = moment; }", moment)
        expect(page.locator("[data-part=time]")).to_have_text(shown)
        page.evaluate(PRESS, key)
    expect(page.locator("[data-part=interval]")).to_have_text("с 00:10,000 до 00:12,480")
    page.keyboard.press(">")
    expect(page.locator("#speed")).to_have_value("1.25")
    page.locator("#speed").select_option("0.5")
    assert page.evaluate("player.playbackRate") == 0.5
    page.locator("h1").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Клавиши")
    expect(dialog).to_contain_text("на кадр вперёд")
    dialog.get_by_label("Отдельные буквы и знаки").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press(">")
    assert page.evaluate("player.playbackRate") == 0.5


def test_captions_are_switched_on_and_stay_on(visit, lesson):
    page = visit(lesson)
    mode = "player.textTracks[0].mode"
    assert page.evaluate(mode) != "showing"
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")
    page.reload()
    page.wait_for_function(f"() => {mode} === 'showing' && player.textTracks[0].cues?.length > 3")


def test_waveform_and_lanes_are_zoomed_and_scrolled_together_and_load_no_sound(visit, lesson):
    page = visit(lesson)
    loaded = []
    page.on("request", lambda asked: loaded.append(asked.url))
    page.reload()
    expect(page.locator(".wave canvas").first).to_be_visible()
    drawn = """() => { const one = document.querySelector(".wave > div").shadowRoot.querySelector("canvas");
      return one.getContext("2d").getImageData(0, 0, one.width, one.height).data.some((value) => value > 0); }"""
    page.wait_for_function(drawn)
    assert not any(".mp3" in url or ".wav" in url for url in loaded)
    before = page.evaluate(WIDTHS)
    for _ in range(3):
        page.get_by_role("button", name="Look closer").click()
    closer = "([strip, wave], before) => strip > 1.5 * before && Math.abs(strip - wave) <= 2"
    page.wait_for_function(f"(before) => ({closer})(({WIDTHS})(), before)", arg=before[0])
    page.evaluate("document.querySelector('.scroller').scrollLeft = 400")
    page.wait_for_function("() => document.querySelector('.wave > div').shadowRoot.querySelector('.scroll').scrollLeft === 400")
    page.get_by_role("button", name="Whole lesson").click()
    page.wait_for_function(f"(before) => ({WIDTHS})()[0] === before", arg=before[0])


@pytest.mark.parametrize("language, width", [("en", 1280), ("ru", 360)])
def test_nothing_is_hidden_from_anybody(visit, lesson, language, width):
    page = visit(lesson, language, AXE, viewport={"width": width, "height": 800}, bypass_csp=True)
    expect(page.locator(".mark")).to_have_count(10)
    page.locator(".wave canvas").first.wait_for()
    page.locator("[data-zoom=closer]").click()
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += page.evaluate(ASK, [TAGS, None])
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_lesson_of_before_gets_its_waveform_while_somebody_looks(visit, live_server, lesson):
    services = live_server.services
    services.store.delete(services.raw, keys.derivative_key(lesson.video_key, ".peaks.dat"))
    page = visit(lesson)
    expect(page.locator(".wave canvas").first).to_be_visible(timeout=30_000)
    expect(page.locator("[data-part=note]")).to_be_empty()


def test_a_button_pressed_before_its_script_is_there_does_what_it_says_once(new_page, live_server, lesson):
    page, held = new_page(live_server, "en", "admin", timezone_id="Asia/Yekaterinburg"), []
    page.route("**/js/page.js", lambda route: held.append(route))
    page.goto(f"/lessons/{lesson.id}", wait_until="commit")
    button = page.get_by_role("button", name="Link for Label Studio")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(page.locator("#share")).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_role("dialog", name="Video Ready for Label Studio")).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(page.locator(".modal.show")).to_have_count(1)
    assert {"tz": "Asia/Yekaterinburg"}.items() <= {one["name"]: one["value"] for one in page.context.cookies()}.items()
    a_question_asked_in_a_dialog_holds_the_focus_and_leads_back(page)


def a_question_asked_in_a_dialog_holds_the_focus_and_leads_back(page):
    link = page.get_by_role("dialog", name="Video Ready for Label Studio")
    question = page.get_by_role("dialog", name="Revoke the stable link?")
    stable = page.locator("#stable-link").input_value()
    link.get_by_role("button", name="Revoke", exact=True).click()
    expect(question).to_be_focused()
    expect(link).to_be_hidden()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(link.get_by_role("button", name="Revoke", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    question.get_by_role("button", name="Revoke").click()
    expect(page.locator("#stable-link")).not_to_have_value(stable)


def test_the_beginning_of_the_transcript_plays_and_the_choice_of_a_lesson_follows_what_is_typed(visit, lesson, live_server):
    page = visit(lesson)
    line = page.locator(".excerpt .cue").nth(1)
    line.locator("a").click()
    page.wait_for_function("seconds => player.currentTime >= seconds", arg=float(line.locator("a").get_attribute("data-seek")))
    assert page.url.endswith(lesson.id)

    user = live_server.services.users.by_name("admin")
    for number in range(12):
        row = live_server.services.lessons.reserve(
            name=f"Найдётся {number:02}", owner_id=user.id, owner_name=user.name, size_bytes=1, parts=1, max_lessons=None,
            layout=lambda serial, number=number: (f"n{number}-{serial}/", f"n{number}-{serial}/v.mp4"), expires_s=9e12,
        )  # fmt: skip
        live_server.services.lessons.move_on(row.id, "uploading", "stored")
    page.goto("/dataset")
    expect(page.locator(".picks li")).to_have_count(8)
    page.get_by_role("searchbox").fill("найдётся 0")
    expect(page.locator(".finder [role=status]")).to_have_text("8 of 10 that fit. Type more of the name.")
    page.get_by_role("searchbox").fill("найдётся 03")
    expect(page.locator(".picks li")).to_have_count(1)
    page.get_by_role("link", name="Найдётся 03").click()
    expect(page.locator(".picker > summary")).to_contain_text("Найдётся 03")
    # Another one, from its page; the menu shuts with Escape.
    page.locator(".picker > summary").click()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator(".picker > summary")).to_be_focused()
    expect(page.locator(".finder")).to_be_hidden()
