"""The settings as they are in force: each with its value and where it comes from, and never a secret."""

from __future__ import annotations

import html
import re

import pytest

from ppi.services import Services
from ppi.settings import SECRETS, VARIABLES, Settings
from ppi.web.app import build_app
from tests.conftest import PASSWORD, with_people

SECRET = "s3cr3t-that-nobody-may-see-"


@pytest.fixture
def page_of():
    def show(settings):
        client = build_app(with_people(Services(settings))).test_client()
        client.post("/api/login", json={"username": "admin", "password": PASSWORD})
        return client.get("/admin/settings").text

    return show


def told(page):
    """name -> (value, source), as people read them."""
    rows = re.findall(r"<dt><code>(\w+)</code></dt><dd>(.*?)</dd>", page, re.DOTALL)
    words = lambda text: [part.strip() for part in re.sub("<[^>]+>", "|", text).split("|") if part.strip()]  # noqa: E731
    return {name: tuple(html.unescape(part) for part in words(text)) for name, text in rows}


def test_every_setting_stands_on_the_page_once(tmp_path, page_of):
    found = told(page_of(Settings.from_env({"PPI_DATA_DIR": str(tmp_path / "data")})))
    assert sorted(found) == sorted(VARIABLES)
    assert found["DL_USER_MAX_FILES"] == ("1", "usual value") and found["HF_TOKEN"] == ("not set", "usual value")
    assert found["PPI_DATA_DIR"] == (str(tmp_path / "data"), "environment")
    assert found["PPI_USERS_FILE"] == (str(tmp_path / "data" / "users.json"), "usual value")
    assert found["REDIS_ENABLED"] == ("false", "usual value")


def test_no_secret_is_on_the_page_nor_in_what_it_is_made_of(tmp_path, page_of):
    given = {name: f"{SECRET}{number}" for number, name in enumerate(sorted(SECRETS))}
    given |= {"LABEL_STUDIO_URL": f"https://somebody:{SECRET}@labels.example.org", "PPI_DATA_DIR": str(tmp_path / "data")}
    settings = Settings.from_env(given)
    page = page_of(settings)
    assert SECRET not in page and SECRET not in repr(settings.stated)
    assert all(told(page)[name] == ("set, hidden", "environment") for name in SECRETS)
    assert told(page)["LABEL_STUDIO_URL"][0] == "https://***@labels.example.org"


def test_what_the_settings_hide_is_what_the_page_hides():
    """A secret is what no `repr` of the settings shows; the page must know every one of them."""
    given = dict.fromkeys(SECRETS, SECRET) | {"MINIO_ENDPOINT": "store:9000"}
    assert SECRET not in repr(Settings.from_env(given))
    open_ones = {name: SECRET for name in VARIABLES if name not in SECRETS and re.search("TOKEN$|KEY|PASSWORD", name)}
    assert open_ones == {}


def test_where_a_setting_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PPI_PORT", "PPI_LIGHT_JOBS", "PPI_HEAVY_JOBS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("PPI_PORT=6001\nPPI_LIGHT_JOBS=7\n")
    monkeypatch.setenv("PPI_LIGHT_JOBS", "9")
    # What .env brings into the environment is taken back after the test.
    monkeypatch.setenv("PPI_PORT", "")
    monkeypatch.delenv("PPI_PORT")
    found = {one.name: (one.value, one.source) for one in Settings.from_env().stated}
    monkeypatch.delenv("PPI_PORT")
    assert found["PPI_PORT"] == ("6001", "file") and found["PPI_LIGHT_JOBS"] == ("9", "environment")
    assert found["PPI_HEAVY_JOBS"] == ("1", "default")


def test_a_fault_is_told_as_before():
    from ppi.errors import SettingsError

    with pytest.raises(SettingsError) as told_fault:
        Settings.from_env({"PPI_PORT": "many", "REDIS_ENABLED": "perhaps"})
    assert "PPI_PORT" in str(told_fault.value) and "REDIS_ENABLED: expected true or false" in str(told_fault.value)
