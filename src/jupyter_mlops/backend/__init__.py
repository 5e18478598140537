"""The only rooms that know MLflow and the processes of this machine."""
