"""The public surface is small, sorted, documented and typed; importing it stays cheap."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import resources

import hoopstat_config


def test_all_is_sorted_complete_and_documented() -> None:
    """`__all__` is the surface: constants first, then classes, then functions, as isort sorts names."""
    names = hoopstat_config.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))
    assert len(set(names)) == len(names)
    for name in names:
        member = getattr(hoopstat_config, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            assert inspect.getdoc(member), name
    public = {name for name in vars(hoopstat_config) if not name.startswith("_")}
    assert public == set(names)


def test_type_checkers_may_read_the_sources() -> None:
    """The package says that it is typed."""
    assert resources.files(hoopstat_config).joinpath("py.typed").is_file()


def test_importing_does_not_import_what_few_need() -> None:
    """YAML's parser and the sources of pydantic-settings that talk to clouds are loaded by those who use them."""
    code = "import sys, hoopstat_config; print([m for m in ('yaml', 'boto3', 'dotenv.main') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "yaml" not in done.stdout
    assert "boto3" not in done.stdout
