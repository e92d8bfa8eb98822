"""A durable agent of dapr-agents for the embedded engine: its workflow is registered as the module is loaded."""

import dapr.ext.workflow as wf
from dapr_agents import DurableAgent, tool  # type: ignore[import-not-found]
from dapr_agents.llm.openai import OpenAIChatClient  # type: ignore[import-not-found]


@tool
def get_weather(location: str) -> str:
    """Get the weather at a location."""
    print(f"asked for the weather in {location}", flush=True)  # noqa: T201
    return f"{location}: 72F."


runtime = wf.WorkflowRuntime()
agent = DurableAgent(
    name="Stevie",
    role="Weather Assistant",
    llm=OpenAIChatClient(model="gpt-4o-mini"),
    tools=[get_weather],
)
agent.register_workflows(runtime)
