#!/bin/sh
# Install the job with its timer, or bring an installation up to date. Run again as often as you like: what is current
# stays as it is, and /etc/nba-backfill/environment is never overwritten.
#
#   sudo sh deploy/systemd/install.sh              install, and start the timer
#   sudo sh deploy/systemd/install.sh --no-start   install only
#   sudo sh deploy/systemd/install.sh --remove     stop and remove; settings and lake stay
#
# --root DIR installs below DIR and leaves systemd alone. PYTHON names an interpreter (3.11 or later).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
units=$here/deploy/systemd
names='nba-backfill.service nba-backfill-season@.service nba-backfill.timer'
root='' start=1 remove=0
while [ $# -gt 0 ]; do
    case $1 in
        --root)
            root=${2:?install: --root needs a folder}
            shift
            ;;
        --no-start) start=0 ;;
        --remove) remove=1 ;;
        *)
            echo "install: unknown option $1; see the head of $0" >&2
            exit 2
            ;;
    esac
    shift
done
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || {
    echo "install: needs root: sudo sh $0" >&2
    exit 77
}
home=$root/opt/nba-backfill
settings=$root/etc/nba-backfill/environment
system=$root/etc/systemd/system

reload() { [ -n "$root" ] || systemctl daemon-reload; }

if [ "$remove" -eq 1 ]; then
    [ -n "$root" ] || systemctl disable --now nba-backfill.timer 2>/dev/null || true
    [ -n "$root" ] || systemctl stop nba-backfill.service 'nba-backfill-season@*' 2>/dev/null || true
    for name in $names; do rm -f "$system/$name"; done
    rm -rf "$home"
    reload
    echo "install: removed; $settings and ${root}/var/lib/nba-backfill were left alone"
    exit 0
fi

# The program: a virtual environment of the locked packages, made beside the old one and put in its place when complete.
wanted=$(
    cd "$here"
    {
        cat requirements-runtime.lock requirements-build.lock
        find libs/*/src apps/*/src -name '*.py' -exec cksum {} + | sort
    } | cksum
)
if [ -f "$home/.installed" ] && [ "$wanted" = "$(cat "$home/.installed")" ]; then
    echo "install: $home is current"
else
    python=${PYTHON:-python3}
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || {
        echo "install: $python is no Python >= 3.11 with the venv module; name one: PYTHON=/path/to/python" >&2
        exit 78
    }
    mkdir -p "$root/opt"
    new=$(mktemp -d "$root/opt/.nba-backfill.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    chmod 0755 "$new"
    "$python" -m venv "$new"
    pip() { "$new/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }
    pip install --require-hashes --no-deps --only-binary=:all: -r "$here/requirements-runtime.lock"
    pip install --require-hashes --no-deps --only-binary=:all: -r "$here/requirements-build.lock"
    pip install --no-deps --no-index --no-build-isolation "$here"/libs/* "$here"/apps/*
    pip uninstall --yes flit_core
    # Scripts name their interpreter by its path: they must work from where they will stand.
    for script in "$new"/bin/*; do
        if [ -f "$script" ] && [ ! -L "$script" ]; then
            sed -i "1s|^#!$new/bin/|#!/opt/nba-backfill/bin/|" "$script"
        fi
    done
    printf '%s\n' "$wanted" >"$new/.installed"
    rm -rf "$home"
    mv "$new" "$home"
    trap - EXIT
    echo "install: $home made"
fi

# The settings: a template on the first day, yours ever after.
mkdir -p "$(dirname "$settings")" "$system"
if [ -e "$settings" ]; then
    chmod 0600 "$settings"
    echo "install: $settings is yours, and was left alone"
else
    (umask 0077 && cp "$units/environment.template" "$settings")
    echo "install: $settings made; look through it"
fi
changed=0
for name in $names; do
    if ! cmp -s "$units/$name" "$system/$name"; then
        cp "$units/$name" "$system/$name"
        chmod 0644 "$system/$name"
        changed=1
        echo "install: $system/$name written"
    fi
done
[ "$changed" -eq 0 ] || reload
if [ "$start" -eq 1 ] && [ -z "$root" ]; then
    systemctl enable --now nba-backfill.timer
    systemctl list-timers --no-pager nba-backfill.timer
fi
