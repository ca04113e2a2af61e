"""Structured JSON logs, correlation ids, performance records and metrics for batch jobs."""
