"""Lists of names and subject words: kept by an account, chosen for a lesson, and heard by the recogniser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.errors import Conflict, InputError, NotFound
from ppi.services import Services
from ppi.speech import recognizer, whisper
from ppi.storage import keys
from ppi.web.app import build_app
from ppi.workflows import corrections, plain, runner, word_lists
from tests.conftest import PASSWORD, settings_for, with_people
from tests.fixtures_speech import RATE_HZ, write_wav
from tests.web.spoken import lesson_of
from tests.web.test_plain_forms import ACCEPT, Forms


@pytest.fixture
def anna(session_for):
    """A browser without scripts, logged in."""
    return session_for("anna")


def keep(client, name: str, words: str, **fields: str):
    _, hidden = Forms(client.get("/words").text).to("/words")
    return client.post("/words", data={**hidden, "id": "", "name": name, "words": words, **fields}, headers=ACCEPT)


def test_a_list_is_kept_changed_and_deleted_without_scripts_and_is_nobody_elses(services, anna, session_for):
    assert "You keep no list yet." in anna.get("/words").text
    assert keep(anna, " Physics  7B", "Anna Petrovna;steam\nsteam, heat capacity,, ").status_code == 302
    (kept,) = word_lists.load(services, services.users.by_name("anna")).lists
    assert (kept.name, kept.words) == ("Physics 7B", "Anna Petrovna, steam, heat capacity")
    page = anna.get("/words").text
    assert "The list “Physics 7B” was saved." in page and "You keep no list yet." not in page
    for other in ("boris", "admin"):
        theirs = session_for(other)
        assert "heat capacity" not in theirs.get("/words").text
        _, fields = Forms(theirs.get("/words").text).to("/words")
        assert theirs.post(f"/words/{kept.id}/delete", data={**fields, "sure": "yes"}, headers=ACCEPT).status_code == 404
    keep(anna, "Physics 8", "volt", id=kept.id)
    (changed,) = word_lists.load(services, services.users.by_name("anna")).lists
    assert (changed.id, changed.name, changed.words) == (kept.id, "Physics 8", "volt")
    action, fields = Forms(anna.get("/words").text).to("/delete")
    question = anna.post(action, data=fields, headers={**ACCEPT, "Referer": "http://localhost/words"})
    assert "Transcripts that were made with it keep its words." in question.text
    assert word_lists.load(services, services.users.by_name("anna")).lists == (changed,), "nothing was deleted yet"
    assert anna.post(action, data={**fields, "sure": "yes"}, headers=ACCEPT).status_code == 302
    assert word_lists.load(services, services.users.by_name("anna")).lists == ()
    acts = [(act.action, act.object) for act in services.audit.find(limit=9)]
    assert ("keep list of words", "Physics 7B") in acts and ("delete list of words", "Physics 8") in acts


def test_what_cannot_be_kept_is_said_and_stands_in_the_form_as_it_was_typed(services, anna, monkeypatch):
    keep(anna, "Physics", "volt")
    long = ", ".join(f"word{number}" for number in range(80))
    for name, words, told, status in (
        ("Biology", long, "have 628 characters together; the recogniser takes 500 at most", 400),
        ("Biology", " ,;\n", "This list is empty.", 400), ("  ", "leaf", "A list&#39;s name has 1 to 60 characters", 400),
        ("PHYSICS", "leaf", "You keep a list called “PHYSICS” already", 409),
    ):  # fmt: skip
        refused = keep(anna, name, words)
        assert refused.status_code == status and told in refused.text, told
        assert f">{words}</textarea>" in refused.text
    user = services.users.by_name("anna")
    monkeypatch.setattr(word_lists, "MOST_LISTS", 2)
    word_lists.save(services, user, name="Biology", words="leaf")
    with pytest.raises(InputError, match="You may keep 2 lists"):
        word_lists.save(services, user, name="Chemistry", words="acid")
    assert "New list" not in anna.get("/words").text and "You may keep 2 lists" in anna.get("/words").text


def test_programs_keep_change_list_and_delete_lists_as_people_do(services, client_for):
    anna, boris = client_for("anna"), client_for("boris")
    made = anna.post("/words", json={"name": " Физика  7Б", "words": "пар;лёд\nпар"})
    assert made.status_code == 200 and (made.json["name"], made.json["words"]) == ("Физика 7Б", "пар, лёд")
    kept = made.json["id"]
    changed = anna.post("/words", json={"id": kept, "name": "Физика 8", "words": "вольт"}).json
    assert changed == {"success": True, "id": kept, "name": "Физика 8", "words": "вольт"}
    assert anna.get("/words").json["lists"] == [{"id": kept, "name": "Физика 8", "words": "вольт"}]
    for given, status in (
        ({"name": "физика 8", "words": "ом"}, 409), ({"name": "", "words": "ом"}, 400), ({"name": "Химия"}, 400),
        ({"name": 7, "words": "ом"}, 400), (["Химия"], 400), ({"id": [kept], "name": "Химия", "words": "ом"}, 400),
    ):  # fmt: skip
        refused = anna.post("/words", json=given)
        assert refused.status_code == status and refused.json["error"], given
    assert boris.get("/words").json["lists"] == [] and boris.post(f"/words/{kept}/delete").status_code == 404
    assert anna.post(f"/words/{kept}/delete").json == {"success": True} and anna.get("/words").json["lists"] == []


def test_of_several_who_save_at_once_each_is_kept_for_all(open_services):
    """Other services on the same store, with locks of the system or in Redis, see the same lists."""
    services = with_people(open_services())
    user = services.users.by_name("anna")
    others = [services, open_services()]

    def save(number: int) -> None:
        word_lists.save(others[number % 2], user, name=f"List {number}", words=f"word {number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(save, range(12)))
    kept = word_lists.load(others[1], user).lists
    assert {one.name for one in kept} == {f"List {number}" for number in range(12)}
    word_lists.choose(others[1], user, kept[5].id)
    now = word_lists.load(services, user)
    assert (now.last, now.lists[0], len(now.lists)) == (kept[5].id, kept[5], 12)
    word_lists.choose(services, user, "")
    assert word_lists.load(others[1], user).last == "", "none is a choice, too"


def test_a_list_that_was_deleted_elsewhere_is_there_again_when_it_is_saved(services):
    user = services.users.by_name("anna")
    kept = word_lists.save(services, user, name="Physics", words="volt")
    word_lists.delete(services, user, kept.id)
    with pytest.raises(NotFound):
        word_lists.delete(services, user, kept.id)
    assert word_lists.save(services, user, name="Physics", words="volt, watt", list_id=kept.id).words == "volt, watt"
    with pytest.raises(Conflict):
        word_lists.save(services, user, name="physics", words="ohm")


@pytest.fixture(params=["faster-whisper", "whisper"])
def hearing(request, tmp_path):
    """PPI with a model, a lesson of anna's with sound, and what the recogniser's process is asked."""
    variables = {"SPEECH_ENGINE": request.param, "WHISPER_MODEL_SIZE": "base", "PPI_SPEECH_PHRASES": "PPI"}
    services = with_people(Services(settings_for(tmp_path / "data", **variables)))
    row = lesson_of(services, "anna", said=None)
    noise = (np.random.default_rng(1).normal(0, 0.1, RATE_HZ) * 32767).astype(np.int16)
    sound = write_wav(tmp_path / "noise.wav", noise).read_bytes()
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".wav"), sound)
    return services, row


@pytest.fixture
def asked(monkeypatch):
    """What the model's process is asked; it hears nothing. That it hears by the phrases it is given, its own tests show."""
    found = []
    monkeypatch.setattr(whisper.model_child, "call", lambda target, wanted, *_, **__: found.append(wanted))
    return found


