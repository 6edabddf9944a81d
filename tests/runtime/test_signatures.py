"""Wrong arguments from Python: one line that names the argument."""

from __future__ import annotations

import pytest

import dcgan
from dcgan.errors import ConfigError
from dcgan.runtime.signatures import checked


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"dataa": "x"}, "`dataa` is 'x': train has no such argument; did you mean 'data'?"),
        ({"flip": True}, "into `settings`, such as settings={'data': {'flip': True}}"),
        ({"images": "many"}, "`images` is 'many': use a whole number or None"),
        ({"images": True}, "`images` is True: use a whole number or None"),
        ({"out": 5}, "`out` is 5: use text, a path or None"),
        ({"size": 7}, "`size` is 7: each side must be 16 to 4096"),
        ({"batch": 0}, "`batch` is 0: use a whole number"),
        ({"sizee": 7}, "did you mean 'size'? Settings of a recipe go into `settings`"),
        ({"settings": {"data": {"flip": "yes"}}}, "`data.flip` is 'yes': use True or False"),
        ({"settings": {"data": {"size": 7}}}, "`data.size` is 7"),
        ({"resume": "yes"}, "`resume` is 'yes': use True or False"),
        ({"settings": "x"}, "`settings` is 'x': use a dictionary or None"),
        ({"reporter": print}, "use a dcgan.Reporter or None"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments, line):
    with pytest.raises(ConfigError) as caught:
        dcgan.train(**arguments)
    assert line in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_missing_and_surplus_arguments_are_named():
    with pytest.raises(ConfigError, match=r"prepare: missing a required argument: 'out'"):
        dcgan.prepare("digits")
    with pytest.raises(ConfigError, match=r"train: too many positional arguments\. Its arguments"):
        dcgan.train("digits", "paper")


def test_what_is_not_checked_reaches_the_function():
    @checked
    def function(images: object, size: tuple[int, int] | int = 1, rate: float = 0.5) -> object:
        return images, size, rate

    assert function([1], size=[2, 3], rate=1) == ([1], [2, 3], 1)
