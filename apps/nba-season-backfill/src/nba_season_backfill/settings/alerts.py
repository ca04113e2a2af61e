"""Who is told how a run ended: a webhook, a heartbeat; and when a lake counts as stale."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from hoopstat_config import Duration, Option, Settings, SettingsConfigDict, rule
from nba_season_backfill.settings import values

__all__ = ["AlertOptions"]

GROUP = "Who is told"

_SecretUrl = Annotated[SecretStr, AfterValidator(values.secret_url)]
_SharedSecret = Annotated[SecretStr, AfterValidator(values.shared_secret)]


class AlertOptions(Settings):
    """Who is told how a run ended: a webhook, a heartbeat; and when a lake counts as stale."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    alert_webhook: Annotated[
        _SecretUrl | None,
        Option(
            "--alert-webhook",
            env="INGEST_ALERT_WEBHOOK",
            group=GROUP,
            metavar="URL",
            help="POST a small JSON message here when a run ends in a way that --alert-on names.",
        ),
    ] = None
    alert_on: Annotated[
        Annotated[
            tuple[Literal["failure", "incomplete", "validation", "blocked", "recovery"], ...],
            Field(min_length=1),
            AfterValidator(values.each_once),
        ],
        Option(
            "--alert-on",
            env="INGEST_ALERT_ON",
            group=GROUP,
            metavar="EVENT",
            help="What is told: failure, incomplete, validation (findings), blocked, recovery (success after failure).",
        ),
    ] = ("failure", "incomplete", "validation", "blocked", "recovery")
    alert_hmac_secret: Annotated[
        _SharedSecret | None,
        Option(
            env="INGEST_ALERT_HMAC_SECRET",
            group=GROUP,
            help="Sign each message with this: X-Ingest-Signature.",
        ),
    ] = None
    alert_secret: Annotated[
        _SharedSecret | None,
        Option(
            env="INGEST_ALERT_SECRET",
            group=GROUP,
            help="Send this along with each message: X-Ingest-Secret.",
        ),
    ] = None
    alert_retries: Annotated[
        Annotated[int, Field(ge=0, le=20)],
        Option(
            "--alert-retries",
            env="INGEST_ALERT_RETRIES",
            group=GROUP,
            metavar="N",
            expects="further tries after the first, e.g. 3",
            help="How often to try again when the receiver fails.",
        ),
    ] = 3
    alert_backoff: Annotated[
        Annotated[float, Field(ge=0, le=60)],
        Option(
            "--alert-backoff",
            env="INGEST_ALERT_BACKOFF",
            group=GROUP,
            metavar="SECONDS",
            expects="seconds, e.g. 0.5",
            help="Wait so long before the second try, twice as long before each further one.",
        ),
    ] = 0.5
    heartbeat_url: Annotated[
        _SecretUrl | None,
        Option(
            "--heartbeat-url",
            group=GROUP,
            metavar="URL",
            help="GET this at the end of a successful run, and of no other.",
        ),
    ] = None
    stale_after: Annotated[
        Duration,
        Option("--stale-after", group=GROUP, help="A lake that was not brought up to date for so long is stale."),
    ] = dt.timedelta(hours=36)

    @rule("alert_hmac_secret", "alert_secret")
    def _two_different_secrets(self) -> str | None:
        if self.alert_hmac_secret is None or self.alert_hmac_secret != self.alert_secret:
            return None
        return "must not be the secret that is sent along: who sees one message could sign others"
