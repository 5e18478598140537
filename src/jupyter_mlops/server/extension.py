"""The extension of Jupyter Server: ``jupyter server extension list`` shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Int

from .projects import Projects
from .routes import routes


class MlopsServer(ExtensionApp):
    """What administrators can set: ``c.MlopsServer.command_seconds = 60`` in ``jupyter_mlops_config.py``."""

    name = "jupyter_mlops"
    load_other_extensions = True

    command_seconds = Float(600.0, config=True, help="Seconds after which a command is ended.")
    look_seconds = Float(15.0, config=True, help="Seconds that an answer to the side bar may take.")
    body_bytes = Int(1_000_000, config=True, help="The most bytes of a request.")

    def initialize_settings(self) -> None:
        """Make what the handlers share."""
        root = Path(self.settings["server_root_dir"]).expanduser()
        self.settings["jupyter_mlops"] = Projects(
            root,
            command_seconds=self.command_seconds,
            look_seconds=self.look_seconds,
            body_bytes=self.body_bytes,
        )

    def initialize_handlers(self) -> None:
        """Name the routes."""
        self.handlers.extend(routes())

    async def stop_extension(self) -> None:
        """End the processes of the commands, and stop looking."""
        projects: Any = self.settings.get("jupyter_mlops")
        if projects is not None:
            await projects.close()
