"""The studio: a local web page over run folders, to train, watch, understand and explore."""

from dcgan.lazily import lazily

__all__ = ["create_app"]

__getattr__, __dir__ = lazily(__name__, {"create_app": "dcgan.studio.app"})
