"""A one-disk OpenStack Swift with its S3 interface, on loopback: `python swift_node.py FOLDER ACCESS SECRET PORTS`.

PORTS are four: that of the interface, and those of accounts, containers and objects behind it. Runs in a virtual
environment that holds `swift`; stops when its parent does. Data stays in FOLDER. Settings that differ
from Swift's own follow S3: 2 KB of metadata, 10,000 parts, deletion at once, and 403 for unsigned requests.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import signal
import sys
import time
from pathlib import Path

KINDS = ("account", "container", "object")
COMMON = """
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {etc}
devices = {disks}
mount_check = false
log_address = {etc}/no-syslog
recon_cache_path = {etc}
"""
INNER = "[DEFAULT]{common}\n[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
PROXY = """[DEFAULT]{common}
cors_allow_origin = *
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck unsigned listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_interval = 0
node_timeout = 60
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000
min_segment_size = 5242880
check_bucket_owner = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
rate_limit_under_size = 0
allow_async_delete = false
[filter:unsigned]
paste.filter_factory = swift_node:unsigned
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:dlo]
use = egg:swift#dlo
"""
SWIFT_CONF = """[swift-hash]
swift_hash_path_suffix = ppi-tests
swift_hash_path_prefix = ppi-tests
[storage-policy:0]
name = one
default = yes
[swift-constraints]
max_meta_value_length = 2048
max_meta_overall_size = 2048
"""


class Memory:
    """What memcached would keep, in the one proxy process."""

    def __init__(self):
        self._kept = {}

    def get(self, key, *args, **kwargs):
        until, value = self._kept.get(key, (0, "null"))
        return json.loads(value) if until > time.time() else None

    def set(self, key, value, *args, **kwargs):
        self._kept[key] = (time.time() + (kwargs.get("time") or 60), json.dumps(value))

    def delete(self, key, *args, **kwargs):
        self._kept.pop(key, None)

    def incr(self, *args, **kwargs):
        return 1


def unsigned(global_conf, **local_conf):
    """An S3 server answers 403 to what is not signed; Swift would answer with its own interface."""
    body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"
    memory = Memory()

    def factory(app):
        def answer(env, start_response):
            env["swift.cache"] = memory
            is_signed = env.get("HTTP_AUTHORIZATION", "").startswith("AWS") or "X-Amz-Credential=" in env.get(
                "QUERY_STRING", ""
            )
            if is_signed or env["REQUEST_METHOD"] == "OPTIONS":
                return app(env, start_response)
            start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [b"" if env["REQUEST_METHOD"] == "HEAD" else body]

        return answer

    return factory


def configure(folder: Path, port: int, inner: dict, access: str, secret: str) -> None:
    etc, disks = folder / "etc", folder / "disks"
    (disks / "d1").mkdir(parents=True, exist_ok=True)
    etc.mkdir(exist_ok=True)
    account, name = access.split(":")
    user = pwd.getpwuid(os.geteuid()).pw_name

    def common(chosen: int) -> str:
        return COMMON.format(port=chosen, user=user, etc=etc, disks=disks)

    (etc / "swift.conf").write_text(SWIFT_CONF)
    (etc / "proxy-server.conf").write_text(PROXY.format(common=common(port), account=account, name=name, secret=secret))
    from swift.common.ring import RingBuilder

    for kind in KINDS:
        (etc / f"{kind}-server.conf").write_text(INNER.format(common=common(inner[kind]), kind=kind))
        builder = RingBuilder(4, 1, 0)
        place = {"ip": "127.0.0.1", "port": inner[kind], "replication_ip": "127.0.0.1", "replication_port": inner[kind]}
        builder.add_dev({"id": 0, "region": 1, "zone": 1, "device": "d1", "weight": 1.0, "meta": "", **place})
        builder.rebalance()
        builder.get_ring().save(str(etc / f"{kind}.ring.gz"))


def serve(etc: Path, kind: str) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    log = os.open(etc / f"{kind}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.setpgid(0, 0)
    from swift.common.wsgi import run_wsgi

    extra = {}
    if kind == "object":
        from swift.obj.server import global_conf_callback

        extra["global_conf_callback"] = global_conf_callback
    run_wsgi(str(etc / f"{kind}-server.conf"), f"{kind}-server", verbose=True, **extra)


def main() -> None:
    folder, access, secret = Path(sys.argv[1]).absolute(), sys.argv[2], sys.argv[3]
    port, *inner = map(int, sys.argv[4:])
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    sys.modules["swift_node"] = sys.modules["__main__"]
    configure(folder, port, dict(zip(KINDS, inner, strict=True)), access, secret)
    etc = folder / "etc"
    from swift.common import constraints, utils

    utils.set_swift_dir(str(etc))
    constraints.reload_constraints()
    import swift.account.server
    import swift.container.server
    import swift.obj.server
    import swift.proxy.server  # noqa: F401  (imported once, before the forks)

    for kind in (*KINDS, "proxy"):
        if os.fork() == 0:
            try:
                serve(etc, kind)
            finally:
                os._exit(1)
    signal.pause()


if __name__ == "__main__":
    main()
