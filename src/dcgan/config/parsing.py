"""From YAML and dictionaries to a configuration, with errors of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dcgan.config.allowed_values import allowed, either
from dcgan.config.tree import RunConfig
from dcgan.errors import ConfigError, did_you_mean, nearest_of, shown
from dcgan.plain_yaml import read_yaml_file


def read_yaml(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ConfigError
        The file is not there, is not YAML, or holds something else than a mapping.
    """
    path = Path(path)
    try:
        content = read_yaml_file(path)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError("", path, f"{path}: {reason}") from error
    except (yaml.YAMLError, ValueError) as error:
        first = " ".join(str(error).split())
        raise ConfigError("", path, f"{path}: not YAML: {first}") from error
    if not isinstance(content, dict):
        raise ConfigError("", path, f"{path}: holds no settings; write KEY: VALUE lines")
    refuse_odd_sections(content)
    return content


def refuse_odd_sections(settings: Mapping[Any, Any], section: Any = RunConfig) -> None:
    """Raise ConfigError where a section is no mapping, or a name no text."""
    for key, value in settings.items():
        if not isinstance(key, str):
            raise ConfigError("", key, f"{shown(key)} is no name of a setting; write KEY: VALUE")
        field = section.model_fields.get(key)
        inner = None if field is None else field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        if not isinstance(value, Mapping):
            known = ", ".join(list(inner.model_fields)[:4])
            raise ConfigError(
                key, value, f"a section of settings; write lines below it, such as {known}"
            )
        refuse_odd_sections(value, inner)


def parse_config(settings: Mapping[str, Any]) -> RunConfig:
    """Check a nested dictionary of settings and make it a configuration.

    Raises
    ------
    ConfigError
        Names the first wrong key, its value, what is allowed and the nearest valid name.
    """
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise config_error(error) from error


def config_error(error: ValidationError, section: str = "") -> ConfigError:
    """The first finding of a pydantic validation as one line.

    Parameters
    ----------
    section : str
        Where in the tree the validated part stands, when it is not the whole.
    """
    findings = error.errors(include_url=False)
    finding = findings[0]
    begin = section.split(".") if section else []
    path = _without_union_branches([*begin, *finding["loc"]])
    key, value = _dotted(path), finding["input"]
    context = finding.get("ctx", {})
    or_auto = any(
        other["type"] == "literal_error" and other["ctx"]["expected"] == "'auto'"
        for other in findings
        if _without_union_branches([*begin, *other["loc"]]) == path
    )
    field = _field_at(path)
    match finding["type"]:
        case "extra_forbidden":
            known = _fields_at(path[:-1])
            return ConfigError(key, value, f"no such setting; {did_you_mean(str(path[-1]), known)}")
        case "value_error":
            problem = str(context["error"]) + (", or auto" if or_auto else "")
            return ConfigError(key, value, problem)
    choices = allowed(field) if field is not None else []
    if not choices:
        return ConfigError(key, value, finding["msg"][0].lower() + finding["msg"][1:])
    near = nearest_of(shown(value), choices)
    meant = f"; did you mean {near!r}?" if near else "."
    return ConfigError(key, value, f"not allowed{meant} Allowed: {either(choices)}")


def _field_at(path: Sequence[int | str]) -> FieldInfo | None:
    """The setting that a path leads to; None where it leads into a list of layers or nowhere."""
    section: Any = RunConfig
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue  # an item of a list is described with its list
        if section is None or part not in section.model_fields:
            return None
        field = section.model_fields[part]
        section = _section_in(field.annotation)
    return field


def _without_union_branches(path: Sequence[int | str]) -> list[int | str]:
    """A place in the tree, without the names of a union's branches that pydantic puts into it."""
    kept: list[int | str] = []
    section: Any = RunConfig
    for position, part in enumerate(path):
        is_last = position == len(path) - 1
        if section is None:
            if isinstance(part, int):
                kept.append(part)
            continue
        if isinstance(part, int):
            kept.append(part)
        elif part in section.model_fields:
            kept.append(part)
            section = _section_in(section.model_fields[part].annotation)
        elif is_last:
            kept.append(part)  # an unknown key
    return kept


def _dotted(path: list[int | str]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def settings_below(section: str) -> list[str]:
    """The settings of a section by its dotted path, such as ``model.generator``."""
    return _fields_at(list(section.replace("-", "_").split(".")))


def _fields_at(path: list[int | str]) -> list[str]:
    """The valid keys of the section that a path leads to."""
    section: Any = RunConfig
    for part in path:
        if isinstance(part, int):
            continue
        field = section.model_fields[part]
        section = _section_in(field.annotation)
    fields = list(section.model_fields)
    if "operation" in fields:
        fields = ["conv", "conv_transpose", "linear", *fields[2:]]
    return fields


def _section_in(annotation: Any) -> Any:
    """The first section inside an annotation such as ``tuple[LayerRow, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _section_in(argument)
        if found is not None:
            return found
    return None
