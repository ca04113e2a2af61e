"""The sample season: the emulator as a process of our own, on loopback, for as long as the run lasts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import TracebackType

import orjson

from nba_season_backfill.errors import SourceUnavailable
from nba_season_backfill.season import Season

__all__ = ["SampleServer"]


class SampleServer:
    """Starts the emulator on a free loopback port; ends it again.

    ``begin`` lets it start while this process does something else; ``start`` waits until it answers. The emulator also
    ends by itself when this process dies, however it dies.
    """

    def __init__(self, season: Season, *, start_seconds: float = 60.0) -> None:
        self.season = season
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = ""

    def begin(self) -> None:
        """Start it, if it is not. It is of use once ``start`` has waited for it.

        Raises:
            OSError: there is no room for another process.
        """
        if self._process is not None:
            return
        # Another season than the packed one, or another league, is a stand-in made from it.
        stand_in = ["--seasons", f"{self.season.start_year}-{(self.season.start_year + 1) % 100:02d}"]
        stand_in += ["--leagues", self.season.league.label]
        self._process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            [sys.executable, "-m", "nba_stats_emulator", "--port", "0", "--exit-with", str(os.getpid()), *stand_in],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A Ctrl-C goes to the whole foreground group: the server must outlive the commit that it triggers.
            start_new_session=True,
        )

    def start(self) -> str:
        """Start it, if it is not; wait until it listens, give its base URL.

        Raises:
            SourceUnavailable: it did not come up; says what it printed.
        """
        if self.base_url:
            return self.base_url
        try:
            self.begin()
        except OSError as error:
            raise SourceUnavailable(
                f"the sample's emulator cannot be started: {error.strerror or error}", hint="free memory or processes"
            ) from error
        process = self._process
        assert process is not None
        assert process.stdout is not None
        watchdog = threading.Timer(self._start_seconds, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        try:
            self.base_url = str(orjson.loads(line)["base_url"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            process.kill()
            _, printed = process.communicate()
            last = printed.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it printed nothing"]
            raise SourceUnavailable(
                f"the sample's emulator did not start: {last[0]}", hint="try `nba-stats-emulator --port 0` by itself"
            ) from None
        # Nobody reads its pipes from here on; it writes nothing more unless asked to.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        if process.stderr is not None:
            threading.Thread(target=process.stderr.read, daemon=True).start()
        return self.base_url

    def stop(self) -> None:
        """End the emulator. Idempotent."""
        process, self._process = self._process, None
        self.base_url = ""
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> SampleServer:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
