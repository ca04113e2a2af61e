"""Command-line options made from the declarations. They only collect what the user typed; the settings judge it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from hoopstat_config._declaration import Declared
from hoopstat_config._settings import Settings

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any] | click.Command)

if TYPE_CHECKING:
    _ParamType: TypeAlias = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before click 8.2 it takes no type argument


class _AsTyped(_ParamType):
    """Text as typed: there is one place that validates, and it knows all layers. Completion works all the same."""

    name = "text"

    def __init__(self, choices: tuple[str, ...], *, path: bool) -> None:
        self.choices = choices
        self.path = path

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the choices, or files."""
        del ctx, param
        if self.path:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(choice) for choice in self.choices if choice.lower().startswith(incomplete.lower())]


class _SettingOption(click.Option):
    """A setting's option. It has no default, so that what the user gave can be told from what nobody gave."""

    def __init__(self, item: Declared) -> None:
        self.item = item
        self.group = item.option.group
        common: dict[str, Any] = {"default": None, "help": item.help, "hidden": item.option.hidden}
        if item.on_names and item.off_names:
            pairs = zip_longest(item.on_names, item.off_names, fillvalue="")
            names = [f"{on or ' '}/{off}" if off else on for on, off in pairs]  # " /-B": a name that only turns off
            super().__init__([*names, item.field], **common)
        elif item.is_flag:
            names = [*item.on_names, *item.off_names]
            super().__init__([*names, item.field], is_flag=True, flag_value=bool(item.on_names), **common)
        else:
            super().__init__(
                [*item.on_names, item.field],
                type=_AsTyped(item.choices, path=item.metavar in ("PATH", "FILE", "DIR", "FOLDER")),
                metavar=item.metavar,
                multiple=item.multiple,
                **common,
            )

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Names and purpose, with the variable and the default."""
        del ctx
        if self.hidden:
            return None
        item = self.item
        on = ", ".join(name for name in item.on_names if name not in item.hidden_names)
        off = ", ".join(name for name in item.off_names if name not in item.hidden_names)
        names = " / ".join(part for part in (on, off) if part)
        if not item.is_flag:
            names = f"{names} {item.metavar}"
        remarks = []
        if item.multiple:
            remarks.append("may be repeated")
        if item.env is not None:
            remarks.append(f"env: {item.env}")
        default = self._shown_default()
        if default:
            remarks.append(f"default: {default}")
        elif item.required:
            remarks.append("required")
        return names, "  ".join(part for part in (item.help, f"[{'; '.join(remarks)}]" if remarks else "") if part)

    def _shown_default(self) -> str:
        item = self.item
        if not item.is_flag or item.option.shown_default is not None:
            return item.default_text
        if not (item.on_names and item.off_names) or item.hidden_names or item.default is None or item.required:
            return ""  # a lone flag that is not given: its help says what then holds
        return (item.on_names if item.default else item.off_names)[0]


def click_options(
    settings: type[Settings], *, only: Collection[str] | None = None, without: Collection[str] = ()
) -> Callable[[_Decorated], _Decorated]:
    """Decorate a click command with the options of ``settings``, in their order; parameters are named as the fields.

    Args:
        settings: the class that declares them.
        only: the fields to take; all that have an option, when not given.
        without: fields to leave out.

    Raises:
        TypeError: ``only`` or ``without`` names a field that has no option.
    """
    declared = {item.field: item for item in settings._declared_fields.values() if item.on_names or item.off_names}
    strangers = [field for field in (*(only or ()), *without) if field not in declared]
    if strangers:
        raise TypeError(f"{settings.__name__} has no option for: {', '.join(strangers)}")
    items = [item for field, item in declared.items() if (only is None or field in only) and field not in without]

    def decorate(command: _Decorated) -> _Decorated:
        if isinstance(command, click.Command):
            command.params.extend(_SettingOption(item) for item in items)
            return command
        # click turns the list round: decorators are applied from the bottom to the top.
        kept = list(getattr(command, "__click_params__", ()))
        command.__click_params__ = [*kept, *(_SettingOption(item) for item in reversed(items))]  # type: ignore[attr-defined]  # how click's decorators do it
        return command

    return decorate


def given(ctx: click.Context, settings: type[Settings]) -> dict[str, object]:
    """What the user really gave on the command line of ``ctx``, for :meth:`Settings.load`."""
    return {
        field: ctx.params[field]
        for field in settings._declared_fields
        if field in ctx.params and ctx.get_parameter_source(field) is ParameterSource.COMMANDLINE
    }


class GroupedHelp(click.Command):
    """A mixin for click commands and groups: ``--help`` lists the settings' options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every heading with its options, the options that are no settings last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        others: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):  # click 8.5 gives arguments a record too
                (groups.setdefault(param.group, []) if isinstance(param, _SettingOption) else others).append(record)
        for heading, records in [*groups.items(), ("Options", others)]:
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class GroupedCommand(GroupedHelp, click.Command):
    """A command whose ``--help`` has headings."""


class GroupedGroup(GroupedHelp, click.Group):
    """A group whose ``--help`` has headings."""
