"""The transcript's page in Chromium: a teacher plays from a word, searches, corrects, undoes, and takes the text away."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from ppi.records import Segment, Transcript, Word
from ppi.workflows import corrections, local, runner, word_lists
from tests.conftest import DATA


def spoken(*parts: tuple[str, str, tuple[str, ...]]) -> Transcript:
    """Segments of four seconds: text, speaker, flags. Words that begin with a tilde were heard badly."""
    segments = []
    for place, (text, speaker, flags) in enumerate(parts):
        tokens, start_s = text.split(), 4.0 * place
        step_s = 3.6 / len(tokens)
        words = tuple(
            Word(
                token.lstrip("~"), round(start_s + n * step_s, 3), round(start_s + (n + 1) * step_s, 3),
                0.2 if "~" in token else 0.9,
            )
            for n, token in enumerate(tokens)
        )  # fmt: skip
        segments.append(Segment(start_s, start_s + 3.6, text.replace("~", ""), words, speaker, "", flags))
    return Transcript(tuple(segments), "ru", "whisper", "base", 63.92)


SAID = spoken(
    ("Доброе утро, ребята!", "Учитель", ()), ("Почему идёт ~дощь?", "Учитель", ()), ("Вода испаряется и падает.", "Аня", ()),
    ("Ещё раз: вода ~испоряется.", "Учитель", ("repetition",)),
    *((f"Это предложение {n}.", "Учитель", ()) for n in range(5, 15)),
)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(live_server):
    job = local.ingest_file(live_server.services, DATA / "sample_lesson.mp4", "Урок о дожде", "admin")
    return runner.wait_for(live_server.services, job).lesson_id


@pytest.fixture
def lesson(live_server, prepared):
    """The lesson with a fresh transcript: what another test corrected is only in the history."""
    row = live_server.services.lessons.get(prepared)
    corrections.keep_new(live_server.services, row, SAID)
    return row


@pytest.fixture
def visit(new_page, live_server, lesson):
    """`visit("en")`: the page of somebody logged in."""

    def make(language="en", **options):
        page = new_page(live_server, language, "admin", reduced_motion="reduce", **options)
        page.goto(f"/lessons/{lesson.id}/transcript")
        return page

    return make


def word(page, text):
    return page.locator(".text > span", has_text=re.compile(f"^{re.escape(text)}$")).first


def seconds(page) -> float:
    return page.evaluate("document.getElementById('player').currentTime")


def went_to(page, press) -> float:
    """The second that the player goes to with this press, however long it has played before anybody asks."""
    page.evaluate("""() => document.getElementById("player").addEventListener("seeking",
      (said) => { window.went = said.target.currentTime; }, { once: true })""")
    press()
    return page.wait_for_function("() => window.went").json_value()


def field_at(page, time):
    return page.get_by_role("textbox", name=f"Text at {time}")


def saved(page):
    expect(page.locator("#saving")).to_have_text("Saved")


def test_a_click_on_a_word_plays_from_it_and_the_word_is_lit(visit):
    page = visit()
    word(page, "испаряется").click()
    expect(page.locator("#play")).to_have_text("Pause")
    expect(page.locator(".segment.now")).to_contain_text("Вода испаряется")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Play")
    lit = page.locator(".text > span.lit")
    times_s = page.locator(".text > span").evaluate_all("spans => spans.map((span) => Number(span.dataset.t))")
    begun = lambda moment_s: max(time_s for time_s in times_s if time_s <= moment_s)  # noqa: E731
    lit_s, now_s = float(lit.get_attribute("data-t")), seconds(page)
    assert begun(now_s - 0.2) <= lit_s <= begun(now_s + 0.03) and now_s >= 8.9, "the word under the playhead"
    before_s = seconds(page)
    page.keyboard.press("ArrowLeft")
    assert seconds(page) == pytest.approx(before_s - 3, abs=0.2)


def test_doubtful_words_come_one_after_the_other(visit):
    page = visit()
    doubtful = page.locator(".text > span.doubtful")
    assert doubtful.all_inner_texts() == ["дощь?", "испоряется."]
    assert doubtful.first.get_attribute("title") == "heard with a certainty of 20 %"
    expect(page.get_by_text("the same words again and again")).to_be_visible()
    begun_s = went_to(page, lambda: page.keyboard.press("n"))
    page.keyboard.press("Space")
    assert begun_s == pytest.approx(float(doubtful.first.get_attribute("data-t")) - 0.5, abs=0.5)
    page.get_by_role("button", name="Next doubtful word").click()
    assert seconds(page) >= float(doubtful.last.get_attribute("data-t")) - 0.6


def test_words_without_an_exact_time_are_dotted_quietly_and_doubt_goes_first(visit, live_server, lesson):
    first, second, *rest = SAID.segments
    first = replace(first, words=tuple(replace(word, unaligned=True) for word in first.words))
    second = replace(second, words=(*second.words[:2], replace(second.words[2], unaligned=True)))
    aligned = replace(SAID, segments=(first, second, *rest), hearing={"aligner": "letters"})
    corrections.keep_new(live_server.services, lesson, aligned)
    page = visit()
    assert page.locator("#s0 .unaligned").count() == 3
    assert line_of(page.locator("#s0 .unaligned").first) == "dotted"
    assert line_of(page.locator("#s1 .doubtful.unaligned")) == "wavy"
    expect(page.get_by_text("Words whose time is not exact are")).to_be_visible()
    expect(page.locator("#s0 .word-marks")).to_have_text(re.compile("^not found by the aligner.*: Доброе, утро, ребята$"))
    page.keyboard.press("n")
    page.keyboard.press("Space")
    doubtful_s = float(page.locator("#s1 .doubtful").get_attribute("data-t"))
    assert seconds(page) >= doubtful_s - 0.6, "a time that is not exact is no doubt about the text"
    page.get_by_role("button", name="Correct the text at 00:00").click()
    field_at(page, "00:00").fill("Доброе и светлое утро, ребята!")
    page.keyboard.press("Enter")
    expect(page.locator("#s0 .text > .shared").first).to_have_attribute("title", "its time was shared out by letters")
    expect(page.locator("#s0 .word-marks")).to_contain_text("its time was shared out by letters: и, светлое")
    page.locator("summary", has_text="How it was heard").click()
    expect(page.locator("#hearing")).to_contain_text("Words the aligner did not find")


def line_of(word) -> str:
    return word.evaluate("span => getComputedStyle(span).textDecorationStyle")


def test_who_speaks_is_said_by_keys_and_by_hand_and_undone(visit, live_server, lesson):
    page = visit()
    speakers = lambda: [segment.speaker for segment in corrections.load(live_server.services, lesson).transcript.segments]  # noqa: E731
    page.get_by_role("button", name="Say who speaks at 00:04").click()
    form = page.get_by_role("form", name="Say who speaks at 00:04")
    expect(form.get_by_role("button", name="Учитель")).to_be_focused()
    expect(form.get_by_role("button", name="Учитель")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("2")
    saved(page)
    expect(page.get_by_role("button", name="Say who speaks at 00:04")).to_be_focused()
    expect(page.locator("#s1 .about b")).to_have_text("Аня")
    expect(page.locator("#s2 .about")).to_have_count(0)
    assert speakers()[:4] == ["Учитель", "Аня", "Аня", "Учитель"]
    page.keyboard.press("Control+z")
    expect(page.locator("#s1 .about")).to_have_count(0)
    expect(page.locator("#s2 .about b")).to_have_text("Аня")
    page.locator("#s3 .who").focus()
    page.keyboard.press("s")
    form = page.get_by_role("form", name="Say who speaks at 00:12")
    form.get_by_role("textbox", name="Somebody else").fill("Директор")
    form.get_by_role("checkbox").check()
    form.get_by_role("textbox").press("Enter")
    expect(page.locator("#s3 .about b")).to_have_text("Директор")
    expect(page.locator("#speakers")).to_contain_text("Директор")
    assert speakers()[3:] == ["Директор"] * 11
    page.keyboard.press("s")
    expect(page.get_by_role("form", name="Say who speaks at 00:12").get_by_role("button", name="Директор")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("form.choosing")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#s3 .about b")).to_have_text("Учитель")


def test_what_is_right_is_ticked_off_by_a_key_and_passed_over_from_then_on(visit, live_server, lesson):
    page = visit()
    page.keyboard.press("n")
    page.keyboard.press("r")
    saved(page)
    expect(page.locator("#s1 .doubtful")).to_have_count(0)
    expect(page.locator("#s3 .text > span.doubtful")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.locator("#s3 .checked")).to_have_text("✓ checked by a person")
    expect(page.locator("#s3 .doubtful")).to_have_count(0)
    expect(page.get_by_role("button", name="Next doubtful word")).to_be_disabled()
    kept = corrections.load(live_server.services, lesson).transcript
    assert kept.segments[1].words[2].checked and not kept.segments[1].checked and kept.segments[3].checked
    page.keyboard.press("Control+z")
    expect(page.locator("#s3 .doubts")).to_contain_text("the same words again and again")
    page.get_by_role("button", name="Right as it is").last.click()
    expect(page.locator("#s3 .checked")).to_be_visible()


def test_search_counts_hits_across_words_and_goes_through_them(visit):
    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("ВОДА ИСПАР")
    expect(page.locator("#hits")).to_have_text("1 of 1")
    page.fill("#find", "еще")
    expect(page.locator("#hits")).to_have_text("1 of 1")
    page.fill("#find", "вода")
    expect(page.locator("#hits")).to_have_text("1 of 2")
    page.keyboard.press("Enter")
    expect(page.locator("#hits")).to_have_text("2 of 2")
    page.get_by_role("button", name="Previous hit").click()
    expect(page.locator("#hits")).to_have_text("1 of 2")
    expect(page.locator(".text > span.here")).to_have_text("Вода")
    page.fill("#find", "самолёт")
    expect(page.locator("#hits")).to_have_text("nothing found")


def test_a_word_is_corrected_undone_redone_and_stands_in_the_download(visit):
    page = visit()
    page.get_by_role("button", name="Correct the text at 00:04").click()
    field = field_at(page, "00:04")
    expect(field).to_have_value("Почему идёт дощь?")
    field.fill("Почему идёт дождь?")
    expect(page.locator("#saving")).to_have_text("Not saved yet")
    saved(page)
    field.press("Escape")
    expect(page.locator("#s1 .text")).to_have_text("Почему идёт дождь?")
    expect(page.locator("#s1 .doubtful")).to_have_count(0)
    expect(page.locator("#edited-note")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("#s1 .text")).to_have_text("Почему идёт дощь?")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator("#s1 .text")).to_have_text("Почему идёт дождь?")
    with page.expect_download() as got:
        page.get_by_role("link", name="Text, TXT").click()
    assert "Почему идёт дождь?" in got.value.path().read_text(encoding="utf-8")
    page.reload()
    expect(page.locator("#s1 .text")).to_have_text("Почему идёт дождь?")


def test_correcting_goes_on_with_the_next_segment_and_enter_ends_it(visit):
    page = visit()
    page.get_by_role("button", name="Correct the text at 00:00").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Добрый день!")
    page.keyboard.press("Control+Enter")
    expect(field_at(page, "00:04")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_have_count(0)
    expect(page.locator("#s0 .text")).to_have_text("Добрый день!")


def test_two_people_at_one_segment_see_both_texts_and_choose(visit, live_server, lesson):
    page = visit()
    now = corrections.load(live_server.services, lesson)
    corrections.edit(live_server.services, lesson, who="anna", base=now.version, number=1, text="Почему идут дожди?")
    page.get_by_role("button", name="Correct the text at 00:04").click()
    field_at(page, "00:04").fill("Почему идёт дождь?")
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("Почему идут дожди?")
    expect(page.locator("#saving")).to_contain_text("anna changed this segment meanwhile")
    expect(field_at(page, "00:04")).to_have_value("Почему идёт дождь?")
    conflict.get_by_role("button", name="Keep my text").click()
    saved(page)
    assert corrections.load(live_server.services, lesson).transcript.segments[1].text == "Почему идёт дождь?"


def test_what_is_typed_while_the_server_is_away_is_kept_and_saved_when_it_is_back(visit, live_server, lesson):
    page = visit()
    page.route("**/transcript/edit", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Correct the text at 00:04").click()
    field_at(page, "00:04").fill("Почему идёт дождь?")
    page.keyboard.press("Escape")
    expect(page.locator("#saving")).to_contain_text("The server does not answer")
    expect(field_at(page, "00:04")).to_have_value("Почему идёт дождь?")
    field_at(page, "00:04").press("End")
    page.keyboard.type("!")
    saved(page)
    assert corrections.load(live_server.services, lesson).transcript.segments[1].text == "Почему идёт дождь?!"


def test_an_earlier_version_is_restored_from_the_list(visit, live_server, lesson):
    now = corrections.load(live_server.services, lesson)
    corrections.edit(live_server.services, lesson, who="anna", base=now.version, number=0, text="Здравствуйте!")
    page = visit("ru")
    page.locator("summary", has_text="Версии").click()
    page.get_by_role("button", name="Восстановить").first.click()
    page.locator("#confirm-yes").click()
    expect(page.locator("#s0 .text")).to_have_text("Доброе утро, ребята!")


def test_the_keys_are_listed_and_a_file_is_taken_instead(visit, tmp_path):
    page = visit("ru", viewport={"width": 390, "height": 844})
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Клавиши")).to_contain_text("следующее сомнительное слово")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Клавиши")).to_be_hidden()
    made = tmp_path / "урок.srt"
    made.write_text("1\n00:00:01,000 --> 00:00:03,000\nТекст из титров.\n", encoding="utf-8")
    page.locator("summary", has_text="Загрузить готовую расшифровку").click()
    page.set_input_files("#transcript", made)
    page.locator("#give-form button[type=submit]").click()
    expect(page.locator("#s0 .text")).to_have_text("Текст из титров.")


def test_the_transcript_is_read_without_scripts(visit):
    page = visit(java_script_enabled=False)
    expect(page.locator("#s2 .text")).to_have_text("Вода испаряется и падает.")
    page.locator("#s2 .at").click()
    expect(page.locator("#player")).to_have_attribute("src", re.compile("#t=8.0$"))
    assert page.locator("#tools").is_hidden()
    page.get_by_role("link", name="Correct the text at 00:08").click()
    page.get_by_role("textbox", name="Text at 00:08").fill("Вода испаряется.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#s2 .text")).to_have_text("Вода испаряется.")


def test_a_list_of_words_is_kept_chosen_and_deleted_after_a_question(visit, live_server, lesson):
    admin = live_server.services.users.by_name("admin")
    for one in word_lists.load(live_server.services, admin).lists:  # of other stories on this server
        word_lists.delete(live_server.services, admin, one.id)
    page = visit()
    page.goto(f"/lessons/{lesson.id}")
    page.locator("summary", has_text="Transcribe again").click()
    page.get_by_role("link", name="Keep a list for several lessons").click()
    page.get_by_role("textbox", name="Name of the list").fill("Physics 7B")
    page.get_by_role("textbox", name="Names and subject words").fill("Anna Petrovna\nsteam")
    page.get_by_role("button", name="Keep the list").click()
    expect(page.locator("summary", has_text="Physics 7B")).to_contain_text("Anna Petrovna, steam")
    page.get_by_role("link", name="Урок о дожде").click()
    page.locator("summary", has_text="Transcribe again").click()
    chosen = page.get_by_role("combobox", name="List of names and subject words")
    chosen.select_option("Physics 7B")
    page.route("**/api/transcribe", lambda route: route.fulfill(status=409, json={"success": False, "error": "Enough."}))
    with page.expect_request("**/api/transcribe") as asked:
        page.get_by_role("button", name="Transcribe Audio").click()
    assert asked.value.post_data_json["word_list"] == chosen.input_value() != ""
    page.get_by_role("link", name="Change your lists").click()
    page.wait_for_url("**/words?*")  # with its scripts, which ask in a dialog
    page.locator("summary", has_text="Physics 7B").click()
    page.get_by_role("button", name="Delete: Physics 7B").click()
    expect(page.locator("#confirm")).to_contain_text("Transcripts that were made with it keep its words.")
    page.locator("#confirm-yes").click()
    expect(page.get_by_text("You keep no list yet.")).to_be_visible()
