"""`python -m ppi serve`: gunicorn with the settings of gunicorn.conf.py, started from Python."""

from __future__ import annotations

from pathlib import Path

from gunicorn.app.wsgiapp import WSGIApplication

CONFIG = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"


class _Server(WSGIApplication):
    """Reads the shipped configuration file, then the address given on the command line."""

    def __init__(self, address: str):
        self._address = address
        super().__init__("%prog [OPTIONS]")

    def init(self, parser, opts, args) -> None:
        self.app_uri = "wsgi:app"

    def load_config(self) -> None:
        self.load_config_from_file(str(CONFIG))
        self.cfg.set("bind", self._address)
        self.cfg.set("chdir", str(CONFIG.parent))
        self.app_uri = "wsgi:app"


def run_server(host: str, port: int) -> None:
    """Serve until stopped by a signal."""
    _Server(f"{host}:{port}").run()
