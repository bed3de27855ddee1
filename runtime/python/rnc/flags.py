"""Options of rnc and rnrun as Python has them."""

from typing import Any, Mapping


def flags_of(options: Mapping[str, Any]) -> list[str]:
    """{"set": {"classes": 10}, "target_cpu": "x86-64-v3"} is --set=classes=10 --target-cpu=x86-64-v3."""

    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    flags = []
    for name, value in options.items():
        flag = ("--" if len(name) > 1 else "-") + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value is None or value is False:
            continue
        elif isinstance(value, Mapping):
            flags += [f"{flag}={key}={text(item)}" for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            flags += [f"{flag}={text(item)}" for item in value]
        else:
            flags.append(f"{flag}={text(value)}")
    return flags
