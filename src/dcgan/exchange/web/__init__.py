"""A trained generator as a web page: it runs in the visitor's browser, without a network."""

from dcgan.exchange.web.write import write_web

__all__ = ["write_web"]


def __dir__() -> list[str]:
    return __all__
