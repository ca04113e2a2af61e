#!/bin/sh
# Hold an image to what is promised of it: sh docker/smoke.sh IMAGE
# Needs a container engine (ENGINE, default docker), no network, no credentials. Prints a line for each promise kept.
set -eu
image=${1:?usage: smoke.sh IMAGE}
engine=${ENGINE:-docker}
memory=${MEMORY:-512m}
games=${GAMES:-20}
work=$(mktemp -d)
chmod 0777 "$work"
container=
cleanup() {
    [ -z "$container" ] || "$engine" rm -f "$container" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf 'smoke: %s\n' "$*"; }
fail() {
    printf 'smoke: FAILED: %s\n' "$*" >&2
    exit 1
}
# Everything a hardened cluster asks for; the lake is the only place that can be written to.
contained() {
    verb=$1
    shift
    "$engine" "$verb" --network none --read-only --tmpfs /tmp:rw,size=64m,mode=1777 --cap-drop ALL \
        --security-opt no-new-privileges --memory "$memory" --pids-limit 256 -v "$work:/lake" "$@"
}

user=$("$engine" image inspect "$image" --format '{{.Config.User}}')
case $user in
    '' | 0* | root* | *[!0-9:]*) fail "the user is '$user', not a number above 0" ;;
esac
say "runs as $user; $("$engine" image inspect "$image" --format '{{.Size}}') bytes"

if "$engine" run --rm --network none --entrypoint python "$image" -c 'import pip' 2>/dev/null; then
    fail "pip is in the image"
fi
for tool in pip gcc cc make apt apt-get dpkg perl git curl; do
    if "$engine" run --rm --network none --entrypoint sh "$image" -c "command -v $tool" >/dev/null; then
        fail "$tool is in the image"
    fi
done
say "no installers, no build tools"

contained run --rm "$image" --help >/dev/null || fail "--help"
say "--help"
"$engine" run --rm --network none "$image" --dry-run >"$work/dry-run" || fail "--dry-run"
grep -q 'nothing was fetched' "$work/dry-run" || fail "--dry-run says nothing of what it left undone"
say "--dry-run, with nothing set"

contained run --rm --entrypoint python "$image" -I -v -m nba_season_backfill --dry-run 2>"$work/imports" >/dev/null
if grep -q 'code object from .*[.]py$' "$work/imports"; then
    fail "compiled at every start: $(grep -c 'code object from .*[.]py$' "$work/imports") modules"
fi
say "starts without compiling anything"

contained run --rm "$image" --source sample --limit "$games" --output /lake/first --log-level error >"$work/log" ||
    fail "a run of $games games: $(tail -n 3 "$work/log")"
[ -f "$work/first/_state/season=2024-25/checkpoint.json" ] || fail "no checkpoint in the mounted folder"
say "$games games of the simulated season into a mounted folder"

# Paced, so that there is a middle to be stopped in on any machine.
container=$(contained create "$image" --source sample --limit 40 --rate-limit 0.3 --jitter-seconds 0 \
    --checkpoint-every 5 --output /lake/second --log-format json)
"$engine" start "$container" >/dev/null
tries=0
until "$engine" logs "$container" 2>&1 | grep -q '"operation":"commit"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 240 ] || fail "no commit within a minute"
    sleep 0.25
done
began=$(date +%s)
"$engine" stop --time 30 "$container" >/dev/null
took=$(($(date +%s) - began))
code=$("$engine" inspect "$container" --format '{{.State.ExitCode}}')
[ "$code" = 143 ] || fail "SIGTERM in the middle: exit $code after $took s, 143 expected"
[ "$took" -le 10 ] || fail "SIGTERM in the middle: it took $took s to stop"
say "SIGTERM in the middle: exit 143 within $took s"
contained run --rm "$image" --source sample --limit 40 --output /lake/second --log-format json >"$work/log" ||
    fail "the run after an interruption: $(tail -n 3 "$work/log")"
grep -q '"games_left":0' "$work/log" || fail "the run after an interruption left games"
say "the next run finished what was left"

if [ "${SEASON:-}" = full ]; then
    contained run --rm "$image" --source sample --output /lake/season --log-format json >"$work/log" ||
        fail "a full season within $memory: $(tail -n 3 "$work/log")"
    say "a full simulated season within $memory"
fi
say "all promises kept"
