#!/bin/sh
# Installs the programs the tests use: through apt as root, otherwise says what is missing.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need ffmpeg ffmpeg
need bwrap bubblewrap
need espeak-ng espeak-ng
need chromium chromium
need redis-server redis-server
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null 2>&1 || missing="$missing nginx-light"
need soffice libreoffice-writer-nogui
need pdftoppm poppler-utils
need fc-list fontconfig
need cc build-essential  # ctc-segmentation comes as source
has_headers='import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
python3 -c "$has_headers" || missing="$missing python3-dev"
fc-list 2>/dev/null | grep -qi dejavu || missing="$missing fonts-dejavu-core"
install() { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }
# It spares the tests minutes; without it, or where there is no such package, they use Chromium itself.
command -v chromium-headless-shell >/dev/null 2>&1 || ! can_install || install chromium-headless-shell || true
[ -n "$missing" ] || exit 0
if can_install; then
    # shellcheck disable=SC2086
    install $missing
else
    echo "The tests need these Debian packages. Install them, then run make test again:"
    echo "  sudo apt-get install --no-install-recommends$missing"
    exit 1
fi
