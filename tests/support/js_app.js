// A chain, a fan-out, an event and a timer on the JavaScript SDK; prints one JSON line and ends.
const { WorkflowRuntime, DaprWorkflowClient } = require("@dapr/dapr");

const MANY = 150; // more than the SDK's queue of 100 holds

async function main() {
  const runtime = new WorkflowRuntime();
  const add = async (_, value) => value + 1;
  const workflows = {
    chain: async function* (ctx, steps) {
      let value = 1;
      for (let step = 0; step < steps; step++) value = yield ctx.callActivity(add, value);
      return value;
    },
    fan: async function* (ctx, width) {
      const tasks = [];
      for (let value = 1; value <= width; value++) tasks.push(ctx.callActivity(add, value));
      const results = yield ctx.whenAll(tasks);
      return results.reduce((sum, value) => sum + value, 0);
    },
    event: async function* (ctx) {
      return yield ctx.waitForExternalEvent("go");
    },
    timer: async function* (ctx) {
      yield ctx.createTimer(1);
      return "rang";
    },
  };
  runtime.registerActivityWithName("add", add);
  for (const [name, workflow] of Object.entries(workflows)) runtime.registerWorkflowWithName(name, workflow);
  await runtime.start();
  const client = new DaprWorkflowClient();
  const ended = async (id) => (await client.waitForWorkflowCompletion(id, true, 60)).serializedOutput;
  const said = {};
  said.chain = await ended(await client.scheduleNewWorkflow("chain", 5));
  said.fan = await ended(await client.scheduleNewWorkflow("fan", 200));
  const waiting = await client.scheduleNewWorkflow("event");
  await client.raiseEvent(waiting, "go", { a: 1 });
  said.event = await ended(waiting);
  said.timer = await ended(await client.scheduleNewWorkflow("timer"));
  const ids = [];
  for (let number = 0; number < MANY; number++) ids.push(await client.scheduleNewWorkflow("chain", 3));
  said.many = (await Promise.all(ids.map(ended))).filter((output) => output === "4").length;
  console.log("RESULT " + JSON.stringify(said));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
