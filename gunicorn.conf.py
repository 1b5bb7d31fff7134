"""Settings of `gunicorn wsgi:app`; every worker process runs jobs, and the ledger keeps them from colliding."""

from ppi.errors import SettingsError
from ppi.settings import Settings

try:
    # The environment's and, as everywhere, those of .env in this folder.
    web = Settings.from_env().web
except SettingsError as error:
    raise SystemExit(str(error)) from None
bind = f"{web.host}:{web.port}"
# Threads for requests that have arrived: slow connections wait without one.
worker_class = "ppi.server.PatientWorker"
workers = 1
# Every upload holds a thread while a chunk arrives, so there must be more of them than uploads at a time.
threads = 64
# Heartbeats of threaded workers do not wait for requests: a long upload is no reason to be killed.
timeout = 60
graceful_timeout = 10
keepalive = 5
preload_app = False
# The request line of a log would hold the signatures of links.
accesslog = None
control_socket_disable = True


def worker_exit(server, worker):
    """Jobs of a process that ends are queued again at once, for the others or for the next start."""
    import wsgi

    wsgi.engine.stop(5)