def test_the_list_that_is_chosen_reaches_the_recogniser_stands_in_the_transcript_and_is_offered_first(hearing, asked):
    services, row = hearing
    client = build_app(services).test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    user = services.users.by_name("anna")
    word_lists.save(services, user, name="Biology", words="leaf")
    physics = word_lists.save(services, user, name="Physics 7B", words="Anna Petrovna, steam")
    page = client.get(f"/lessons/{row.id}").text
    assert '<option value="" >' not in page and page.index("Biology</option>") < page.index("Physics 7B</option>")
    action, fields = Forms(page).to("/api/transcribe")
    given = {**fields, "word_list": physics.id, "phrases": "Nikanor, steam", "language": "ru"}
    sent = client.post(action, data=given, headers=ACCEPT)
    assert sent.status_code == 302, sent.text
    runner.do_next(services, runner.make_worker(services), "speech")
    assert (asked[0]["phrases"], asked[0]["language"]) == ("PPI, Anna Petrovna, steam, Nikanor", "ru")
    told = corrections.load(services, row).transcript.hearing
    assert (told["phrases"], told["word_list"]) == ("PPI, Anna Petrovna, steam, Nikanor", "Physics 7B")
    page = client.get(f"/lessons/{row.id}").text
    assert page.index("Physics 7B</option>") < page.index("Biology</option>")
    assert f'<option value="{physics.id}" selected>' in page
    heard = client.get(f"/lessons/{row.id}/transcript").text
    assert '<dt>From the list</dt><dd class="text-break">Physics 7B</dd>' in heard


def test_programs_name_a_list_and_are_told_of_one_that_is_not_there_or_too_much(services, client_for):
    row = lesson_of(services, "anna", said=None)
    user = services.users.by_name("anna")
    word_lists.save(services, user, name="Физика 7Б", words="пар, лёд")
    anna, admin = client_for("anna"), client_for("admin")
    given = {"file_id": row.id, "word_list": "физика 7б"}
    assert admin.post("/api/transcribe", json=given).status_code == 404, "a list is its owner's"
    refused = anna.post("/api/transcribe", json={**given, "engine": "whisper", "phrases": "ж" * 495})
    assert refused.status_code == 400 and "505 characters" in refused.json["error"]
    answer = anna.post("/api/transcribe", json=given)
    assert services.ledger.get(answer.json["transcription_file_id"]).input["phrases"] == "пар, лёд"
    unknown = anna.post("/api/transcribe", json={"file_id": row.id, "word_list": "Химия"}, headers={"Accept-Language": "ru"})
    assert unknown.status_code == 404 and "У вас нет списка слов «Химия»" in unknown.json["error"]


def test_on_the_command_line_the_words_come_from_a_file(tmp_path, monkeypatch):
    given = []

    def transcribe_file(media, out, **wanted):
        given.append(wanted["phrases"])
        raise InputError("Heard enough.")

    monkeypatch.setattr(plain, "transcribe_file", transcribe_file)
    (tmp_path / "words.txt").write_text("\ufeffАнна Петровна\nпар; лёд\n", encoding="utf-8")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    call = ["transcribe", str(tmp_path / "a.wav"), "--out", str(tmp_path), "--phrases", "пар, Никанор", "--word-list"]
    CliRunner().invoke(main, [*call, str(tmp_path / "words.txt")])
    assert given == ["Анна Петровна, пар, лёд, Никанор"]
    for name, told in (("bad.txt", "no text in UTF-8"), ("none.txt", "There is no file")):
        assert told in CliRunner().invoke(main, [*call, str(tmp_path / name)]).output
    with pytest.raises(InputError, match="501 characters"):
        recognizer.check_phrases("x" * 501)
