"""Remove from an installation what a job never needs, and say what each removal saves.

    python slim.py packages DIR        a site-packages folder
    python slim.py system /            the root of an image made from python:*-slim

Every rule says why. A rule that finds nothing is an error: a new version of a package moved what the rule meant, and
the image would grow unnoticed. tests/deploy/test_slim_image.py runs jobs on what is left.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PACKAGES", "SYSTEM", "Rule", "doomed", "size_bytes", "slim"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes (patterns below the folder), what stays of it (patterns of full relative paths), and why."""

    why: str
    patterns: tuple[str, ...]
    keep: tuple[str, ...] = ()
    optional: bool = False


PACKAGES = (
    Rule(
        "pandas: nba_api and pyarrow import it only to make data frames, and a job makes none",
        ("pandas", "pandas-*.dist-info"),
    ),
    Rule(
        "NumPy's tests, headers, and its translator of Fortran",
        ("numpy/**/tests", "numpy/_core/include", "numpy/**/lib/*.a", "numpy/f2py", "numpy/**/*.pxd", "numpy/**/*.pyx"),
    ),
    Rule("type stubs", ("**/*.pyi",)),
    Rule(
        "Arrow Flight: an RPC framework",
        ("pyarrow/libarrow_flight*", "pyarrow/libarrow_python_flight*", "pyarrow/_flight*", "pyarrow/flight.py"),
    ),
    Rule(
        "Arrow's own clients of object stores: the lake speaks to S3 through boto3",
        ("pyarrow/libarrow_s3*", "pyarrow/_s3fs*", "pyarrow/_gcsfs*", "pyarrow/_azurefs*", "pyarrow/_hdfs*"),
    ),
    Rule(
        "Arrow's headers, Cython declarations and tests",
        (
            "pyarrow/include",
            "pyarrow/includes",
            "pyarrow/src",
            "pyarrow/tests",
            "pyarrow/conftest.py",
            "pyarrow/*.pxd",
            "pyarrow/*.pyx",
            "pyarrow/*.pxi",
            "pyarrow/*.h",
            "pyarrow/_pyarrow_cpp_tests*",
        ),
    ),
    Rule(
        "Arrow's other formats: the lake is Parquet",
        ("pyarrow/_orc*", "pyarrow/_dataset_orc*", "pyarrow/orc.py", "pyarrow/_feather*", "pyarrow/feather.py"),
    ),
    Rule(
        "copies of one library under the names that only linkers and installers use",
        ("pyarrow/libarrow_python*.so", "pyarrow/libarrow_python*.so.*.*.*"),
    ),
    Rule(
        "descriptions of AWS services other than S3 and those that credentials come from",
        ("botocore/data/*/",),
        keep=tuple(f"botocore/data/{service}" for service in ("s3", "sts", "sso", "sso-oidc", "signin")),
    ),
    Rule("boto3's resources and examples: the lake uses clients", ("boto3/data", "boto3/examples")),
    Rule(
        "highlighting of languages other than Python",
        ("pygments/lexers/*.py",),
        keep=tuple(f"pygments/lexers/{name}.py" for name in ("__init__", "_mapping", "python", "special", "text")),
    ),
    Rule("nba_api's clients of live data and its tools", ("nba_api/live", "nba_api/library/debug")),
)

# Two layouts: the official image's /usr/local, and Debian's own Python.
_LIBRARY = ("usr/local/lib/python3.*", "usr/lib/python3.*")


def _library(*names: str) -> tuple[str, ...]:
    return tuple(f"{library}/{name}" for library in _LIBRARY for name in names)


SYSTEM = (
    Rule(
        "installers of Python packages",
        (
            *_library("ensurepip", "venv", "site-packages/*", "dist-packages/*"),
            "usr/lib/python3/dist-packages/*",
            "usr/local/bin/pip*",
            "usr/share/python-wheels",
            "etc/pip.conf",
            "etc/uv",
        ),
    ),
    Rule(
        "editors, windows, turtles, tests and help texts of Python",
        (
            *_library("idlelib", "tkinter", "turtledemo", "turtle.py", "test", "pydoc_data"),
            "usr/local/bin/idle*",
            "usr/local/bin/pydoc*",
        ),
        optional=True,
    ),
    Rule(
        "what extensions are built with",
        (*_library("config-*", "distutils", "lib2to3"), "usr/local/include", "usr/local/bin/python*-config"),
        optional=True,
    ),
    Rule(
        "Debian's package programs and the Perl they need: the list of what is installed stays, for scanners",
        (
            "usr/bin/apt*",
            "usr/bin/dpkg*",
            "usr/bin/perl*",
            "usr/bin/deb*",
            "usr/sbin/dpkg*",
            "usr/lib/apt",
            "usr/lib/dpkg",
            "usr/lib/*/perl*",
            "usr/lib/*/libapt-*",
            "usr/share/perl*",
            "usr/share/debconf",
            "usr/share/keyrings",
            "var/lib/apt/*",
            "var/cache/*",
            "var/lib/dpkg/info",
        ),
    ),
    Rule(
        "character sets other than Unicode's, and tools for keys and locales that nothing here calls",
        ("usr/lib/*/gconv/*", "usr/bin/sqv", "usr/bin/localedef", "usr/bin/openssl", "usr/lib/*/libdb-*"),
        optional=True,
    ),
    Rule(
        "manuals, completions, translations; copyright notices stay",
        (
            "usr/share/man",
            "usr/share/info",
            "usr/share/locale",
            "usr/share/lintian",
            "usr/share/bash-completion",
            "usr/share/doc/*/[!c]*",
            "usr/share/doc/*/c[!o]*",
            "var/log/*",
        ),
        optional=True,
    ),
)


def doomed(root: Path, rule: Rule) -> Iterator[Path]:
    """The files and folders below ``root`` that a rule removes; links are never followed."""
    kept = {path for pattern in rule.keep for path in root.glob(pattern)}
    for pattern in rule.patterns:
        for path in root.glob(pattern):
            if path not in kept:
                yield path


def size_bytes(path: Path) -> int:
    """What a file or a folder takes."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir() or file.is_symlink())


def slim(root: Path, rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, int]]:
    """Remove what the rules say; gives each rule with the bytes it saved. ``LookupError`` when one finds nothing."""
    for rule in rules:
        saved = 0
        for path in sorted(set(doomed(root, rule))):
            if not path.exists() and not path.is_symlink():
                continue  # gone with a folder before it, or under that folder's other name
            saved += size_bytes(path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not saved and not rule.optional:
            raise LookupError(f"nothing in {root} matches {rule.patterns} ({rule.why})")
        yield rule, saved


def main(arguments: list[str]) -> int:
    """The command line."""
    kinds = {"packages": PACKAGES, "system": SYSTEM}
    if len(arguments) != 2 or arguments[0] not in kinds:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    total = 0
    for rule, saved in slim(Path(arguments[1]), kinds[arguments[0]]):
        total += saved
        sys.stdout.write(f"{saved / 1e6:7.1f} MB  {rule.why}\n")
    sys.stdout.write(f"{total / 1e6:7.1f} MB  saved\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
