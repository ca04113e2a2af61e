"""People and teams are found as people type them; who is not found is told who else there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.query import NameAmbiguous, NameUnknown
from nba_season_backfill.query.names import Person, Team, find_person, find_team, plain

PEOPLE = [
    Person(2544, "LeBron James", "LAL"),
    Person(201935, "James Harden", "LAC"),
    Person(203999, "Nikola Jokić", "DEN"),
    Person(1629029, "Luka Dončić", "LAL"),
    Person(201939, "Stephen Curry", "GSW"),
    Person(203552, "Seth Curry", "CHA"),
    Person(1628991, "Jaren Jackson Jr.", "MEM"),
    Person(1628983, "Shai Gilgeous-Alexander", "OKC"),
    Person(1641708, "Amen Thompson", "HOU"),
    Person(1641709, "Ausar Thompson", "DET"),
    Person(203468, "CJ McCollum", "NOP"),
    Person(1630178, "Tyrese Maxey", "PHI"),
    Person(1, "Jalen Williams", "OKC"),
    Person(2, "Jalen Williams", "PHX"),
    Person(3, "De'Aaron Fox", "SAS"),
    Person(4, "Tidjane Salaün", "CHA"),
    Person(5, "Nikola Đurišić", "ATL"),
]
TEAMS = [
    Team(1610612747, "LAL", "Los Angeles Lakers"),
    Team(1610612746, "LAC", "LA Clippers"),
    Team(1610612752, "NYK", "New York Knicks"),
    Team(1610612751, "BKN", "Brooklyn Nets"),
    Team(1610612755, "PHI", "Philadelphia 76ers"),
    Team(1610612757, "POR", "Portland Trail Blazers"),
    Team(1610612739, "CLE", "Cleveland Cavaliers"),
    Team(1610612744, "GSW", "Golden State Warriors"),
    Team(1610612740, "NOP", "New Orleans Pelicans"),
    Team(1610612760, "OKC", "Oklahoma City Thunder"),
]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("LeBron James", "LeBron James"),
        ("lebron james", "LeBron James"),
        ("  LEBRON  ", "LeBron James"),
        ("Lebron", "LeBron James"),
        ("James, LeBron", "LeBron James"),
        ("2544", "LeBron James"),
        ("Jokic", "Nikola Jokić"),
        ("JOKIĆ", "Nikola Jokić"),
        ("Jokic\u0301", "Nikola Jokić"),
        ("nikola jokic", "Nikola Jokić"),
        ("luka don", "Luka Dončić"),
        ("steph curry", "Stephen Curry"),
        ("curry seth", "Seth Curry"),
        ("Jaren Jackson", "Jaren Jackson Jr."),
        ("jaren jackson jr", "Jaren Jackson Jr."),
        ("gilgeous", "Shai Gilgeous-Alexander"),
        ("gilgeous alexander", "Shai Gilgeous-Alexander"),
        ("SHAI", "Shai Gilgeous-Alexander"),
        ("C.J. McCollum", "CJ McCollum"),
        ("C J McCollum", "CJ McCollum"),
        ("deaaron fox", "De'Aaron Fox"),
        ("De’Aaron Fox", "De'Aaron Fox"),
        ("salaun", "Tidjane Salaün"),
        ("durisic", "Nikola Đurišić"),
    ],
)
def test_a_player_is_found_as_typed(typed: str, name: str) -> None:
    """Case, accents, punctuation and order do not matter; a part is enough where one has it."""
    assert find_person(typed, PEOPLE, "here").name == name


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [
        ("curry", {"Seth Curry (CHA)", "Stephen Curry (GSW)"}),
        ("James", {"James Harden (LAC)", "LeBron James (LAL)"}),
        ("thompson", {"Amen Thompson (HOU)", "Ausar Thompson (DET)"}),
        ("jalen williams", {"Jalen Williams (OKC) = 1", "Jalen Williams (PHX) = 2"}),
        ("nikola", {"Nikola Jokić (DEN)", "Nikola Đurišić (ATL)"}),
    ],
)
def test_who_could_be_several_is_asked_back(typed: str, candidates: set[str]) -> None:
    """The candidates are named so that each can be asked for; namesakes by their ids."""
    with pytest.raises(NameAmbiguous) as caught:
        find_person(typed, PEOPLE, "here")
    assert set(caught.value.candidates) == candidates
    assert caught.value.exit_code == 2
    for candidate in candidates:
        exact = candidate.rpartition("= ")[2] if "=" in candidate else candidate.partition(" (")[0]
        assert find_person(exact, PEOPLE, "here").name == candidate.partition(" (")[0]


@pytest.mark.parametrize(("typed", "nearest"), [("Lebrn James", "LeBron James"), ("Jokitch", "Nikola Jokić")])
def test_who_is_unknown_gets_the_nearest_name(typed: str, nearest: str) -> None:
    """A slip of the finger is told whom it may have meant."""
    with pytest.raises(NameUnknown) as caught:
        find_person(typed, PEOPLE, "season 2024-25")
    assert caught.value.nearest[0] == nearest
    assert "season 2024-25" in str(caught.value)


@pytest.mark.parametrize("typed", ["", " ", "...", "Wxyzq", "999999"])
def test_what_is_no_name_is_unknown(typed: str) -> None:
    """Nothing, punctuation, nonsense and ids of nobody find nobody, and never everybody."""
    with pytest.raises(NameUnknown):
        find_person(typed, PEOPLE, "here")


@pytest.mark.parametrize(
    ("typed", "tricode"),
    [
        ("LAL", "LAL"),
        ("lal", "LAL"),
        ("Lakers", "LAL"),
        ("los angeles lakers", "LAL"),
        ("LA Lakers", "LAL"),
        ("LA Clippers", "LAC"),
        ("Los Angeles Clippers", "LAC"),
        ("clipp", "LAC"),
        ("new york", "NYK"),
        ("NY", "NYK"),
        ("nets", "BKN"),
        ("76ers", "PHI"),
        ("Sixers", "PHI"),
        ("philly", "PHI"),
        ("Blazers", "POR"),
        ("Trail Blazers", "POR"),
        ("portland", "POR"),
        ("cavs", "CLE"),
        ("dubs", "GSW"),
        ("golden state", "GSW"),
        ("okc", "OKC"),
        ("thunder", "OKC"),
        ("1610612740", "NOP"),
    ],
)
def test_a_team_is_found_as_typed(typed: str, tricode: str) -> None:
    """By three letters, name, nickname, city or id."""
    assert find_team(typed, TEAMS, "here").tricode == tricode


@pytest.mark.parametrize("typed", ["Los Angeles", "LA"])
def test_a_city_of_two_teams_is_asked_back(typed: str) -> None:
    """Both are named, with the letters that tell them apart."""
    with pytest.raises(NameAmbiguous) as caught:
        find_team(typed, TEAMS, "here")
    assert caught.value.candidates == ("LA Clippers (LAC)", "Los Angeles Lakers (LAL)")


def test_an_unknown_team_gets_the_nearest() -> None:
    """And says where it was looked for."""
    with pytest.raises(NameUnknown, match=r"no team 'Lakrs' in 2024-25; did you mean Los Angeles Lakers\?"):
        find_team("Lakrs", TEAMS, "2024-25")


def outcome(typed: str) -> tuple[Person | None, str]:
    """Who was found, or the words of the refusal."""
    try:
        return find_person(typed, PEOPLE, "here"), ""
    except (NameUnknown, NameAmbiguous) as refusal:
        return None, str(refusal)


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_whatever_is_typed_is_answered(typed: str) -> None:
    """Any text finds one player, or is refused in words: nothing else happens."""
    found, refusal = outcome(typed)
    assert (found in PEOPLE) != bool(refusal)


@settings(max_examples=40)
@given(st.sampled_from(PEOPLE), st.integers(0, 3))
def test_a_full_name_finds_its_own(person: Person, how: int) -> None:
    """Upper case, lower case, without accents: the full name is found as itself, or as itself among namesakes."""
    typed = [person.name, person.name.upper(), plain(person.name), person.name.swapcase()][how]
    found, refusal = outcome(typed)
    assert found == person or f"{person.name} ({person.team}) = {person.person_id}" in refusal
