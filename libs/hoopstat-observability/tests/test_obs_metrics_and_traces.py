"""Metrics are written and pushed, spans are exported, the termination message fits."""

from __future__ import annotations

import http.server
import io
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import hoopstat_observability
from hoopstat_observability import (
    BatchMetrics,
    ContextThreadPoolExecutor,
    MetricSpec,
    configure_logging,
    configure_tracing,
    exporting,
    get_logger,
    replace_file,
    shutdown_logging,
    shutdown_tracing,
    span,
    write_termination_message,
)
from hoopstat_observability._files import kind_of

SPECS = (
    MetricSpec("counter", "job_requests_total", "Requests by verdict.", ("verdict",)),
    MetricSpec("gauge", "job_interval_seconds", "Seconds between requests."),
    MetricSpec("histogram", "job_commit_seconds", "Seconds a commit took.", buckets=(0.1, 1.0)),
)


class Received(http.server.BaseHTTPRequestHandler):
    """Keeps what is sent to it."""

    bodies: list[tuple[str, str, bytes]] = []  # noqa: RUF012  # shared on purpose: one server a test

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.bodies.append((self.command, self.path, body))
        self.send_response(200)
        self.end_headers()

    do_POST = do_PUT = _take  # noqa: N815  # the standard library's names

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    Received.bodies = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Received)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", Received.bodies
    server.shutdown()
    server.server_close()


def filled() -> BatchMetrics:
    metrics = BatchMetrics(SPECS)
    metrics.inc("job_requests_total", 3, verdict="ok")
    metrics.set("job_interval_seconds", 5.0)
    metrics.observe("job_commit_seconds", 0.5)
    return metrics


def samples(text: str) -> dict[str, float]:
    """Every sample, read by the official parser."""
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_textfile_is_whole_and_valid(tmp_path: Path) -> None:
    """Written atomically, in the format that node-exporter reads."""
    path = tmp_path / "metrics" / "job.prom"
    filled().write_textfile(path)
    found = samples(path.read_text())
    assert (found["job_requests_totalok"], found["job_interval_seconds"]) == (3.0, 5.0)
    assert found["job_commit_seconds_bucket1.0"] == 1.0
    assert [each.name for each in path.parent.iterdir()] == ["job.prom"]


