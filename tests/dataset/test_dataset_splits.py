"""Splits: groups stay whole, the seed decides, patterns are alike as far as groups allow, and empty splits are explained."""

import random

import pytest

from ppi.dataset import splits
from ppi.dataset.splits import Shares
from ppi.errors import InputError


def row(lesson, *names, teacher=""):
    patterns = [{"type": name, "description": ""} for name in names or ("Похвала",)]
    return {"lesson": lesson, "teacher": teacher, "patterns": patterns, "start_time": 0.0, "end_time": 2.0, "split": "train"}


def many(count=40, seed=1):
    """Lessons of unlike sizes with patterns in unlike mixtures."""
    dice = random.Random(seed)
    names = ("Похвала", "Вопрос", "Введение", "Юмор")
    return [
        row(f"урок {number}", *dice.sample(names, dice.choice((1, 1, 2))))
        for number in range(count)
        for _ in range(dice.randint(5, 30))
    ]


def share_of(rows, groups, split, name):
    inside = [item for item in rows if any(pattern["type"] == name for pattern in item["patterns"])]
    return sum(groups[splits.group_of(item)] == split for item in inside) / len(inside)


def test_the_same_seed_gives_the_same_splits_in_any_order_of_rows():
    rows = many()
    again = list(rows)
    random.Random(7).shuffle(again)
    assert splits.assign(rows, Shares(seed=3)) == splits.assign(again, Shares(seed=3))
    assert len({tuple(sorted(splits.assign(rows, Shares(seed=seed)).items())) for seed in range(5)}) > 1


def test_samples_and_every_pattern_come_close_to_their_shares():
    rows = many()
    groups = splits.assign(rows, Shares(70, 15, 15))
    for split, wanted in (("train", 0.70), ("validation", 0.15), ("test", 0.15)):
        got = sum(groups[splits.group_of(item)] == split for item in rows) / len(rows)
        assert abs(got - wanted) < 0.03
        for name in ("Похвала", "Вопрос", "Введение", "Юмор"):
            assert abs(share_of(rows, groups, split, name) - wanted) < 0.06


def test_it_comes_closer_than_chance_does():
    rows, wanted = many(12, seed=5), {"train": 0.8, "validation": 0.1, "test": 0.1}
    names = ("Похвала", "Вопрос", "Введение", "Юмор")

    def distance(groups):
        return sum(abs(share_of(rows, groups, split, name) - wanted[split]) for split in wanted for name in names)

    dice, lessons = random.Random(0), sorted({splits.group_of(item) for item in rows})
    by_chance = [
        distance(dict(zip(dice.sample(lessons, 12), ["train"] * 10 + ["validation", "test"], strict=True))) for _ in range(50)
    ]
    assert distance(splits.assign(rows, Shares())) < sorted(by_chance)[5]


def test_a_teacher_is_in_one_split_with_all_lessons():
    rows = [row(f"урок {number}", teacher=f"T{number % 4}") for number in range(20)]
    groups = splits.assign(rows, Shares())
    assert set(groups) == {f"teacher T{number}" for number in range(4)}
    assert set(groups.values()) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("lessons", "filled"), [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "test", "validation"})]
)  # fmt: skip
def test_few_lessons_fill_train_first_and_the_report_says_so(lessons, filled):
    rows = [row(f"урок {number}") for number in range(lessons) for _ in range(4)]
    groups = splits.assign(rows, Shares())
    assert set(groups.values()) == filled
    note = splits.note(groups, Shares())
    assert bool(note) == (lessons < 3)
    assert lessons != 1 or "one lesson" in note
    assert lessons != 2 or "Nothing is in validation" in note


def test_a_split_nobody_wants_stays_empty_without_a_word():
    rows = [row(f"урок {number}") for number in range(6)]
    groups = splits.assign(rows, Shares(80, 0, 20))
    assert set(groups.values()) == {"train", "test"} and splits.note(groups, Shares(80, 0, 20)) == ""


def test_the_report_counts_samples_time_and_patterns():
    rows = [row("a", "Похвала", "Вопрос"), row("b") | {"split": "test"}]
    found = splits.report(rows, {"lesson a": "train", "lesson b": "test"}, Shares(50, 0, 50, seed=4))
    assert found["counts"]["train"] == {"samples": 1, "duration_s": 2.0, "patterns": {"Вопрос": 1, "Похвала": 1}}
    assert (found["seed"], found["shares"], found["note"]) == (4, {"train": 0.5, "validation": 0.0, "test": 0.5}, "")


@pytest.mark.parametrize("shares", [Shares(0, 50, 50), Shares(-1, 50, 50), Shares(float("nan")), Shares(80, 10, 101)])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="shares"):
        splits.assign([row("a")], shares)
