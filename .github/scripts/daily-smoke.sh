#!/bin/sh
# The whole way of an alert, on this machine alone: a run against an upstream that is not there must fail, say so with
# 69, and tell a signed webhook; the next one, against the emulator, must succeed and tell that it recovered.
# PYTHON names the interpreter (default: .venv's). Exit 0: all of that happened.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
work=$(mktemp -d)
receiver='' emulator=''
cleanup() {
    for pid in $receiver $emulator; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    printf 'daily smoke: FAILED: %s\n' "$*" >&2
    exit 1
}
wait_for() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "$2 did not start"
        sleep 0.1
    done
}

INGEST_ALERT_HMAC_SECRET=$("$python" -c 'import secrets; print(secrets.token_hex(16))')
export INGEST_ALERT_HMAC_SECRET
: >"$work/messages"
"$python" "$here/.github/scripts/webhook_receiver.py" "$work/port" "$work/messages" 2>"$work/receiver.log" &
receiver=$!
"$python" -m nba_stats_emulator --exit-with $$ >"$work/emulator" 2>"$work/emulator.log" &
emulator=$!
wait_for "$work/port" "the receiver"
wait_for "$work/emulator" "the emulator"
INGEST_ALERT_WEBHOOK=http://127.0.0.1:$(cat "$work/port")/alerts
export INGEST_ALERT_WEBHOOK
upstream=$("$python" -c 'import json, sys; print(json.loads(sys.stdin.readline())["base_url"])' <"$work/emulator")

backfill() {
    "$python" -m nba_season_backfill --season 2024-25 --output "$work/lake" --log-format json --rate-limit 0.01 \
        --jitter-seconds 0 --limit 3 "$@" >>"$work/log" 2>&1
}
told() { "$python" -c 'import json, sys; print(*[json.loads(line)["event"] for line in open(sys.argv[1])])' "$work/messages"; }

code=0
backfill --base-url http://127.0.0.1:9 --max-retries 0 --max-wait 0s || code=$?
[ "$code" -eq 69 ] || fail "without an upstream: exit $code, 69 expected; $(tail -n 3 "$work/log")"
case " $(told) " in
    *" failure "* | *" blocked "*) ;;
    *) fail "nothing was told of a failed run; told: '$(told)'" ;;
esac
backfill --base-url "$upstream" || fail "with an upstream: exit $?; $(tail -n 3 "$work/log")"
case " $(told) " in
    *" recovery "*) ;;
    *) fail "nothing was told of the recovery; told: '$(told)'" ;;
esac
printf 'daily smoke: failed, told, recovered, told: %s\n' "$(told)"
