"""Print the test files of all modules changed since the branch left ``main``, committed or not.

``src/dcgan/PACKAGE/MODULE.py`` is tested by ``tests/PACKAGE/test_MODULE.py``; where there is none,
by the tests of its package. Without any change, prints the tests of the package's public names.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE, TESTS = Path("src/dcgan"), Path("tests")


def git(*words: str) -> list[str]:
    """The lines that a git command prints."""
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )


def tests_of(path: Path) -> Path | None:
    """The test file or folder of a changed file; None where it has none."""
    if TESTS in path.parents and path.name.startswith("test_"):
        return path
    if SOURCE not in path.parents or path.suffix != ".py":
        return None
    package = TESTS / path.relative_to(SOURCE).parent
    own = package / f"test_{path.stem}.py"
    return own if own.exists() or package == TESTS else package


def main() -> None:
    """Print them, one a line."""
    changed = {
        *git("diff", "--name-only", "--diff-filter=d", "--merge-base", "main"),
        *git("ls-files", "--others", "--exclude-standard"),
    }
    found = {tests_of(Path(name)) for name in changed if name}
    names = sorted(str(path) for path in found if path is not None and path.exists())
    print(*(names or ["tests/test_package.py"]), sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
