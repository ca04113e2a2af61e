"""Layered, validated configuration that says where each value came from."""
