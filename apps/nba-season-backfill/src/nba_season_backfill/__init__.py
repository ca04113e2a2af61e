"""Fills a lake with every game of an NBA season from stats.nba.com: politely, resumably, provably complete."""
