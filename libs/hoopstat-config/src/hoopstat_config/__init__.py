"""Layered, validated configuration that says where each value came from.

Defaults, then a file (TOML, YAML, JSON), then the environment, then the command line: one declaration a field, one
validation, every error at once and with its origin. See the README for a tour.
"""

from hoopstat_config._click import GroupedCommand, GroupedGroup, GroupedHelp, click_options, given
from hoopstat_config._declaration import Option
from hoopstat_config._origin import ConfigurationInvalid, Origin, OriginKind, Problem
from hoopstat_config._reference import json_schema, reference_markdown
from hoopstat_config._render import JSON, Described, render_json, render_text
from hoopstat_config._settings import Settings, SettingsConfigDict, rule
from hoopstat_config._values import Duration, IsoDate, format_duration, parse_duration

__all__ = [
    "JSON",
    "ConfigurationInvalid",
    "Described",
    "Duration",
    "GroupedCommand",
    "GroupedGroup",
    "GroupedHelp",
    "IsoDate",
    "Option",
    "Origin",
    "OriginKind",
    "Problem",
    "Settings",
    "SettingsConfigDict",
    "click_options",
    "format_duration",
    "given",
    "json_schema",
    "parse_duration",
    "reference_markdown",
    "render_json",
    "render_text",
    "rule",
]
