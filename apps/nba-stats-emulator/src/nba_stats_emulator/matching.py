"""Give out a known number of things (assists, rebounds, fouls) to places that can take one each.

Places are bits of an int, so that "which free places may this player take" is one AND.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["give_out"]


def give_out(tokens: Sequence[int], may_take: Sequence[int], places: int) -> list[int]:
    """For each of `places` places the player whose token it takes, or -1.

    `tokens` holds a player once for each thing he has to give; `may_take[player]` is the bit set of places open to
    him. As many tokens as possible are placed (augmenting paths); a token without any place is left out.
    """
    owner = [-1] * places
    free = (1 << places) - 1
    stuck: list[int] = []
    for player in tokens:
        open_ = free & may_take[player]
        if open_:
            bit = open_ & -open_
            owner[bit.bit_length() - 1] = player
            free ^= bit
        else:
            stuck.append(player)
    for player in stuck:
        if not free:
            break
        free = _augment(player, owner, may_take, free)
    return owner


def _augment(player: int, owner: list[int], may_take: Sequence[int], free: int) -> int:
    """Place one more token by moving others along a shortest path; returns the places still free."""
    # Breadth first over taken places: `via[place]` is the place whose owner would move there.
    via: dict[int, int] = {}
    seen = 0
    frontier = [(-1, player)]
    while frontier:
        following: list[tuple[int, int]] = []
        for origin, mover in frontier:
            reach = may_take[mover] & ~seen
            open_ = reach & free
            if open_:
                bit = open_ & -open_
                place = bit.bit_length() - 1
                via[place] = origin
                while place != -1:
                    origin = via[place]
                    owner[place] = owner[origin] if origin != -1 else player
                    place = origin
                return free ^ bit
            seen |= reach
            while reach:
                bit = reach & -reach
                reach ^= bit
                place = bit.bit_length() - 1
                via[place] = origin
                following.append((place, owner[place]))
        frontier = following
    return free
