"""Settings: nothing is needed, everything wrong is said at once, and secrets stay hidden."""

from __future__ import annotations

import pytest

from ppi.errors import SettingsError
from ppi.settings import Settings


def test_no_variable_at_all_gives_a_working_local_setup(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.data_dir == tmp_path / "data"
    assert settings.users_file == tmp_path / "data" / "users.json"
    assert settings.storage.endpoint == "" and settings.upload.dl_user_max_files == 1
    assert not settings.data_dir.exists(), "reading settings makes nothing"


def test_all_faults_are_reported_together_with_the_form_expected():
    wrong = {
        "PPI_PORT": "seven", "MAX_UPLOAD_BYTES": "-1", "MINIO_ENDPOINT": "http://store:9000", "MINIO_SECURE": "maybe",
        "SPEECH_ENGINE": "ears", "WHISPER_MODEL_SIZE": "huge", "PPI_PUBLIC_URL": "ppi.example.org", "SECRET_KEY": "short",
        "REDIS_ENABLED": "perhaps", "REDIS_PORT": "none",
    }  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(wrong)
    for name in (*wrong, "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"):
        assert f"{name}: " in str(caught.value)
    assert "short" not in str(caught.value).replace("shorter", "")


def test_secrets_are_not_in_the_repr():
    given = {
        "SECRET_KEY": "the-secret-key-of-cookies", "MINIO_ENDPOINT": "a:1", "MINIO_ACCESS_KEY": "the-access-key",
        "MINIO_SECRET_KEY": "the-minio-secret", "HF_TOKEN": "hf_the_token",
    }  # fmt: skip
    shown = repr(Settings.from_env(given))
    for name in given:
        if name != "MINIO_ENDPOINT":
            assert given[name] not in shown


def test_a_file_with_settings_is_read(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PPI_PORT=5055\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PPI_PORT", raising=False)
    assert Settings.from_env().web.port == 5055
    monkeypatch.delenv("PPI_PORT")


def test_the_secret_key_is_made_once_and_kept_private(tmp_path):
    from ppi.services import Services

    settings = Settings.from_env({"PPI_DATA_DIR": str(tmp_path)})
    first, second = Services(settings).secret_key, Services(settings).secret_key
    assert first == second and len(first) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_logs_hold_no_secrets_and_one_line_per_event(tmp_path, caplog):
    import logging

    from ppi.logs import SecretFilter

    lines = [
        "GET /media/raw-data/a.mp4?expires=1&sig=abcdef0123", "https://s/x?X-Amz-Credential=AKIA&X-Amz-Signature=beef",
        "Authorization: Bearer ppi_verysecrettoken", "token hf_abcdefgh", "GET /m/AAAABBBBCCCCDDDDEEEEFFFF/lesson.mp4",
        "POST /welcome/AAAABBBBCCCCDDDDEEEEFFFF",
        "two\nlines",
    ]  # fmt: skip
    for line in lines:
        record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", (line,), None)
        SecretFilter().filter(record)
        text = record.getMessage()
        assert "\n" not in text
        for secret in ("abcdef0123", "AKIA", "beef", "verysecrettoken", "abcdefgh", "AAAABBBB"):
            assert secret not in text
