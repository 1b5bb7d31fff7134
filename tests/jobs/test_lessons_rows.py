"""Lesson rows: slots that cannot be double-booked, names that never collide, offsets only one connection moves."""

import multiprocessing
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from ppi.errors import Conflict, NotFound, QuotaExceeded
from ppi.jobs.database import Database
from ppi.jobs.lessons import Wanted
from ppi.jobs.lessons_sqlite import SqliteLessons
from ppi.services import Services
from ppi.settings import Settings


def layout(serial):
    mark = "" if serial == 1 else f"-{serial}"
    return f"урок_20261121{mark}/", f"урок_20261121{mark}/видео.mp4"


def reserve(lessons, owner="u1", most=None, **changed):
    values = dict(
        name="урок", owner_id=owner, owner_name=owner, size_bytes=10, parts=1, max_lessons=most, layout=layout,
        expires_s=time.time() + 60,
    )  # fmt: skip
    return lessons.reserve(**(values | changed))


@pytest.fixture
def here(open_services):
    return open_services()


@pytest.fixture
def lessons(here):
    return here.lessons


def test_two_lessons_of_one_name_get_two_prefixes(lessons):
    assert [reserve(lessons).prefix for _ in range(3)] == ["урок_20261121/", "урок_20261121-2/", "урок_20261121-3/"]


def test_the_quota_counts_what_the_owner_holds_and_deleting_frees_it(lessons):
    first = reserve(lessons, most=1)
    with pytest.raises(QuotaExceeded):
        reserve(lessons, most=1)
    assert reserve(lessons, owner="u2", most=1)
    lessons.remove(first.id)
    assert reserve(lessons, most=1)


def _try(variables, start, out):
    lessons = Services(Settings.from_env(variables)).lessons
    start.wait()
    accepted = 0
    for _ in range(25):
        try:
            reserve(lessons, most=1)
            accepted += 1
        except QuotaExceeded:
            pass
    out.put(accepted)


