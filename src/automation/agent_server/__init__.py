"""The agent-server's HTTP API and event socket: the endpoints that servers from 1.34 on share."""

from automation.agent_server.client import AgentServer
from automation.agent_server.command_record import CommandRecord
from automation.agent_server.events import BashEvents
from automation.agent_server.line import Line

__all__ = ["AgentServer", "BashEvents", "CommandRecord", "Line"]
