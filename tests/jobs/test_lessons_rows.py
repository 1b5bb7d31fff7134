"""Lesson rows: slots that cannot be double-booked, names that never collide, offsets only one connection moves."""

import multiprocessing
import time

import pytest

from ppi.errors import Conflict, NotFound, QuotaExceeded
from ppi.jobs.lessons import Wanted
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
