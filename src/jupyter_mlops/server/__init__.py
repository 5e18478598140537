"""The face for JupyterLab: the commands over REST, what the side bar shows, and what has changed, as it changes."""