def test_a_push_has_a_fixed_group_and_a_valid_body(receiver: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    """One group a season: runs replace each other instead of piling up."""
    url, bodies = receiver
    assert filled().push(url, job="backfill", grouping_key={"season": "2024-25"})
    ((_, path, body),) = bodies
    assert path == "/metrics/job/backfill/season/2024-25"
    assert samples(body.decode())["job_requests_totalok"] == 3.0


def test_a_push_that_fails_is_only_logged() -> None:
    """Nobody listens: the job goes on."""
    assert not filled().push("http://127.0.0.1:9", job="j", grouping_key={}, timeout_seconds=1)


def test_a_real_pushgateway_takes_it(tmp_path: Path) -> None:
    """prometheus-pushgateway, where it is installed."""
    program = shutil.which("prometheus-pushgateway")
    if program is None:
        pytest.skip("prometheus-pushgateway is not installed here; the loopback receiver stands for it")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not filled().push(f"http://127.0.0.1:{port}", job="backfill", grouping_key={"season": "2024-25"}):
            assert time.monotonic() < deadline
        # A later run that ended before it set its gauge leaves the earlier one's.
        assert BatchMetrics(SPECS).push(f"http://127.0.0.1:{port}", job="backfill", grouping_key={"season": "2024-25"})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        process.terminate()
        process.wait()
    assert 'job_requests_total{instance="",job="backfill",season="2024-25",verdict="ok"} 3' in text
    assert 'job_interval_seconds{instance="",job="backfill",season="2024-25"} 5' in text


def test_metrics_are_exported_while_the_job_runs_and_at_its_end(tmp_path: Path) -> None:
    """The file is there before the end, and right after it, also when the job fails."""
    path = tmp_path / "job.prom"
    written = threading.Event()

    class Watched(BatchMetrics):
        def write_textfile(self, path: Path) -> None:
            super().write_textfile(path)
            written.set()

    metrics = Watched(SPECS)

    def job() -> None:
        with exporting(metrics, textfile=path, every_seconds=0.01):
            metrics.inc("job_requests_total", 3, verdict="ok")
            assert written.wait(10)
            assert path.exists()
            metrics.inc("job_requests_total", 4, verdict="ok")
            raise KeyError

    with pytest.raises(KeyError):
        job()
    assert samples(path.read_text())["job_requests_totalok"] == 7.0
    assert "metrics" not in {thread.name for thread in threading.enumerate()}


def test_a_gauge_that_is_not_set_keeps_what_an_earlier_run_left(
    tmp_path: Path, receiver: tuple[str, list[tuple[str, str, bytes]]]
) -> None:
    """A run that fails does not overwrite the time of the last success, neither in the file nor at the gateway."""
    specs = [
        MetricSpec("gauge", "last_success_timestamp_seconds", "When the last run ended well."),
        MetricSpec("gauge", "shards_left", "Of each kind.", ("kind",)),
        MetricSpec("counter", "games_total", "Games."),
    ]
    path = tmp_path / "job.prom"
    good, bad, again = (BatchMetrics(specs, namespace="hoopstat") for _ in range(3))
    good.set("last_success_timestamp_seconds", 1234.5)
    good.set("shards_left", 3, kind="a")
    good.inc("games_total", 5)
    good.write_textfile(path)
    for _ in range(2):
        bad.write_textfile(path)
        found = samples(path.read_text())
        assert (found["hoopstat_last_success_timestamp_seconds"], found["hoopstat_games_total"]) == (1234.5, 0.0)
        assert found["hoopstat_shards_lefta"] == 3.0
    assert bad.push(receiver[0], job="j", grouping_key={})
    method, _, body = receiver[1][0]
    assert method == "POST"  # adds to the group: what is not in the body stays
    assert "last_success" not in body.decode()
    again.set("last_success_timestamp_seconds", 5678.0)
    again.write_textfile(path)
    assert samples(path.read_text())["hoopstat_last_success_timestamp_seconds"] == 5678.0


def test_a_broken_textfile_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    """What cannot be read is not kept."""
    path = tmp_path / "job.prom"
    path.write_bytes(b"\xff\x00{{{ nonsense")
    BatchMetrics(SPECS).write_textfile(path)
    assert "job_interval_seconds" not in samples(path.read_text())


def test_a_password_in_the_gateways_url_is_used_and_not_shown(
    receiver: tuple[str, list[tuple[str, str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes into the header, not into the address."""
    seen: list[str | None] = []
    take = Received._take

    def keeping(self: Received) -> None:
        seen.append(self.headers.get("Authorization"))
        take(self)

    monkeypatch.setattr(Received, "do_POST", keeping)
    url = receiver[0].replace("http://", "http://me:p%40ss@")
    assert filled().push(url, job="j", grouping_key={"season": ""})
    assert seen == ["Basic bWU6cEBzcw=="]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 No\r\n\r\n", b"nonsense\r\n\r\n", b""])
def test_a_gateway_that_answers_nonsense_is_only_logged(answer: bytes) -> None:
    """Refusals, broken protocols and hang-ups: False, one warning line without the password, no exception."""
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://me:hunter2@127.0.0.1:{server.getsockname()[1]}"
        assert not filled().push(url, job="j", grouping_key={}, timeout_seconds=5)
        thread.join()
    shutdown_logging()
    (line,) = [json.loads(row) for row in stream.getvalue().splitlines()]
    assert (line["event"], line["level"]) == ("metrics_push_failed", "warning")
    assert "hunter2" not in stream.getvalue()


def test_a_name_that_is_not_declared_is_refused_with_those_that_are() -> None:
    """Also one of another kind."""
    with pytest.raises(KeyError, match=r"no gauge 'job_requests_total'.*job_interval_seconds"):
        filled().set("job_requests_total", 1)
    with pytest.raises(KeyError, match=r"no counter 'typo_total'.*job_requests_total"):
        filled().inc("typo_total")


def test_a_label_may_have_any_name() -> None:
    """Those of the methods' own arguments included."""
    metrics = BatchMetrics([MetricSpec("counter", "x_total", "X.", ("name", "amount"))])
    metrics.inc("x_total", 2, name="n", amount="a")
    assert samples(metrics.exposition())["x_totalan"] == 2.0


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_followed_and_stays(dangling: bool, tmp_path: Path) -> None:
    """The file that the link names is replaced, or made; the gauges that it holds are kept."""
    held = tmp_path / "held" / "job.prom"
    link = tmp_path / "link.prom"
    link.symlink_to(Path("held") / "job.prom")
    if not dangling:
        filled().write_textfile(held)
    BatchMetrics(SPECS).write_textfile(link)
    assert link.is_symlink()
    assert samples(held.read_text()).get("job_interval_seconds") == (None if dangling else 5.0)
    assert [each.name for each in held.parent.iterdir()] == ["job.prom"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["held", "link.prom"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fifo", "is a FIFO, which no file may replace: name a regular file"),
        ("link", "is a FIFO"),
        *((name, "is a folder") for name in ("folder", ".", "/", "missing/..")),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_regular_file_stays_and_is_named_in_the_log(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning that says what is there and what to do; nobody reads the FIFO, and nothing waits for one who does."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("link").symlink_to("fifo")
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    before = sorted((each.name, each.lstat().st_ino) for each in tmp_path.iterdir())
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    with exporting(filled(), textfile=Path(name)):
        pass
    shutdown_logging()
    (line,) = [json.loads(row) for row in stream.getvalue().splitlines()]
    assert (line["event"], line["level"]) == ("metrics_textfile_failed", "warning")
    assert repr(name) in line["reason"]
    assert said in line["reason"]
    assert sorted((each.name, each.lstat().st_ino) for each in tmp_path.iterdir()) == before


def test_each_kind_has_a_name() -> None:
    """A regular file has none: it is what may be replaced."""
    kinds = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK)
    assert [kind_of(kind | 0o644) for kind in kinds] == ["", "a folder", "a FIFO", "a device", "a device", "a socket"]


def test_a_draft_is_nobody_elses_and_goes_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers have the same process id: the draft's name comes of chance."""
    drafts: list[Path] = []

    def failing(self: Path, target: Path) -> Path:
        assert self.read_bytes() == b"new"
        drafts.append(self)
        raise PermissionError(1, "no", str(target))

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", failing)
    for _ in range(2):
        with pytest.raises(PermissionError):
            replace_file(path, b"new")
    assert drafts[0] != drafts[1]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_textfile_that_cannot_be_written_is_only_logged(tmp_path: Path) -> None:
    """A file in place of its folder."""
    (tmp_path / "file").write_text("")
    with exporting(filled(), textfile=tmp_path / "file" / "job.prom") as metrics:
        metrics.set("job_interval_seconds", 1.0)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("counter", "job_requests"),
        ("gauge", "job_things_total"),
        ("gauge", "jobSeconds"),
        ("gauge", ""),
        ("gauge", "job_wait_ms"),
        ("counter", "job_wait_minutes_total"),
        ("gauge", "job_size_megabytes"),
        ("gauge", "job_done_percent"),
        ("gauge", "job_games_count"),
        ("histogram", "job_seconds_bucket"),
    ],
)
def test_names_follow_the_conventions(kind: str, name: str) -> None:
    """snake_case; counters, and only they, end in _total."""
    with pytest.raises(ValueError, match="metric"):
        MetricSpec(kind, name, "help")  # type: ignore[arg-type]  # a parametrized literal


@pytest.mark.parametrize(
    "rest",
    [{"labels": ("le",)}, {"labels": ("a", "a")}, {"labels": ("A-b",)}, {"labels": ("job",)}, {"buckets": (1.0, 2.0)}],
)
def test_labels_and_buckets_follow_the_conventions(rest: dict[str, Any]) -> None:
    """No label of Prometheus' own, none twice; buckets only of histograms."""
    with pytest.raises(ValueError, match="job_things"):
        MetricSpec("gauge", "job_things", "help", **rest)


def test_spans_are_nested_and_exported(receiver: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    """run > game > request, under the caller's span, as OTLP over HTTP."""
    trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    url, bodies = receiver
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "TRACEPARENT": f"00-{trace_id}-{parent}-01"}
    assert configure_tracing(service="backfill", environ=environ)
    with span("run"), span("game", game_id="0022400061"), span("request"):
        pass
    shutdown_tracing()
    assert [path for _, path, _ in bodies] == ["/v1/traces"]
    sent = trace_service.ExportTraceServiceRequest.FromString(bodies[0][2])
    spans = {each.name: each for each in sent.resource_spans[0].scope_spans[0].spans}
    assert spans["run"].parent_span_id.hex() == parent
    assert spans["game"].parent_span_id == spans["run"].span_id
    assert spans["request"].parent_span_id == spans["game"].span_id
    assert {each.trace_id.hex() for each in spans.values()} == {trace_id}


def test_a_span_that_fails_is_an_error_without_secrets(
    receiver: tuple[str, list[tuple[str, str, bytes]]],
) -> None:
    """Type and redacted message; no secret attribute; the name of the service by the environment."""
    trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    url, bodies = receiver
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/here", "OTEL_SERVICE_NAME": "by-environment"}
    assert configure_tracing(service="backfill", environ=environ)
    with (
        pytest.raises(ValueError, match="hunter2"),
        span("request", name="n", proxy="http://u:hunter2@h/", token="hunter2"),
    ):
        raise ValueError("at http://u:hunter2@h/")
    shutdown_tracing()
    ((_, path, body),) = bodies
    assert path == "/here"
    assert b"hunter2" not in body
    assert b"by-environment" in body
    (sent,) = trace_service.ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert (sent.status.code, sent.status.message) == (2, "at http://***@h/")
    assert {each.key: each.value.string_value for each in sent.attributes}["error.type"] == "ValueError"


def test_lines_inside_a_span_carry_its_ids(receiver: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    """In threads of ours too; outside there are none."""
    pytest.importorskip("opentelemetry.sdk")
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver[0], "TRACEPARENT": f"00-{trace_id}-b7ad6b7169203331-01"}
    configure_tracing(service="x", environ=environ)
    log = get_logger("x")
    with span("run"), ContextThreadPoolExecutor(1) as pool:
        log.info("inside")
        pool.submit(log.info, "in_thread").result()
    log.info("outside")
    shutdown_tracing()
    shutdown_logging()
    inside, in_thread, outside = [json.loads(row) for row in stream.getvalue().splitlines()]
    assert inside["trace_id"] == in_thread["trace_id"] == trace_id
    assert inside["span_id"] == in_thread["span_id"]
    assert "trace_id" not in outside


def test_an_endpoint_that_is_not_there_fails_nothing() -> None:
    """The job ends soon, with its own result."""
    pytest.importorskip("opentelemetry.sdk")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert configure_tracing(service="x", environ={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"})
    with span("run"):
        pass
    started = time.monotonic()
    shutdown_tracing()
    shutdown_tracing()
    assert time.monotonic() - started < 15


def test_a_missing_extra_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the extra: one warning, no spans, no exception."""
    for name in [each for each in sys.modules if each.split(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    assert not configure_tracing(service="x", environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    with span("run"):
        pass
    shutdown_logging()
    assert [json.loads(row)["event"] for row in stream.getvalue().splitlines()] == ["tracing_unavailable"]


def test_a_span_that_is_not_recorded_costs_next_to_nothing() -> None:
    """About a microsecond with attributes, whatever the job does in between."""
    rounds = []
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(1_000):
            with span("request", endpoint="e", subject="s"):
                pass
        rounds.append((time.perf_counter() - started) / 1_000)
    assert min(rounds) < 3e-6


def test_without_an_endpoint_nothing_is_imported() -> None:
    """Neither OpenTelemetry, nor prometheus_client, pydantic, rich or structlog: start-up stays quick."""
    script = (
        "import sys, json, hoopstat_observability as o\n"
        "assert not o.configure_tracing(service='x', environ={})\n"
        "with o.span('run'): pass\n"
        "print(json.dumps([m for m in sys.modules"
        " if m.split('.')[0] in ('opentelemetry', 'prometheus_client', 'pydantic', 'rich', 'structlog')]))"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert json.loads(done.stdout) == []


values = st.recursive(
    st.text(max_size=20)
    | st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=3), st.integers(300, 3_000))
    | st.integers()
    | st.none()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=300), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), values))
def test_a_termination_message_always_fits(
    tmp_path_factory: pytest.TempPathFactory, message: dict[str, object]
) -> None:
    """At most 4,096 bytes of valid JSON, whatever comes in."""
    path = tmp_path_factory.mktemp("t") / "termination-log"
    path.touch()
    assert write_termination_message(message, path)
    body = path.read_bytes()
    assert len(body) <= 4096
    assert isinstance(json.loads(body), dict)


def test_a_termination_message_keeps_what_matters(tmp_path: Path) -> None:
    """The long text is shortened, the short fields stay; no file, no message."""
    path = tmp_path / "termination-log"
    assert not write_termination_message({"a": 1}, path)
    path.touch()
    write_termination_message(
        {"outcome": "blocked", "exit_code": 69, "last_error": "x" * 9000, "token": "secret"}, path
    )
    found = json.loads(path.read_text())
    assert (found["outcome"], found["exit_code"], found["token"]) == ("blocked", 69, "***")
    assert found["last_error"].endswith("...")
    assert path.stat().st_size > 4_000


def test_the_longest_text_is_shortened_wherever_it_is(tmp_path: Path) -> None:
    """Inside lists and mappings too, in any script; what is short stays whole."""
    path = tmp_path / "termination-log"
    path.touch()
    message = {
        "outcome": "failed",
        "failures": [
            {"game_id": "0022400061", "error": "é" * 4_000},
            {"game_id": "0022400062", "error": "\u0001" * 3_000},
        ],
        "how_to_resume": "run the same command again",
    }
    assert write_termination_message(message, path)
    body = path.read_bytes()
    found = json.loads(body)
    assert 3_500 < len(body) <= 4_096
    assert (found["outcome"], found["how_to_resume"]) == ("failed", "run the same command again")
    assert [each["game_id"] for each in found["failures"]] == ["0022400061", "0022400062"]
    assert all(each["error"].endswith("...") for each in found["failures"])


def test_what_is_too_much_is_left_out_last_first(tmp_path: Path) -> None:
    """A thousand short fields: the first ones stay."""
    path = tmp_path / "termination-log"
    path.touch()
    assert write_termination_message({"outcome": "failed"} | {f"field_{n}": n for n in range(1_000)}, path)
    found = json.loads(path.read_bytes())
    assert list(found)[:2] == ["outcome", "field_0"]


def test_a_termination_log_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    """A folder in its place, or no such thing: False."""
    assert not write_termination_message({"outcome": "complete"}, tmp_path)
    assert not write_termination_message({"outcome": "complete"}, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_public_surface_is_what_all_says() -> None:
    """__all__ is sorted, and everything in it is there."""
    names = hoopstat_observability.__all__
    assert list(names) == sorted(names)
    assert all(hasattr(hoopstat_observability, name) for name in names)
