"""Telling somebody how a run ended: a signed webhook, a heartbeat. Knows no lake and no NBA; bounded in time."""

from nba_season_backfill.alert.deciding import Ending, Event, events_of
from nba_season_backfill.alert.message import FIELDS, Alert, RunEnd
from nba_season_backfill.alert.sending import Delivery, Persistence, beat, send, signature

__all__ = [
    "FIELDS",
    "Alert",
    "Delivery",
    "Ending",
    "Event",
    "Persistence",
    "RunEnd",
    "beat",
    "events_of",
    "send",
    "signature",
]
