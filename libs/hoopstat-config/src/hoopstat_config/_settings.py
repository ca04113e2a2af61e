"""The base class of settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hoopstat_config import _files
from hoopstat_config._declaration import Declared, declarations
from hoopstat_config._layers import (
    Given,
    Layer,
    from_code,
    from_command_line,
    from_environment,
    from_file,
    near_misses,
)
from hoopstat_config._messages import as_given, problems_of
from hoopstat_config._origin import DEFAULT, ConfigurationInvalid, Origin, OriginKind, Problem, mask_message
from hoopstat_config._render import JSON, Described, described, jsonable, render_json, render_text

__all__ = ["Settings", "SettingsConfigDict", "rule"]

_Rule = TypeVar("_Rule", bound=Callable[[Any], str | None])
_RULE = "__hoopstat_rule__"

# pydantic-settings asks a class, not a call, for its sources: this carries one call's layers there.
_layers_of_this_call: ContextVar[tuple[Layer, ...]] = ContextVar("hoopstat_config_layers", default=())


def rule(*fields: str) -> Callable[[_Rule], _Rule]:
    """Make a method of a settings class a rule over several fields.

    The method returns what is wrong, as the end of a sentence that begins with the first of ``fields`` and its value,
    or ``None``. It runs after each field has been read, and not at all when one of ``fields`` is invalid itself, so
    that one mistake is told once.
    """
    if not fields:
        raise TypeError("a rule names the fields it is about; the first is the one that is blamed")

    def mark(method: _Rule) -> _Rule:
        setattr(method, _RULE, fields)
        return method

    return mark


class Settings(BaseSettings):
    """Validated settings that know where each value came from. Subclass it, declare fields, call :meth:`load`.

    Precedence: default < file < environment < command line. Nothing is read behind your back: the environment and the
    file are those passed to :meth:`load`. Instances are frozen. ``model_config = SettingsConfigDict(env_prefix=...)``
    names the variables of fields whose :class:`Option` names none.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    _declared_fields: ClassVar[Mapping[str, Declared]] = {}
    _rules: ClassVar[tuple[tuple[tuple[str, ...], str], ...]] = ()
    _given: dict[str, Given] = PrivateAttr(default_factory=dict)
    _notices: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.__pydantic_complete__:
            raise TypeError(
                f"{cls.__name__}: an annotation names what is not known here; import it at the module's top"
            )
        declared = declarations(cls, cls.model_fields, str(cls.model_config.get("env_prefix") or ""))
        cls._declared_fields = {item.field: item for item in declared}
        rules = {}
        for base in reversed(cls.__mro__):
            for name, member in vars(base).items():
                if hasattr(member, _RULE):
                    rules[name] = (getattr(member, _RULE), name)
        for fields, name in rules.values():
            if strangers := [field for field in fields if field not in cls._declared_fields]:
                raise TypeError(f"{cls.__name__}.{name}: no such setting: {', '.join(strangers)}")
        cls._rules = tuple(rules.values())

    def __init__(self, **values: Any) -> None:
        """Settings made of ``values`` and defaults alone, as tests want them; no environment, no file.

        Raises:
            ConfigurationInvalid: with everything that is wrong.
            TypeError: for a name that is no setting.
        """
        self._fill([from_code(self._declared_fields, values)], [])

    @classmethod
    def load(cls, command_line: Mapping[str, object], *, environ: Mapping[str, str], file: Path | None = None) -> Self:
        """Read all layers.

        Args:
            command_line: what the user gave, by field: texts as typed, ``True``/``False`` for flags, sequences for
                repeated options. ``None`` and ``()`` mean not given, so click's parameters can be passed as they are.
            environ: the environment, usually ``os.environ``. An empty variable counts as not set.
            file: a ``.toml``, ``.yaml``, ``.yml`` or ``.json`` file whose keys are fields or options.

        Raises:
            ConfigurationInvalid: with everything that is wrong, in every layer.
            TypeError: ``command_line`` names a field that does not exist.
        """
        declared = cls._declared_fields
        problems: list[Problem] = []
        from_the_file: dict[str, Given] = {}
        if file is not None:
            table, unreadable = _files.read(file)
            if unreadable is not None:
                problems.append(unreadable)
            from_the_file, unknown = from_file(declared, str(file), table)
            problems.extend(unknown)
        layers = [from_command_line(declared, command_line), from_environment(declared, environ), from_the_file]
        settings = cls.__new__(cls)
        settings._fill(layers, problems)
        settings._notices = near_misses(declared.values(), environ)
        return settings

    def with_defaults(self, **values: object) -> Self:
        """The same settings, with ``values`` for those fields that nobody gave; their origin stays ``default``.

        Raises:
            ConfigurationInvalid: a value does not hold, or breaks a rule.
            TypeError: for a name that is no setting.
        """
        settings = type(self).__new__(type(self))
        computed = from_code(self._declared_fields, values, OriginKind.DEFAULT)
        given = {field: value for field, value in self._given.items() if value.origin.explicit}
        settings._fill([given, computed, self._given], [])
        settings._notices = self._notices
        return settings

    def origin(self, name: str) -> Origin:
        """Where the value of a field came from.

        Raises:
            KeyError: no such field.
        """
        if name not in self._declared_fields:
            raise KeyError(name)
        given = self._given.get(name)
        return DEFAULT if given is None else given.origin

    @property
    def notices(self) -> tuple[str, ...]:
        """What is no error but looks like one: variables in the environment that nearly have a name of ours."""
        return self._notices

    def describe(self) -> tuple[Described, ...]:
        """Every setting with its value and origin, in the order of declaration, secrets masked."""
        return described(self._declared_fields.values(), dict(self), self.origin)

    def render_text(self) -> str:
        """What :func:`hoopstat_config.render_text` makes of these settings: a table for people."""
        return render_text(self.describe())

    def render_json(self) -> str:
        """What :func:`hoopstat_config.render_json` makes of these settings: an object for programs."""
        return render_json(self.describe())

    def snapshot(self) -> dict[str, JSON]:
        """Every value, JSON-safe, for keeping beside a result: secrets are masked, ``None`` stays ``None``.

        Without its secrets, and without what is ``None``, it can be read again as a file.
        """
        return {field: jsonable(value, secret=self._declared_fields[field].secret) for field, value in self}

    def fingerprint(self, fields: Iterable[str]) -> str:
        """Twelve hexadecimal digits that change when, and only when, one of ``fields`` has another value.

        Raises:
            KeyError: no such field.
            ValueError: a field is secret: its fingerprint could be used to guess it.
        """
        chosen = sorted(set(fields))
        for field in chosen:
            if self._declared_fields[field].secret:
                raise ValueError(f"{field} is secret and has no fingerprint")
        snapshot = self.snapshot()
        text = json.dumps({field: snapshot[field] for field in chosen}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for field, value in self:
            if self._declared_fields[field].option.hidden and value is None:
                continue
            yield field, jsonable(value, secret=self._declared_fields[field].secret)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The layers of the call being made, strongest first; the process's own environment is not among them."""
        del cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        return _layers_of_this_call.get()

    def _fill(self, layers: list[dict[str, Given]], problems: list[Problem]) -> None:
        winners: dict[str, Given] = {}
        for layer in layers:
            for field, given in layer.items():
                winners.setdefault(field, given)
        declared = self._declared_fields
        faulty = [
            Problem(declared[field].public_name, given.fault, given.origin, field)
            for field, given in winners.items()
            if given.fault
        ]
        problems = [*problems, *faulty]
        bad = {problem.field for problem in faulty}
        target: Settings | None = self
        try:
            self._validate(layers, winners, bad)
        except ValidationError as error:
            found = [p for p in problems_of(error, declared, winners) if p.field is None or p.field not in bad]
            problems.extend(found)
            bad |= {problem.field for problem in found}
            # Rules are judged on what is valid, so that all mistakes are told at once.
            target = type(self).__new__(type(self))
            try:
                target._validate(layers, winners, bad)
            except ValidationError:
                target = None  # a field without a default is missing: no rule can be judged
        if target is not None:
            problems.extend(target._broken_rules(bad))
        if problems:
            raise ConfigurationInvalid(_in_order(problems, declared))

    def _validate(self, layers: list[dict[str, Given]], winners: dict[str, Given], bad: set[str | None]) -> None:
        kept = tuple(
            Layer(type(self), {field: given for field, given in layer.items() if field not in bad}) for layer in layers
        )
        token = _layers_of_this_call.set(kept)
        try:
            super().__init__()
        finally:
            _layers_of_this_call.reset(token)
        self._given = {field: given for field, given in winners.items() if field not in bad}

    def _broken_rules(self, bad: set[str | None]) -> Iterable[Problem]:
        for fields, name in self._rules:
            if bad.isdisjoint(fields):
                message = getattr(self, name)()
                if message is not None:
                    item = self._declared_fields[fields[0]]
                    raw = as_given(self._given.get(item.field))
                    message = mask_message(message, raw, secret=item.secret)
                    yield Problem(item.public_name, message, self.origin(item.field), item.field)


def _in_order(problems: list[Problem], declared: Mapping[str, Declared]) -> list[Problem]:
    """Files and unknown keys first, then the fields as they are declared."""
    places = {field: place for place, field in enumerate(declared)}
    return sorted(problems, key=lambda problem: -1 if problem.field is None else places[problem.field])
