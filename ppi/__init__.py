"""PPI: lesson recordings in, published multimodal datasets of pedagogical patterns out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from ppi.settings import Settings

__version__ = "0.1.0"


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application, wired from `settings` (the environment's when None). Starts no job runner.

    Raises SettingsError.
    """
    from ppi.services import Services
    from ppi.settings import Settings
    from ppi.web.app import build_app

    return build_app(Services(settings or Settings.from_env()))
