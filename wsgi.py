"""The WSGI entry point: `gunicorn wsgi:app`. Do not preload it: threads do not survive a fork."""

from ppi import create_app
from ppi.logs import set_up_logs
from ppi.workflows.runner import start_web

app = create_app()
services = app.extensions["ppi"]
set_up_logs(services.settings)
engine = start_web(services)
