"""``python -m dcgan`` is the command ``dcgan``."""

from dcgan.cli.main import main

if __name__ == "__main__":
    main()
