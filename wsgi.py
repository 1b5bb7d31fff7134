"""The WSGI entry point: `gunicorn wsgi:app`. Do not preload it: job threads do not survive a fork."""

from ppi import create_app
from ppi.logs import set_up_logs
from ppi.workflows.runner import start_runner

app = create_app()
services = app.extensions["ppi"]
set_up_logs(services.settings)
if services.settings.jobs.is_run_in_web:
    start_runner(services)
