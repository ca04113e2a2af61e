"""Table against table and table against list: what no single partition can show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.audit.findings import Finding, FindingKind
from nba_season_backfill.audit.lists import TOTALS, Lists
from nba_season_backfill.audit.plays import Played, played
from nba_season_backfill.audit.sums import COUNTS, Mismatch, differing, final_scores, sums_of_players
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import SeasonType

__all__ = ["Kept", "check_boxes", "check_plays"]

_K = FindingKind
_TRADITIONAL, _ADVANCED, _PLAYS = "box-scores-traditional", "box-scores-advanced", "play-by-play"
_TEAMS = "-teams"
_OVERTIME_SECONDS = 5 * 5 * 60
# League -> seconds of all five players in regulation. The G League's overtimes have no clock.
_REGULATION_SECONDS = {"00": 5 * 48 * 60, "10": 5 * 40 * 60}
_TIMED = frozenset({SeasonType.REGULAR_SEASON, SeasonType.PLAYOFFS, SeasonType.PLAY_IN, SeasonType.IST})
_TEAM_COLUMNS = ("offensive_rating", "defensive_rating", "plus_minus_points", "minutes_seconds", *COUNTS)


@dataclass(slots=True)
class Kept:
    """What is kept of the partitions: a row a game and team, and of two tables a row a player."""

    teams: dict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    sums: list[pa.Table] = field(default_factory=list)
    minutes: dict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    pairs: dict[str, Counter[tuple[str, int]]] = field(default_factory=lambda: defaultdict(Counter))
    plays: dict[str, Played] = field(default_factory=dict)

    def keep(self, name: str, rows: pa.Table) -> None:
        """Take from a partition's rows what is needed later."""
        if name == _PLAYS:
            self.plays |= played(rows)
            return
        columns = set(rows.column_names)
        if not {"game_id", "team_id"} <= columns or ("player_order" not in columns and not name.endswith(_TEAMS)):
            return
        counted = rows.group_by(["game_id", "team_id"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            self.pairs[name][row["game_id"], row["team_id"]] += row["count_all"]
        if name.endswith(_TEAMS):
            kept = [column for column in ("game_id", "team_id", *_TEAM_COLUMNS) if column in columns]
            self.teams[name].append(rows.select(kept))
        if name == _TRADITIONAL:
            self.sums.append(sums_of_players(rows))
        if name in (_TRADITIONAL, _ADVANCED):
            self.minutes[name].append(rows.select(["game_id", "team_id", "person_id", "minutes_seconds"]))

    def of_teams(self, name: str) -> pa.Table | None:
        """The team rows of a table, all months; None where there are none."""
        tables = self.teams.get(name)
        return pa.concat_tables(tables) if tables else None


def check_boxes(lists: Lists, kept: Kept) -> Iterator[Finding]:
    """Box scores: two teams, players on both, sums, totals, scores and minutes."""
    yield from _teams(lists, kept)
    teams = kept.of_teams(_TRADITIONAL + _TEAMS)
    if teams is not None:
        yield from _scores(lists, teams)
        yield from _minutes(lists, kept, teams)
        if lists.totals is not None:
            columns = [name for name in TOTALS if name != "points"]
            for each in differing(lists.totals, teams, columns):
                yield _mismatch(lists, _K.TOTAL_DIFFERS, "not the game log's total", _TRADITIONAL, each)
        if kept.sums:
            for each in differing(teams, pa.concat_tables(kept.sums), COUNTS):
                detail = "the players' sum is not the team's total"
                yield _mismatch(lists, _K.SUM_DIFFERS, detail, _TRADITIONAL, each)
    yield from _opponents(lists, kept)
    yield from _same_minutes(lists, kept)


def _mismatch(lists: Lists, kind: FindingKind, detail: str, dataset: str, each: Mismatch, **more: str) -> Finding:
    game_id, team, column, expected, found = each
    more.setdefault("table", dataset + _TEAMS)
    return Finding(
        kind, str(lists.season), detail, game_id=game_id, dataset=dataset, column=column, row=f"team_id={team}",
        expected=expected, found=found, **more,  # type: ignore[arg-type]  # texts of Finding, by name
    )  # fmt: skip


def _teams_of(game: Game | None) -> set[int]:
    return {team for team in (game.home_team_id, game.away_team_id) if team is not None} if game is not None else set()


def _teams(lists: Lists, kept: Kept) -> Iterator[Finding]:
    season = str(lists.season)
    for name, pairs in kept.pairs.items():
        dataset = name.removesuffix(_TEAMS)
        by_game: dict[str, Counter[int]] = defaultdict(Counter)
        for (game_id, team), count in pairs.items():
            by_game[game_id][team] = count
        for game_id, counted in by_game.items():
            wanted = _teams_of(lists.by_id.get(game_id))
            about = Finding(_K.TEAM_ROWS, season, "", game_id=game_id, dataset=dataset, table=name, column="team_id")
            total = sum(counted.values())
            if name.endswith(_TEAMS) and total != 2:
                yield _with(about, f"{total} team rows, a game has two", expected="2", found=str(total))
            for team in sorted(counted.keys() - wanted if len(wanted) == 2 else ()):
                yield _with(
                    about, f"team {team} did not play this game", kind=_K.TEAM_UNKNOWN, row=f"team_id={team}",
                    expected=", ".join(map(str, sorted(wanted))), found=str(team),
                )  # fmt: skip
            if name in (_TRADITIONAL, _ADVANCED):
                for team in sorted(wanted - counted.keys()):
                    yield _with(
                        about, f"team {team} has no players", kind=_K.PLAYERS_MISSING, row=f"team_id={team}",
                        expected="players", found="0",
                    )  # fmt: skip
    for sums in kept.sums:
        idle = sums.filter(pc.equal(sums.column("played"), 0))
        for row in idle.to_pylist():
            game = lists.by_id.get(row["game_id"])
            if game is not None and game.state is GameState.FINAL:
                yield Finding(
                    _K.PLAYERS_MISSING, season, "no player of the team has minutes", game_id=row["game_id"],
                    dataset=_TRADITIONAL, table=_TRADITIONAL, column="minutes_seconds",
                    row=f"team_id={row['team_id']}", expected="players with minutes", found="0",
                )  # fmt: skip


def _with(finding: Finding, detail: str, **more: object) -> Finding:
    return replace(finding, detail=detail, **more)  # type: ignore[arg-type]  # the fields that Finding has, by name


def _scores(lists: Lists, teams: pa.Table) -> Iterator[Finding]:
    missing = teams.filter(pc.is_null(teams.column("points")))
    for row in missing.to_pylist():
        each = (row["game_id"], row["team_id"], "points", "a score", "null")
        yield _mismatch(lists, _K.SCORE_MISSING, "a team row without points", _TRADITIONAL, each)
    for each in differing(final_scores(lists), teams, ["points"]):
        yield _mismatch(lists, _K.SCORE_DIFFERS, "not the final score of the lists", _TRADITIONAL, each)


def _regulation_seconds(game: Game | None) -> int | None:
    if game is None or game.season_type not in _TIMED:
        return None
    return _REGULATION_SECONDS.get(game.game_id.league)


def _minutes(lists: Lists, kept: Kept, teams: pa.Table) -> Iterator[Finding]:
    sums = {(row["game_id"], row["team_id"]): row for table in kept.sums for row in table.to_pylist()}
    detail = "minutes are not 240 and 25 for each overtime"
    for row in teams.select(["game_id", "team_id", "minutes_seconds"]).to_pylist():
        game_id, team, seconds = row["game_id"], row["team_id"], row["minutes_seconds"]
        regulation = _regulation_seconds(lists.by_id.get(game_id))
        if regulation is None or not seconds:
            continue
        plays = kept.plays.get(game_id)
        overtimes = (
            plays.periods - 4 if plays is not None else max(0, round((seconds - regulation) / _OVERTIME_SECONDS))
        )
        expected = regulation + _OVERTIME_SECONDS * max(0, overtimes)
        beside = _PLAYS if plays is not None and (seconds - regulation) % _OVERTIME_SECONDS == 0 else ""
        if seconds != expected:
            each = (game_id, team, "minutes_seconds", str(expected), str(seconds))
            yield _mismatch(lists, _K.MINUTES_DIFFER, detail, _TRADITIONAL, each, beside=beside)
        summed = sums.get((game_id, team))
        if summed is None or not summed["minutes_seconds"]:
            continue
        # Each player's time is rounded: to a second, in the oldest seasons to a minute.
        each_off = 1 if summed["odd_seconds"] else 30
        if abs(summed["minutes_seconds"] - seconds) > each_off * summed["played"]:
            each = (game_id, team, "minutes_seconds", str(seconds), str(summed["minutes_seconds"]))
            text = "the players' minutes do not add up to the team's"
            yield _mismatch(lists, _K.MINUTES_DIFFER, text, _TRADITIONAL, each, table=_TRADITIONAL)


def _opponents(lists: Lists, kept: Kept) -> Iterator[Finding]:
    """What one team has is what the other lacks: plus-minus, and the ratings crosswise."""
    for dataset, column, of_other, sign in (
        (_ADVANCED, "offensive_rating", "defensive_rating", 1.0),
        (_TRADITIONAL, "plus_minus_points", "plus_minus_points", -1.0),
    ):
        teams = kept.of_teams(dataset + _TEAMS)
        if teams is None:
            continue
        by_game: dict[str, list[dict[str, float]]] = defaultdict(list)
        for row in teams.select(["game_id", "team_id", *dict.fromkeys((column, of_other))]).to_pylist():
            by_game[row["game_id"]].append(row)
        for game_id, pair in by_game.items():
            if len(pair) != 2:
                continue
            for one, other in (pair, pair[::-1]):
                value, mirrored = one[column], other[of_other]
                if value is not None and mirrored is not None and value != sign * mirrored:
                    each = (game_id, int(one["team_id"]), column, str(sign * mirrored), str(value))
                    yield _mismatch(lists, _K.ARITHMETIC, f"not the opponent's {of_other}", dataset, each)


def _same_minutes(lists: Lists, kept: Kept) -> Iterator[Finding]:
    """The advanced box score has the players of the traditional one, with the same minutes."""
    if not kept.minutes.get(_TRADITIONAL) or not kept.minutes.get(_ADVANCED):
        return
    on = ["game_id", "person_id"]
    ours = pa.concat_tables(kept.minutes[_TRADITIONAL])
    theirs = pa.concat_tables(kept.minutes[_ADVANCED])
    games = pa.array(list({*ours.column("game_id").unique().to_pylist()} & {*theirs.column("game_id").to_pylist()}))
    ours = ours.filter(pc.is_in(ours.column("game_id"), value_set=games.cast(pa.string())))
    theirs = theirs.filter(pc.is_in(theirs.column("game_id"), value_set=games.cast(pa.string())))
    joined = ours.join(theirs, keys=on, join_type="full outer", left_suffix="_ours", right_suffix="_theirs")
    ours_there, theirs_there = pc.is_valid(joined.column("team_id_ours")), pc.is_valid(joined.column("team_id_theirs"))
    seconds = pc.not_equal(
        pc.fill_null(joined.column("minutes_seconds_ours"), 0), pc.fill_null(joined.column("minutes_seconds_theirs"), 0)
    )
    wrong = pc.or_(pc.or_(pc.invert(ours_there), pc.invert(theirs_there)), seconds)
    for row in joined.filter(wrong).to_pylist():
        there = row["team_id_ours"] is not None and row["team_id_theirs"] is not None
        column = "minutes_seconds" if there else "person_id"
        expected = row["minutes_seconds_ours"] if there else "a row" if row["team_id_ours"] else "no row"
        found = row["minutes_seconds_theirs"] if there else "a row" if row["team_id_theirs"] else "no row"
        yield Finding(
            _K.DATASETS_DIFFER, str(lists.season), f"{_TRADITIONAL} and {_ADVANCED} differ", game_id=row["game_id"],
            dataset=_ADVANCED, table=_ADVANCED, column=column, row=f"person_id={row['person_id']}",
            expected=str(expected), found=str(found), beside=_TRADITIONAL,
        )  # fmt: skip


def check_plays(lists: Lists, kept: Kept) -> Iterator[Finding]:
    """Play-by-play: the last score is the final one, every period is there, and nobody else plays."""
    season = str(lists.season)
    for game_id, ended in kept.plays.items():
        game = lists.by_id.get(game_id)
        if game is None or game.state is not GameState.FINAL:
            continue
        about = Finding(_K.SCORE_MISSING, season, "", game_id=game_id, dataset=_PLAYS, table=_PLAYS)
        if ended.periods_seen != ended.periods or ended.periods < 4:
            yield _with(
                about, f"{ended.periods_seen} periods seen, the last is {ended.periods}", kind=_K.PERIODS_MISSING,
                column="period", expected=str(max(4, ended.periods)), found=str(ended.periods_seen),
            )  # fmt: skip
        wanted = _teams_of(game)
        for team in sorted(ended.teams - wanted if len(wanted) == 2 else ()):
            yield _with(
                about, f"team {team} did not play this game", kind=_K.TEAM_UNKNOWN, column="team_id",
                row=f"team_id={team}", expected=", ".join(map(str, sorted(wanted))), found=str(team),
            )  # fmt: skip
        sides = ((game.home_team_id, game.home_score), (game.away_team_id, game.away_score))
        for side, score in sides:
            if side is None or score is None:
                continue
            last = ended.scores.get(side)
            if last is None:
                yield _with(
                    about, "no action has a score", column="score_home", row=f"team_id={side}", expected=str(score),
                    found="none",
                )  # fmt: skip
            elif last != score:
                yield _with(
                    about, "the last score is not the final one", kind=_K.SCORE_DIFFERS, column="score",
                    row=f"team_id={side}", expected=str(score), found=str(last),
                )  # fmt: skip
