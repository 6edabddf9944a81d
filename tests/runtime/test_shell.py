"""Commands in messages can be pasted into the shell of the system."""

from __future__ import annotations

import pytest

from dcgan.runtime.shell import as_line, command, words_of

WORDS = ["dcgan", "train", "C:\\my images\\a", "--out", "runs\\new", "--minutes", "5"]


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr("os.name", "nt")


@pytest.mark.usefixtures("windows")
def test_on_windows_backslashes_stay_and_spaces_have_double_quotes():
    line = r'dcgan train "C:\my images\a" --out runs\new --minutes 5'
    assert as_line(WORDS) == line == command(*WORDS[1:])
    assert words_of(line) == WORDS


@pytest.mark.usefixtures("windows")
def test_an_open_quote_is_no_line_on_windows_either():
    with pytest.raises(ValueError, match="quot"):
        words_of('dcgan train "a')


@pytest.mark.parametrize("word", ["a b", "it's", "50%", "#1", "a\\b", ""])
def test_words_are_found_again(word):
    assert words_of(as_line(["dcgan", word])) == ["dcgan", word]
