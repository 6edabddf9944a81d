"""The command ``dcgan``: one thin file per command."""
