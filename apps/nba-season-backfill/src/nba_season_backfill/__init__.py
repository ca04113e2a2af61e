"""Fills a lake with every game of an NBA season from stats.nba.com: politely, resumably, provably complete."""

__all__ = ["__version__"]

__version__ = "0.1.0"
