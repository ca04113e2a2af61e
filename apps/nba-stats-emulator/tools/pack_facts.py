"""Pack the facts of a season into the emulator's package data: `python tools/pack_facts.py FACTS_DIR`.

Reads `games_<season>.csv.gz` and `player_lines_<season>.csv.gz` of FACTS_DIR and the static player list of nba_api
(a development dependency only), and writes three small tables to `src/nba_stats_emulator/data`. The output is
byte-for-byte the same for the same facts.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

SEASON = "2024-25"
DATA = Path(__file__).resolve().parent.parent / "src" / "nba_stats_emulator" / "data"
GAME_COLUMNS = [
    "game_id",
    "game_date",
    "tipoff_utc",
    "label",
    "sub_label",
    "neutral",
    "arena",
    "home_team_id",
    "home_tricode",
    "home_score",
    "away_team_id",
    "away_tricode",
    "away_score",
]
COUNTS = [
    "min",
    "fgm",
    "fga",
    "fg3m",
    "fg3a",
    "ftm",
    "fta",
    "oreb",
    "dreb",
    "ast",
    "stl",
    "blk",
    "tov",
    "pf",
    "plus_minus",
]


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path = DATA / name
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    sys.stdout.write(f"{name}: {path.stat().st_size} bytes\n")


def main(facts: Path) -> None:
    from nba_api.stats.static import players

    games = read(facts / f"games_{SEASON}.csv.gz")
    lines = read(facts / f"player_lines_{SEASON}.csv.gz")
    home = {game["game_id"]: game["home_tricode"] for game in games}
    packed = sorted(
        (
            line["game_id"],
            0 if line["matchup"][:3] == home[line["game_id"]] else 1,
            int(line["player_id"]),
            *(int(float(line[column])) for column in COUNTS),
        )
        for line in lines
    )
    used = {int(line["player_id"]) for line in lines}
    named = {player["id"]: player for player in players.get_players()}
    DATA.mkdir(exist_ok=True)
    write(f"games_{SEASON}.csv.gz", GAME_COLUMNS, [[game[column] for column in GAME_COLUMNS] for game in games])
    write(f"lines_{SEASON}.csv.gz", ["game_id", "away", "player_id", *COUNTS], packed)
    write(
        "players.csv.gz",
        ["player_id", "first_name", "family_name"],
        [
            (number, named[number]["first_name"], named[number]["last_name"])
            if number in named
            else (number, "Unnamed", f"Player {number}")
            for number in sorted(used)
        ],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
