"""From YAML and dictionaries to a configuration, with errors of one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from dcgan.config.tree import RunConfig
from dcgan.errors import ConfigError, did_you_mean


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ConfigError
        The file is not there, is not YAML, or holds something else than a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError("", path, f"{path}: {reason}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())
        raise ConfigError("", path, f"{path}: not YAML: {first}") from error
    if not isinstance(content, dict):
        raise ConfigError("", path, f"{path}: holds no settings; write KEY: VALUE lines")
    return content


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
    finding = error.errors(include_url=False)[0]
    path = [part for part in finding["loc"] if not str(part).startswith(("function-", "literal["))]
    if path and path[-1] in {"int", "float", "str", "bool", "constrained-str"}:
        path = path[:-1]  # the branch of a union, not a key
    path = [*(section.split(".") if section else []), *path]
    key = _dotted(path)
    value = finding["input"]
    kind = finding["type"]
    context = finding.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields_at(path[:-1])
        return ConfigError(key, value, f"no such setting; {did_you_mean(str(path[-1]), known)}")
    if kind == "literal_error":
        choices = [
            name.strip(" '") for name in str(context["expected"]).replace(" or ", ",").split(",")
        ]
        union = [e for e in error.errors(include_url=False) if tuple(e["loc"][:-1]) == tuple(path)]
        if len(union) > 1 and choices == ["auto"]:
            return ConfigError(key, value, f"{_lower(union[0]['msg'])}, or auto")
        return ConfigError(key, value, f"not allowed; {did_you_mean(str(value), choices)}")
    if kind == "value_error":
        return ConfigError(key, value, str(context["error"]))
    siblings = [e for e in error.errors(include_url=False) if e["type"] == "literal_error"]
    tail = ", or auto" if siblings and siblings[0]["loc"][: len(path)] == tuple(path) else ""
    return ConfigError(key, value, _lower(finding["msg"]) + tail)


def _lower(message: str) -> str:
    return message[0].lower() + message[1:]


def _dotted(path: list[int | str]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


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
