"""Who plays: the thirty teams, the guests of 2024-25, and where arenas stand. Plain facts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TEAMS", "Team", "arena_place", "team"]


@dataclass(frozen=True, slots=True)
class Team:
    """A team as the service names it; `hours_behind_eastern` is its home's time zone in winter."""

    team_id: int
    tricode: str
    city: str
    name: str
    slug: str
    hours_behind_eastern: int = 0
    keeps_daylight_saving: bool = True

    @property
    def full_name(self) -> str:
        """City and name, as the game log writes it."""
        return f"{self.city} {self.name}".strip()

    @property
    def is_nba(self) -> bool:
        """False for guests and all-star selections."""
        return 1610612737 <= self.team_id <= 1610612766


_NBA = """
1610612737 ATL 0 hawks         Atlanta|Hawks
1610612738 BOS 0 celtics       Boston|Celtics
1610612739 CLE 0 cavaliers     Cleveland|Cavaliers
1610612740 NOP 1 pelicans      New Orleans|Pelicans
1610612741 CHI 1 bulls         Chicago|Bulls
1610612742 DAL 1 mavericks     Dallas|Mavericks
1610612743 DEN 2 nuggets       Denver|Nuggets
1610612744 GSW 3 warriors      Golden State|Warriors
1610612745 HOU 1 rockets       Houston|Rockets
1610612746 LAC 3 clippers      LA|Clippers
1610612747 LAL 3 lakers        Los Angeles|Lakers
1610612748 MIA 0 heat          Miami|Heat
1610612749 MIL 1 bucks         Milwaukee|Bucks
1610612750 MIN 1 timberwolves  Minnesota|Timberwolves
1610612751 BKN 0 nets          Brooklyn|Nets
1610612752 NYK 0 knicks        New York|Knicks
1610612753 ORL 0 magic         Orlando|Magic
1610612754 IND 0 pacers        Indiana|Pacers
1610612755 PHI 0 sixers        Philadelphia|76ers
1610612756 PHX 2 suns          Phoenix|Suns
1610612757 POR 3 blazers       Portland|Trail Blazers
1610612758 SAC 3 kings         Sacramento|Kings
1610612759 SAS 1 spurs         San Antonio|Spurs
1610612760 OKC 1 thunder       Oklahoma City|Thunder
1610612761 TOR 0 raptors       Toronto|Raptors
1610612762 UTA 2 jazz          Utah|Jazz
1610612763 MEM 1 grizzlies     Memphis|Grizzlies
1610612764 WAS 0 wizards       Washington|Wizards
1610612765 DET 0 pistons       Detroit|Pistons
1610612766 CHA 0 hornets       Charlotte|Hornets
15020      NZB 0 breakers      New Zealand|Breakers
15025      ULM 0 ulm           Ratiopharm|Ulm
1610616851 CHK 3 global-stars  |Global Stars
1610616852 SHQ 3 ogs           |OGs
1610616853 KEN 3 young-stars   |Young Stars
1610616854 CAN 3 rising-stars  |Rising Stars
1610616855 TMC 3 team-c        |Team C
1610616856 TMT 3 team-t        |Team T
1610616857 TMM 3 team-m        |Team M
1610616858 TMG 3 team-g-league |Team G League
"""


def _parse(line: str) -> Team:
    number, tricode, behind, slug, names = line.split(maxsplit=4)
    city, name = names.split("|")
    return Team(int(number), tricode, city, name, slug, int(behind), keeps_daylight_saving=tricode != "PHX")


TEAMS: dict[int, Team] = {entry.team_id: entry for entry in map(_parse, _NBA.strip().splitlines())}


def team(team_id: int) -> Team:
    """The team with this id; KeyError when there is none in the season."""
    return TEAMS[team_id]


_PLACES = """
State Farm Arena|Atlanta|GA
TD Garden|Boston|MA
Rocket Mortgage FieldHouse|Cleveland|OH
Rocket Arena|Cleveland|OH
Smoothie King Center|New Orleans|LA
United Center|Chicago|IL
American Airlines Center|Dallas|TX
Ball Arena|Denver|CO
Chase Center|San Francisco|CA
Toyota Center|Houston|TX
Intuit Dome|Inglewood|CA
Crypto.com Arena|Los Angeles|CA
Kaseya Center|Miami|FL
Fiserv Forum|Milwaukee|WI
Target Center|Minneapolis|MN
Barclays Center|Brooklyn|NY
Madison Square Garden|New York|NY
Kia Center|Orlando|FL
Gainbridge Fieldhouse|Indianapolis|IN
Wells Fargo Center|Philadelphia|PA
Footprint Center|Phoenix|AZ
PHX Arena|Phoenix|AZ
Moda Center|Portland|OR
Golden 1 Center|Sacramento|CA
Frost Bank Center|San Antonio|TX
Moody Center|Austin|TX
Paycom Center|Oklahoma City|OK
BOK Center|Tulsa|OK
Scotiabank Arena|Toronto|ON
Bell Centre|Montreal|QC
Delta Center|Salt Lake City|UT
FedExForum|Memphis|TN
Capital One Arena|Washington|DC
Little Caesars Arena|Detroit|MI
Breslin Center|East Lansing|MI
Spectrum Center|Charlotte|NC
Acrisure Arena|Palm Desert|CA
Frontwave Arena|Oceanside|CA
Stan Sheriff Center|Honolulu|HI
Climate Pledge Arena|Seattle|WA
Wells Fargo Arena|Des Moines|IA
T-Mobile Arena|Las Vegas|NV
Etihad Arena|Abu Dhabi|
Arena CDMX|Mexico City|MX
Accor Arena|Paris|FR
"""
_PLACE_OF: dict[str, tuple[int, str, str]] = {}
for _number, _line in enumerate(_PLACES.strip().splitlines(), start=1):
    _arena, _city, _state = _line.split("|")
    _PLACE_OF[_arena] = (_number, _city, _state)


def arena_place(arena: str) -> tuple[int, str, str]:
    """(a number of our own, city, state) of an arena; (0, "", "") when it is not known."""
    return _PLACE_OF.get(arena, (0, "", ""))
