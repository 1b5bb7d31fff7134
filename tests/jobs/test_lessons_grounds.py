"""SQLite and Redis answer alike, whatever was done to the rows before, and whatever happened to the server meanwhile."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest

from ppi.errors import ServerAway
from ppi.jobs.lessons import SORTS, LessonRow, Wanted
from ppi.services import Services
from tests.conftest import settings_for

NAMES = ("Алгебра", "алгебра 7", "Ёлка и ёж", "Straße", "100% воды", "урок\x01урок", "🙂 Вода", "a_b", "Б")
OWNERS = {"u1": "Анна", "u2": "boris", "u3": "100%"}
TEXTS = ("", "ал", "АЛГ", "ё", "ss", "ß", "%", "_", "\x01", "воды", "анна", "BOR", "🙂", "1", "нет такого")
STATES = ("", "stored", "received", "binned")


def row_of(chance: random.Random, number: int) -> LessonRow:
    """Names, owners and sizes come several times, so that something else decides the order."""
    owner_id = chance.choice(list(OWNERS))
    prefix = f"{number}/"
    return LessonRow(
        f"{number:x}" * 2, prefix, chance.choice(NAMES), owner_id, OWNERS[owner_id], f"{prefix}v.mp4", chance.randrange(3), 0,
        1, chance.choice(("stored", "received")), "", 0.0, 1_800_000_000.0 + number * 7 % 31 / 3,
    )  # fmt: skip


def change(chance: random.Random, rows: list[LessonRow], grounds: list) -> None:
    """The same change of one row on every ground, with the same answer."""
    row = chance.choice(rows)
    what = chance.choice(("binned", "binned", "stored", "deleting", "back", "remove"))
    if what == "remove":
        answers = [ground.remove(row.id) for ground in grounds]
    elif what == "back":
        answers = [ground.bring_back(row.id, "stored", max_lessons=None, max_bytes=None) for ground in known(grounds, row)]
    else:
        answers = [ground.move_on(row.id, ground.get(row.id).state, what, expires_s=7.0) for ground in known(grounds, row)]
    assert len(set(answers)) <= 1, what


def known(grounds: list, row: LessonRow) -> list:
    return [ground for ground in grounds if not ground.missing([row.id])]


def told(lessons, among: frozenset[str]) -> dict:
    """Everything that lists can be asked, by question."""
    answers = {}
    for owner_id in ("", "u1"):
        for sort in [*SORTS, *(f"-{sort}" for sort in SORTS)]:
            for text in TEXTS if sort in ("-created", "name") else TEXTS[:3]:
                for state in STATES if text in TEXTS[:2] else STATES[:1]:
                    wanted = Wanted(owner_id, text, state, None, sort)
                    answers[wanted] = lessons.page(wanted, 1, 4), lessons.page(wanted, 0, 99)
        narrow = Wanted(owner_id, "а", "", among)
        answers[narrow] = lessons.page(narrow, 0, 99)
    answers["held"] = lessons.held(list(OWNERS))
    return answers


@pytest.fixture
def both(own_redis, tmp_path):
    """`both()`: rows of the two grounds, as a new process finds them."""

    def open_both() -> list:
        variables = ({}, own_redis.variables())
        return [Services(settings_for(tmp_path / str(number), **more)).lessons for number, more in enumerate(variables)]

    return open_both


def test_both_grounds_answer_every_list_alike_also_after_a_crash(both, own_redis):
    chance = random.Random(6)
    rows = [row_of(chance, number) for number in range(1, 31)]
    grounds = both()
    for lessons in grounds:
        for row in rows:
            lessons.restore(row)
    among = frozenset(row.id for row in rows[::3])
    sqlite, redis = (told(lessons, among) for lessons in grounds)
    assert sqlite == redis and sum(total for (_, total), _ in list(sqlite.values())[:15]) > 30
    for _ in range(40):
        change(chance, rows, grounds)
    after = told(grounds[0], among)
    assert after == told(grounds[1], among) and after != sqlite
    own_redis.kill()
    own_redis.start()
    assert told(both()[1], among) == after


def test_a_server_that_is_killed_in_the_middle_of_changes_leaves_every_list_true_to_the_rows(both, own_redis):
    chance = random.Random(7)
    rows = [row_of(chance, number) for number in range(1, 21)]
    lessons = both()[1]
    for row in rows:
        lessons.restore(row)
    changed = threading.Event()

    def keep_changing():
        try:
            for turn in range(100_000):
                row = rows[turn % len(rows)]
                lessons.move_on(row.id, "binned" if turn // len(rows) % 2 else row.state, "binned")
                lessons.bring_back(row.id, row.state, max_lessons=None, max_bytes=None)
                if turn > 50:
                    changed.set()
        except ServerAway:
            return

    worker = threading.Thread(target=keep_changing)
    worker.start()
    assert changed.wait(30)
    own_redis.kill()
    worker.join()
    own_redis.start()
    found = both()[1]
    shown = {row.id for row in rows if found.get(row.id).state != "binned"}
    for wanted in (Wanted(), Wanted(sort="name"), Wanted(sort="size"), Wanted(sort="owner"), Wanted(sort="-size")):
        assert {row.id for row in found.page(wanted, 0, 99)[0]} == shown
    assert {row.id for owner in OWNERS for row in found.page(Wanted(owner), 0, 99)[0]} == shown
    for row in rows:
        assert (row.id in {one.id for one in found.page(Wanted(text=row.name), 0, 99)[0]}) == (row.id in shown)
    assert sum(count for count, _ in found.held(list(OWNERS)).values()) == len(shown)


def test_a_search_reads_names_again_only_when_another_process_changed_a_list(both, own_redis):
    here, there = both()[1], both()[1]
    rows = [replace(row_of(random.Random(1), number), name=f"Урок {number}") for number in range(1, 6)]
    for row in rows:
        there.restore(row)
    found = lambda: [row.name for row in here.page(Wanted(text="урок", sort="name"), 0, 9)[0]]  # noqa: E731
    read = lambda: own_redis.client().info("commandstats")["cmdstat_zrange"]["calls"]  # noqa: E731
    assert len(found()) == 5
    before = read()
    assert len(found()) == 5 and read() == before
    there.move_on(rows[0].id, rows[0].state, "binned")
    assert found() == ["Урок 2", "Урок 3", "Урок 4", "Урок 5"] and read() > before
    there.remove(rows[1].id)
    assert len(found()) == 3
    own_redis.wipe()
    assert found() == []
    there.restore(rows[4])
    assert found() == ["Урок 5"]


def test_lessons_of_one_size_stand_in_the_order_they_were_made(both):
    made = [replace(row_of(random.Random(1), number), size_bytes=5, created_s=2e9 - number) for number in range(1, 10)]
    for lessons in both():
        for row in made:
            lessons.restore(row)
        assert [row.id for row in lessons.page(Wanted(sort="size"), 0, 9)[0]] == [row.id for row in reversed(made)]
