"""The engine, the only place where source, datasets and lake meet: one loop for backfill, resume, daily and repair."""
