"""Execute notebooks with widgets: a client that no answer of the kernel escapes.

While nbclient waits for a cell's end, it tells the kernel what stands in ipywidgets' `Output`. It
sends that past zmq.asyncio, which announces an answer once: what arrives meanwhile is taken for
announced, and the client waits for ever. See https://github.com/jupyter/nbclient/issues/312.
"""

from __future__ import annotations

from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type


class _WakefulChannel(AsyncZMQSocketChannel):
    """A channel that looks for answers after each message that it sends."""

    def send(self, msg: dict[str, Any]) -> None:
        """Send a message, then let zmq.asyncio look at what has arrived."""
        super().send(msg)
        if self.socket is not None:
            self.socket.get(zmq.EVENTS)


class _WakefulClient(AsyncKernelClient):
    """A client whose questions to the shell are heard and answered."""

    shell_channel_class = Type(_WakefulChannel)


class WakefulManager(AsyncKernelManager):
    """nbclient's ``kernel_manager_class`` for notebooks with widgets."""

    client_factory = Type(_WakefulClient)
