"""Write the packed counts (src/nba_stats_emulator/data/counts_2024-25.bin.gz) by playing every game of the season out.

Run it after any change to what is simulated of a game:

    python apps/nba-stats-emulator/tools/pack_counts.py
"""

from __future__ import annotations

from pathlib import Path

from nba_stats_emulator.packed_counts import packed, row_of
from nba_stats_emulator.sample import SampleSeason

DATA = Path(__file__).resolve().parents[1] / "src" / "nba_stats_emulator" / "data"


def main() -> None:
    """Play, count and write."""
    season = SampleSeason("2024-25")
    rows: list[list[int]] = []
    for game in season.games.values():
        lines, played = season.lines(game), season.played(game, season.over_at)
        if lines is None or played is None:
            continue
        found = {
            (side.team.team_id, line.player_id): row_of(played.tally, played.number(away, place), seconds)
            for away, side in enumerate(played.sides)
            for place, (line, seconds) in enumerate(zip(side.lines, side.seconds, strict=True))
        }
        for team, own in ((game.home, lines[0]), (game.away, lines[1])):
            rows += [found[team.team_id, line.player_id] for line in own]
    (DATA / "counts_2024-25.bin.gz").write_bytes(packed(rows))


if __name__ == "__main__":
    main()
