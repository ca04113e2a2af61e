"""A local stats.nba.com: a simulated sample season, recorded bodies, latency and faults on demand."""