def test_of_a_hundred_parallel_uploads_exactly_one_is_accepted(here, ground, tmp_path):
    context = multiprocessing.get_context("spawn")
    start, out = context.Event(), context.Queue()
    variables = {"PPI_DATA_DIR": str(tmp_path / "data"), **ground}
    processes = [context.Process(target=_try, args=(variables, start, out)) for _ in range(4)]
    for process in processes:
        process.start()
    start.set()
    accepted = [out.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sum(accepted) == 1 and len(here.lessons.list()) == 1


def test_an_offset_moves_only_from_where_it_stands(lessons):
    row = reserve(lessons)
    lessons.advance(row.id, 0, 4)
    with pytest.raises(Conflict):
        lessons.advance(row.id, 0, 4)
    assert lessons.get(row.id).offset_bytes == 4


def test_a_state_is_left_only_once(lessons):
    row = reserve(lessons)
    lessons.move_on(row.id, "uploading", "received")
    lessons.move_on(row.id, "received", "stored")
    lessons.move_on(row.id, "uploading", "received")
    assert lessons.get(row.id).state == "stored"


def test_a_key_leads_to_its_lesson(lessons):
    row = reserve(lessons)
    theirs, nobodys = "урок_20261121/видео.wav", "урок_2026112/видео.wav"
    assert {key: found.id for key, found in lessons.of_keys([nobodys, theirs, "видео.wav"]).items()} == {theirs: row.id}
    assert lessons.of_keys([]) == {}


def test_a_lost_row_is_written_again_and_a_kept_one_is_not_changed(lessons):
    row = reserve(lessons)
    lessons.advance(row.id, 0, 5)
    lessons.restore(row)
    assert lessons.get(row.id).offset_bytes == 5
    lessons.remove(row.id)
    assert lessons.missing([row.id]) == {row.id} and lessons.list() == []
    lessons.restore(row)
    assert lessons.get(row.id) == row and lessons.missing([row.id]) == set()


def test_a_stable_link_lives_until_it_is_revoked(here, lessons):
    links, row = here.links, reserve(lessons)
    token = links.token_for(row.id, row.video_key)
    assert links.token_for(row.id, row.video_key) == token
    assert links.key_of(token) == row.video_key
    assert links.revoke(row.id) == 1
    with pytest.raises(NotFound):
        links.key_of(token)
    assert links.token_for(row.id, row.video_key) != token


def test_the_links_of_a_deleted_lesson_end(here, lessons):
    row = reserve(lessons)
    token = here.links.token_for(row.id, row.video_key)
    lessons.remove(row.id)
    with pytest.raises(NotFound):
        here.links.key_of(token)


def test_one_request_at_a_time_writes_an_upload(open_services):
    first, second = open_services().upload_locks, open_services().upload_locks
    with first.hold("a"), second.hold("b"):
        with pytest.raises(Conflict), second.hold("a"):
            pass
    with second.hold("a") as keep:
        keep()


def named(lessons, name, owner="u1", **changed):
    return reserve(
        lessons, owner, name=name, layout=lambda serial: (f"{name}-{serial}/", f"{name}-{serial}/v.mp4"), **changed
    )  # fmt: skip


def test_a_list_comes_in_pieces_newest_first_without_what_is_being_deleted(lessons):
    made = [named(lessons, f"урок {number}", owner="u1" if number % 2 else "u2") for number in range(7)]
    rows, total = lessons.page(Wanted(), 2, 3)
    assert ([row.name for row in rows], total) == (["урок 4", "урок 3", "урок 2"], 7)
    rows, total = lessons.page(Wanted(owner_id="u1"), 0, 2)
    assert ([row.name for row in rows], total) == (["урок 5", "урок 3"], 3)
    assert lessons.page(Wanted(), 7, 3) == ([], 7)
    lessons.move_on(made[6].id, "uploading", "deleting")
    assert "урок 6" not in [row.name for row in lessons.page(Wanted(), 0, 9)[0]]


def test_a_list_is_searched_without_regard_to_case_narrowed_and_sorted(lessons):
    for name, owner, size_bytes in (("Алгебра", "Анна", 30), ("биология", "boris", 10), ("Вода 100%", "anna", 20)):
        named(lessons, name, owner=owner, size_bytes=size_bytes)
    names = lambda **wanted: [row.name for row in lessons.page(Wanted(**wanted), 0, 9)[0]]  # noqa: E731
    assert names(text="АЛГЕ") == ["Алгебра"] and names(text="анна") == ["Алгебра"] and names(text="%") == ["Вода 100%"]
    assert names(sort="name") == ["Алгебра", "биология", "Вода 100%"]
    assert names(sort="-size") == ["Алгебра", "Вода 100%", "биология"]
    assert names(sort="owner") == ["Вода 100%", "биология", "Алгебра"] and names(sort="created")[0] == "Алгебра"
    lessons.move_on(lessons.page(Wanted(text="биол"), 0, 1)[0][0].id, "uploading", "received")
    assert names(state="received") == ["биология"]
    ids = frozenset(row.id for row in lessons.page(Wanted(text="а"), 0, 9)[0][:1])
    assert len(names(among=ids)) == 1 and names(among=frozenset()) == []


def test_a_quota_of_bytes_counts_what_the_owner_holds(lessons):
    reserve(lessons, size_bytes=60, max_bytes=100)
    with pytest.raises(QuotaExceeded, match="hold videos of"):
        reserve(lessons, size_bytes=41, max_bytes=100)
    assert reserve(lessons, size_bytes=40, max_bytes=100) and reserve(lessons, owner="u2", size_bytes=100, max_bytes=100)
    assert lessons.held(["u1", "u2", "u3"]) == {"u1": (2, 100), "u2": (1, 100), "u3": (0, 0)}
    assert lessons.held(["u2"]) == {"u2": (1, 100)}


def test_of_parallel_uploads_only_as_many_bytes_are_accepted_as_there_is_room_for(open_services):
    accepted = []

    def upload():
        rows = open_services().lessons
        for _ in range(5):
            try:
                accepted.append(reserve(rows, size_bytes=30, max_bytes=100).id)
            except QuotaExceeded:
                continue

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 3


def test_what_lies_in_the_bin_is_in_no_list_and_holds_no_slot(lessons):
    rows = [named(lessons, name) for name in ("Алгебра", "Вода")]
    assert lessons.move_on(rows[0].id, "uploading", "binned", expires_s=5.0)
    assert not lessons.move_on(rows[0].id, "uploading", "stored")
    for wanted in (Wanted(), Wanted("u1"), Wanted(text="а"), Wanted(sort="name"), Wanted(sort="-size"), Wanted(sort="owner")):
        assert [row.id for row in lessons.page(wanted, 0, 9)[0]] == [rows[1].id] and lessons.page(wanted, 0, 9)[1] == 1
    assert lessons.held(["u1"]) == {"u1": (1, 10)} and lessons.get(rows[0].id).expires_s == 5.0
    assert [row.id for row in lessons.in_state("binned")] == [rows[0].id]
    with pytest.raises(QuotaExceeded):
        lessons.bring_back(rows[0].id, "stored", max_lessons=1, max_bytes=None)
    with pytest.raises(QuotaExceeded):
        lessons.bring_back(rows[0].id, "stored", max_lessons=None, max_bytes=19)
    assert lessons.bring_back(rows[0].id, "stored", max_lessons=2, max_bytes=20)
    assert not lessons.bring_back(rows[0].id, "stored", max_lessons=9, max_bytes=99)
    assert [row.name for row in lessons.page(Wanted(sort="name"), 0, 9)[0]] == ["Алгебра", "Вода"]
    assert lessons.in_state("binned") == [] and lessons.get(rows[0].id).expires_s == 0.0
    lessons.remove(rows[0].id)
    assert [row.id for row in lessons.in_state("uploading", "stored")] == [rows[1].id]
    assert lessons.page(Wanted(text="алгебра"), 0, 9) == ([], 0)


def test_a_narrowed_list_is_paged_in_its_order(lessons):
    for number in (3, 1, 2, 0):
        named(lessons, f"Урок {number}", owner="u1" if number else "u2", size_bytes=number)
    rows, total = lessons.page(Wanted(text="УРОК", sort="-name"), 1, 2)
    assert ([row.name for row in rows], total) == (["Урок 2", "Урок 1"], 4)
    rows, total = lessons.page(Wanted("u1", state="uploading", sort="size"), 0, 2)
    assert ([row.name for row in rows], total) == (["Урок 1", "Урок 2"], 3)
    assert [row.name for row in lessons.page(Wanted("u1", text="u1"), 0, 9)[0]] == ["Урок 2", "Урок 1", "Урок 3"]


def commands(lessons):
    """How many commands Redis has been given."""
    return sum(found["calls"] for found in lessons._database.client.info("commandstats").values())


def test_a_list_in_redis_takes_the_same_few_commands_however_long_it_is(open_services, ground):
    if not ground:
        pytest.skip("for SQLite the pages' own test counts")
    lessons = open_services().lessons
    named(lessons, "the first of all")
    lessons.page(Wanted(text="3"), 0, 3)
    asked = []
    for count in (3, 30):
        for number in range(count):
            named(lessons, f"{count}-{number}")
        for wanted in (Wanted(), Wanted(text="3"), Wanted(state="uploading", sort="name"), Wanted("u1", sort="-size")):
            before = commands(lessons)
            lessons.page(wanted, 0, 3)
            asked.append(commands(lessons) - before)
    assert asked[:4] == asked[4:]


def test_rows_that_a_version_before_wrote_into_redis_are_in_all_lists(open_services, ground):
    if not ground:
        pytest.skip("SQLite brings its file up to date")
    lessons = open_services().lessons
    row = named(lessons, "Вода")
    client = lessons._database.client
    for key in client.keys("ppi:lessons:*"):
        client.delete(key)
    client.hdel(f"ppi:lesson:{row.id}", "by_name", "by_owner")
    assert open_services().lessons.page(Wanted(text="вода", sort="name"), 0, 9) == ([row], 1)


def test_a_ledger_of_the_version_before_is_brought_up_to_date(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.executescript("""
            CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT, queue TEXT, created_s REAL, lesson_id TEXT, kind TEXT);
            CREATE TABLE lessons (id TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, name TEXT, owner_id TEXT, owner_name TEXT,
              video_key TEXT, size_bytes INTEGER, offset_bytes INTEGER, parts INTEGER, state TEXT, source_key TEXT,
              expires_s REAL, created_s REAL, place TEXT);
            CREATE INDEX lessons_of_owner ON lessons (owner_id, created_s);
            INSERT INTO lessons VALUES ('a', 'a/', 'Вода', 'u', 'Анна', 'a/v.mp4', 1, 1, 1, 'stored', '', 0, 1, '');
            PRAGMA user_version=3;""")
    lessons = SqliteLessons(Database(path))
    assert [row.name for row in lessons.page(Wanted(text="вОДА", sort="name"), 0, 9)[0]] == ["Вода"]
