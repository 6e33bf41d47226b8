"""One job: how it is submitted, takes its turns, is paused, canceled and restarted."""

from orchestrator.lifecycle.lifecycle import Lifecycle

__all__ = ["Lifecycle"]
