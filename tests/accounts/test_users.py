"""Accounts: no change is lost, the last administrator stays, and nothing readable tells a password or a token."""

from __future__ import annotations

import json
import multiprocessing

import pytest

from ppi.accounts import users as module
from ppi.accounts.users import Users
from ppi.errors import Conflict, InputError, NotFound, SettingsError
from tests.conftest import ROOT

GOOD = "a-good-password"


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "users.json")


def test_an_account_is_added_found_and_kept(users, tmp_path):
    made = users.add("Анна Ёлкина", GOOD, "DL-user")
    again = Users(tmp_path / "users.json")
    assert again.get(made.id) == again.by_name("анна ёлкина") == made
    assert again.all() == [made]
    assert (tmp_path / "users.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name, password, role", [
    ("x", GOOD, "admin"), ("", GOOD, "admin"), ("a/b", GOOD, "admin"), ("-y", GOOD, "admin"), ("a" * 65, GOOD, "admin"),
    ("a\nb", GOOD, "admin"), ("anna", "short", "admin"), ("anna", GOOD, "king"),
])  # fmt: skip
def test_bad_names_passwords_and_roles_are_refused(users, name, password, role):
    with pytest.raises(InputError):
        users.add(name, password, role)
    assert users.all() == []


def test_a_name_is_taken_once_whatever_its_case(users):
    users.add("Anna", GOOD, "admin")
    with pytest.raises(Conflict):
        users.add("anna", GOOD, "DL-user")


def test_only_the_right_password_of_an_enabled_account_is_verified(users):
    users.add("admin", GOOD, "admin")
    anna = users.add("anna", GOOD, "DL-user")
    assert users.verify("ANNA", GOOD).id == anna.id
    assert users.verify("anna", "wrong") is None
    assert users.verify("nobody", GOOD) is None
    users.set_disabled(anna.id, True)
    assert users.verify("anna", GOOD) is None


def test_an_unknown_name_costs_a_check_of_a_hash_as_well(users, monkeypatch):
    users.add("admin", GOOD, "admin")
    checked = []
    real = module.check_password_hash
    monkeypatch.setattr(module, "check_password_hash", lambda hashed, given: checked.append(hashed) or real(hashed, given))
    users.verify("nobody", GOOD)
    users.verify("admin", "wrong")
    assert len(checked) == 2
    assert checked[0].split("$")[0] == checked[1].split("$")[0], "the same cost"


def test_every_change_that_matters_ends_the_sessions(users):
    users.add("admin", GOOD, "admin")
    anna = users.add("anna", GOOD, "DL-user")
    changes = (
        lambda: users.set_password(anna.id, "another-password"), lambda: users.set_role(anna.id, "admin"),
        lambda: users.set_disabled(anna.id, True), lambda: users.end_sessions(anna.id),
    )  # fmt: skip
    for number, change in enumerate(changes, start=2):
        change()
        assert users.get(anna.id).session_version == number
    users.set_language(anna.id, "ru")
    assert users.get(anna.id).session_version == 5


@pytest.mark.parametrize("change", [
    lambda users, one: users.remove(one), lambda users, one: users.set_disabled(one, True),
    lambda users, one: users.set_role(one, "DL-user"),
])  # fmt: skip
def test_the_last_administrator_stays(users, change):
    admin = users.add("admin", GOOD, "admin")
    with pytest.raises(Conflict):
        change(users, admin.id)
    other = users.add("other", GOOD, "admin")
    change(users, admin.id)
    assert users.get(other.id).role == "admin"


def test_a_token_is_shown_once_works_and_is_revoked(users, tmp_path):
    anna = users.add("anna", GOOD, "admin")
    token_id, plain = users.create_token(anna.id, " ноутбук ")
    assert users.by_token(plain).id == anna.id
    assert users.by_token(plain + "x") is None and users.by_token("") is None
    assert plain not in (tmp_path / "users.json").read_text()
    assert [token.label for token in users.get(anna.id).tokens] == ["ноутбук"]
    users.revoke_token(anna.id, token_id)
    assert users.by_token(plain) is None
    with pytest.raises(NotFound):
        users.revoke_token(anna.id, token_id)


def test_the_token_of_a_disabled_account_is_refused(users):
    users.add("admin", GOOD, "admin")
    anna = users.add("anna", GOOD, "DL-user")
    _, plain = users.create_token(anna.id, "x")
    users.set_disabled(anna.id, True)
    assert users.by_token(plain) is None


def test_nothing_secret_is_in_the_repr(users):
    anna = users.add("anna", GOOD, "admin")
    users.create_token(anna.id, "x")
    shown = repr(users.get(anna.id))
    assert "scrypt" not in shown and "sha256" not in shown


ROW = {"id": "1", "name": "admin", "role": "admin", "password_hash": "x"}
TOKEN = {"id": "a", "label": "b", "created": "c", "sha256": 5}


def rows(*changed) -> str:
    return json.dumps({"users": [{**ROW, **row} for row in changed]})


@pytest.mark.parametrize("text", [
    "", "[]", "{", '{"users": [{"id": "1"}]}', '{"users": 5}', '{"users": [{"id": 1, "x": 2}]}', '{"users": ["anna"]}',
    rows({"name": None}), rows({"role": "Admin"}), rows({"password_hash": None}), rows({"tokens": [TOKEN]}),
    rows({"session_version": "1"}), rows({"is_disabled": "false"}), rows({}, {"name": "anna"}), rows({}, {"id": "2"}),
])  # fmt: skip
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"users\.json"):
        Users(path).all()


def test_the_example_can_be_read():
    found = Users(ROOT / "users.json.example").all()
    assert sorted(user.role for user in found) == ["DL-user", "admin"]
    assert all(user.password_hash.startswith("scrypt:") for user in found)
    assert "users passwd" in json.loads((ROOT / "users.json.example").read_text())["comment"]


def _make_tokens(path, user_id, count):
    users = Users(path)
    for number in range(count):
        users.create_token(user_id, str(number))


@pytest.mark.slow
def test_four_hundred_parallel_changes_all_survive(users, tmp_path):
    """Four processes change the file a hundred times each; writing a copy and renaming it, without the lock, loses most."""
    anna = users.add("anna", GOOD, "admin")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_make_tokens, args=(tmp_path / "users.json", anna.id, 100)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert len(users.get(anna.id).tokens) == 400
