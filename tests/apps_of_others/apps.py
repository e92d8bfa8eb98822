"""The table: every workflow app of Dapr's quickstarts and SDKs. `outcomes.json` says which of it has been run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rows import Another, App, Call, Embedded, Ends, Program, Repository, Says, Writes

QUICKSTARTS = Repository("dapr/quickstarts", "WFCTL_QUICKSTARTS", "WFCTL_QUICKSTARTS_PYTHON")
PYTHON_SDK = Repository("dapr/python-sdk", "WFCTL_PYTHON_SDK", "WFCTL_PYTHON_SDK_PYTHON")
GO_SDK = Repository("dapr/go-sdk", "WFCTL_GO_SDK")
JAVA_SDK = Repository("dapr/java-sdk", "WFCTL_JAVA_SDK")
JS_SDK = Repository("dapr/js-sdk", "WFCTL_JS_SDK")
DAPR_AGENTS = Repository("dapr/dapr-agents", "WFCTL_DAPR_AGENTS", "WFCTL_DAPR_AGENTS_PYTHON")
REPOSITORIES = (QUICKSTARTS, PYTHON_SDK, GO_SDK, JAVA_SDK, JS_SDK, DAPR_AGENTS)

ORDER = {"id": "b7dd836b", "description": "Rubber ducks", "quantity": 100, "total_price": 500}
DUCK = {"product_id": "RBD001", "product_name": "Rubber Duck", "quantity": 10, "total_price": 15.0}
SHIPPED = {"id": "b0d38481", "order_item": DUCK, "customer_info": {"id": "Customer1", "country": "The Netherlands"}}
PUBSUB = "asks for pub/sub, which wfctl is not: its apps exchange messages over Redis"


def _tutorial(
    name: str, folder: str, app_port: int, http_port: int, start: str, workflow: str,
    *more: Any, body: Any = None, given: Any = None, output: Any = None, custom: str | None = None,
    says: tuple[str, ...] = (), events: tuple[tuple[str, Any], ...] = (), app: str = "app.py", **fields: Any
) -> App:  # fmt: skip
    """One of tutorials/workflow/python: a web app that starts a workflow when it is asked to."""
    first = Call("POST", f"http://127.0.0.1:{app_port}/start{start}", body, "instance_id", 202)
    return App(
        f"quickstarts/tutorials/python/{name}",
        QUICKSTARTS,
        f"tutorials/workflow/python/{name}",
        "Python",
        template="dapr.yaml",
        steps=(first, *more, Ends(f"http://127.0.0.1:{http_port}", output, custom_status=custom)),
        says=says,
        embedded=Embedded(f"{folder}/{app}", workflow, given, events, output),
        redis=True,
        **fields,
    )


def python_quickstarts() -> Iterator[App]:
    yield App(
        "quickstarts/workflows/python/order-processor",
        QUICKSTARTS,
        "workflows/python/sdk",
        "Python",
        template="dapr.yaml",
        says=("There are now 9 cars left in stock", 'Workflow completed! Result: {"'),
        exits=0,
        embedded=Embedded(
            "order-processor/app.py",
            "order_processing_workflow",
            '{"item_name": "cars", "quantity": 1, "total_cost": 5000}',
            says=("There are now 8 cars left in stock",),
            after_serve=True,
        ),
        note="embedded, the stock is put in by `python3 app.py` alone, so run it once on serve, with the same store.",
        redis=True,
    )
    yield _tutorial(
        "fundamentals", "basic", 5254, 3554, "/One", "basic_workflow", given="One", output="One Two Three",
        says=("activity1: Received input: One.", "activity2: Received input: One Two."),
    )  # fmt: skip
    yield _tutorial(
        "task-chaining", "task_chaining", 5255, 3555, "", "chaining_workflow", given="This",
        output="This is task chaining", says=("activity3: Received input: This is task.",),
    )  # fmt: skip
    words = ["which", "word", "is", "the", "shortest"]
    yield _tutorial(
        "fan-out-fan-in", "fan_out_fan_in", 5256, 3556, "", "fanoutfanin_workflow", body=words, given=words,
        output="is", says=("get_word_length: Received input: shortest.",),
    )  # fmt: skip
    yield _tutorial(
        "monitor-pattern", "monitor", 5257, 3557, "/0", "monitor_workflow", given=0,
        output=r"Status is healthy after \d+ times\.", says=("check_status: Received input: 2.",),
    )  # fmt: skip
    yield _tutorial(
        "external-system-interaction", "external_events", 5258, 3558, "", "external_events_workflow",
        Says("request_approval: Request approval for order: b7dd836b."),
        Call("POST", "http://127.0.0.1:3558/v1.0/workflows/dapr/{id}/raiseEvent/approval-event",
             {"order_id": "{id}", "is_approved": True}, status=202),
        body=ORDER, given={**ORDER, "__durabletask_autoobject__": True},
        events=(("approval-event", {"order_id": "b7dd836b", "is_approved": True}),),
        output="Order b7dd836b has been approved.", says=("process_order: Processed order: b7dd836b.",),
    )  # fmt: skip
    items = ["Item 1", "Item 2"]
    yield _tutorial(
        "child-workflows", "child_workflows", 5259, 3559, "", "parent_workflow", body=items, given=items,
        output=[f"{item} is processed as a child workflow." for item in items],
        says=("activity2: Received input: Item 2 is processed.",),
    )  # fmt: skip
    yield _tutorial(
        "resiliency-and-compensation", "resiliency_and_compensation", 5264, 3564, "/1",
        "resiliency_and_compensation_workflow", given=1, output=1,
        custom="Compensated minus_one activity with plus_one activity.",
        says=("division: Received input: 0.", "plus_one: Received input: 0."),
    )  # fmt: skip
    yield App(
        "quickstarts/tutorials/python/combined-patterns",
        QUICKSTARTS,
        "tutorials/workflow/python/combined-patterns",
        "Python",
        template="dapr.yaml",
        steps=(
            Call("POST", "http://127.0.0.1:5260/start", SHIPPED, "instance_id", 202),
            Ends("http://127.0.0.1:3560", {"is_success": True, "message": "Order b0d38481 processed successfully."}),
        ),
        embedded="two apps that call each other and exchange messages: Dapr itself",
        not_on={"serve": PUBSUB},
        refused=(
            Says("Subscription shipment-confirmed"),
            Call("POST", "http://127.0.0.1:5260/start", SHIPPED, "instance_id", 202),
            Says("wfctl serve has no pub/sub; for that the app needs Dapr itself (dapr run)"),
            Ends("http://127.0.0.1:3560", status="FAILED"),
        ),
        redis=True,
    )
    for file, sends in (("before.py", "email"), ("after_named_version.py", "sms"), ("after_patching.py", "sms")):
        yield App(
            f"quickstarts/tutorials/python/versioning/{file}",
            QUICKSTARTS,
            "tutorials/workflow/python/versioning",
            "Python",
            programs=(Program("versioning", ("python3", file), "versioning", 5263, 3561),),
            steps=(
                Call("POST", "http://127.0.0.1:5263/start", None, "instance_id", 202),
                Ends("http://127.0.0.1:3561", f"Sent {'email' if sends == 'email' else 'SMS'} to user_id"),
            ),
            says=(f"send_{sends}: Received input: user_id.",),
            embedded=Embedded(
                f"versioning/{file}",
                "notify_user",
                "user_id",
                output=f"Sent {'email' if sends == 'email' else 'SMS'} to user_id",
            ),
            note="" if file == "before.py" else "`dapr.yaml` names before.py, as the tutorial says.",
        )
    status = "http://127.0.0.1:5262"
    yield App(
        "quickstarts/tutorials/python/workflow-management",
        QUICKSTARTS,
        "tutorials/workflow/python/workflow-management",
        "Python",
        template="dapr.yaml",
        steps=(
            Call("POST", f"{status}/start/0", None, "instance_id", 202),
            Says("send_notification: Received input: 1."),
            Call("POST", f"{status}/suspend/{{id}}", status=202),
            Call("GET", "http://127.0.0.1:3562/v1.0/workflows/dapr/{id}", has="SUSPENDED", until=True),
            Call("GET", f"{status}/status/{{id}}", has=""),
            Call("POST", f"{status}/resume/{{id}}", status=202),
            Call("GET", "http://127.0.0.1:3562/v1.0/workflows/dapr/{id}", has="RUNNING", until=True),
            Call("POST", f"{status}/terminate/{{id}}", status=202),
            Call("GET", "http://127.0.0.1:3562/v1.0/workflows/dapr/{id}", has="TERMINATED", until=True),
            Call("DELETE", f"{status}/purge/{{id}}", status=202),
            Call("GET", "http://127.0.0.1:3562/v1.0/workflows/dapr/{id}", status=404, until=True),
        ),
        embedded=Embedded(
            "workflow_management/app.py",
            "never_ending_workflow",
            0,
            endless=True,
            says=("send_notification: Received input: 1.",),
        ),
        redis=True,
    )


SIMPLE = (
    "Hi Counter!",
    "New counter value is: 11!",
    "Retry count value is: 1! This print statement verifies retry",
    "Appending c to child_orchestrator_string!",
    "Get response from hello_world_wf after pause call: SUSPENDED",
    "Get response from hello_world_wf after resume call: RUNNING",
    "New counter value is: 1111!",
    "Workflow completed! Result: Completed",
)


def _example(
    file: str, *steps: Any, says: tuple[str, ...] = (), embedded: Embedded | str = "", exits: int | None = 0,
    words: tuple[str, ...] = (), **fields: Any
) -> App:  # fmt: skip
    """One of the Python SDK's examples, which runs by itself."""
    return App(
        f"python-sdk/{file}",
        PYTHON_SDK,
        "examples/workflow",
        "Python",
        programs=(Program("wfexample", ("python3", file, *words)),),
        steps=steps,
        says=says,
        exits=exits,
        embedded=embedded,
        **fields,
    )


def python_sdk() -> Iterator[App]:
    hello = Embedded("simple.py", "hello_world_wf", "Hi Counter!", (("event1", "eventData"),), "Completed")
    yield _example("simple.py", says=SIMPLE, embedded=hello)
    yield _example(
        "simple_aio_client.py", says=SIMPLE,
        embedded=Embedded("simple_aio_client.py", "hello_world_wf", "Hi Counter!", (("event1", "eventData"),),
                          "Completed"),
    )  # fmt: skip
    yield _example(
        "task_chaining.py",
        says=("Step 3: Received input: 86.", "Workflow completed! Status: WorkflowStatus.COMPLETED"),
        embedded=Embedded("task_chaining.py", "random_workflow", 42, (), [43, 86, 84]),
    )  # fmt: skip
    yield _example(
        "fan_out_fan_in.py", says=("Work item 10 processed. Result: 20.", "Final result: 110."),
        embedded=Embedded("fan_out_fan_in.py", "batch_processing", 10, (), None, ("Final result: 110.",)),
    )  # fmt: skip
    yield _example(
        "human_approval.py", Says("Press [ENTER] to approve the order..."), Writes("\n"),
        Says("'DaprClient' object has no attribute 'raise_workflow_event'"), words=("--timeout", "1"),
        says=("*** Requesting approval from user for order: ", "*** Workflow timed out!"),
        embedded=Embedded(
            "human_approval.py", "purchase_order_wf",
            {"cost": 2000, "product": "MyProduct", "quantity": 1, "__durabletask_autoobject__": True},
            (("approval_received", {"approver": "Me"}),), "Approved by 'Me'",
        ),
        changes="approve by `wfctl raise-event`: the example calls a method of DaprClient that SDK 1.19 has no more,"
        " beside Dapr too",
    )  # fmt: skip
    yield _example(
        "monitor.py", Says("Press Enter to stop..."), Says("Job 'job1' is "), Writes("\n"),
        says=("Workflow started. Instance ID: job1",),
        embedded=Embedded("monitor.py", "status_monitor", endless=True, says=("Job 'job1' is ",),
                          input={"job_id": "job1", "is_healthy": False, "__durabletask_autoobject__": True}),
    )  # fmt: skip
    yield _example(
        "child_workflow.py", says=("*** Calling child workflow ", "-child called"),
        embedded=Embedded("child_workflow.py", "main_workflow", None, (), None, ("*** Child workflow one-child",)),
    )  # fmt: skip
    pydantic = {"order_id": "O-100", "customer": "Acme", "amount": 42.0}
    yield _example(
        "pydantic_models.py",
        says=("[workflow] activity returned approved=True",
              "[client] workflow output: order_id=O-100 approved=True message=auto-approved"),
        embedded=Embedded("pydantic_models.py", "order_workflow", pydantic, (),
                          {"order_id": "O-100", "approved": True, "message": "auto-approved"}),
    )  # fmt: skip
    yield _example(
        "history_propagation.py",
        says=("*** process_payment received parent context for merchant 'merchant-42'",
              "with validate_merchant -> completed=True", "*** workflow completed: status=COMPLETED"),
        embedded=Embedded("history_propagation.py", "merchant_checkout", "merchant-42", (),
                          {"child": "paid", "audit": "logged"}),
    )  # fmt: skip
    payloads = [{"index": number, "data": "1234"} for number in range(5)]
    yield _example(
        "async_activities.py",
        says=("[async] payload 4: 2048B in -> 1024B out", "Workflow result: 5 results, 5120 bytes"),
        embedded=Embedded("async_activities.py", "fan_out_fan_in_workflow", payloads, (), "5 results, 5120 bytes"),
    )  # fmt: skip
    yield _example(
        "versioning.py", words=("part1",), again=("python3", "versioning.py", "part2"),
        says=("test1: Finished workflow for version1", "test3: Finished workflow for version2",
              "test4: patch1 is patched", "test5: patch1 is not patched", "test5: patch2 is patched",
              "test6: patch2 is patched", "test7: Workflow is stalled", "test8: Workflow is stalled"),
        again_says=("test100: Finished stalled version1 workflow", "test100: Finished stalled patching workflow"),
        embedded="its workflows are made while the program runs",
    )  # fmt: skip
    yield from _multi_app()


MULTI = "three `dapr run` become one dapr.yaml with three apps (embedded: `[apps.ID]` in wfctl.toml)"


def _multi_app() -> Iterator[App]:
    said = {
        "": ("app3 - returning activity result", "app2 - received activity result", "app1 - received workflow result"),
        "ERROR_ACTIVITY_MODE": ("app3 - raising error in activity", "app2 - received activity error from app3",
                                "app1 - received workflow result"),
        "ERROR_WORKFLOW_MODE": ("app2 - raising error in workflow", "app1 - received workflow error from app2"),
    }  # fmt: skip
    for mode, says in said.items():
        env = {mode: "true"} if mode else {}
        yield App(
            f"python-sdk/multi-app{' ' + mode if mode else ''}",
            PYTHON_SDK,
            "examples/workflow",
            "Python",
            programs=tuple(
                Program(f"wfexample{number}", ("python3", f"multi-app{number}.py"), env=env) for number in (3, 2, 1)
            ),
            says=(*says, "app1 - returning workflow result"),
            embedded=Embedded(
                "multi-app1.py",
                "app1_workflow",
                output=1,
                says=says,
                apps={f"wfexample{number}": f"multi-app{number}.py" for number in (2, 3)},
            ),
            changes=MULTI,
        )


def go_apps() -> Iterator[App]:
    yield App(
        "quickstarts/workflows/go/order-processor",
        QUICKSTARTS,
        "workflows/go/sdk",
        "Go",
        template="dapr.yaml",
        says=("There are now 9 cars left in stock", "workflow status: COMPLETED", "Purchase of item is complete"),
        exits=0,
        redis=True,
    )
    said = {
        "workflow": ("workflow paused", "workflow resumed", "workflow event raised", "stage: 2",
                     "fail activity executions: 3", "workflow terminated", "workflow purged",
                     "workflow worker successfully shutdown"),
        "workflow-parallel": ("Work item 9 processed. Result: 18", "Final result: 90", "workflow status: COMPLETED",
                              "workflow terminated", "workflow purged"),
        "workflow-taskexecutionid": ("RetryN  4", "workflow status: COMPLETED", "workflow terminated",
                                     "workflow purged"),
    }  # fmt: skip
    for name, says in said.items():
        yield App(
            f"go-sdk/{name}",
            GO_SDK,
            f"examples/{name}",
            "Go",
            programs=(Program(name, ("go", "run", "./main.go"), grpc_port=50001),),
            says=says,
            exits=0,
            changes="`go mod tidy` in `examples` first, beside Dapr too: its go.mod is behind the SDK's",
        )


NO_TTY = "it asks at /dev/tty, which a child of serve has not: run it in a terminal beside `wfctl serve`"


def js_apps() -> Iterator[App]:
    start = Call("POST", "http://127.0.0.1:3500/v1.0/invoke/order-processor/method/start-workflow", until=True)
    for file, steps in (
        ("dapr.yaml", ()),
        ("dapr-AppWithExpressServer.yaml", (start,)),
        ("dapr-AppWithDaprServer.yaml", (start,)),
    ):
        yield App(
            f"quickstarts/workflows/javascript/{file}",
            QUICKSTARTS,
            "workflows/javascript/sdk",
            "JavaScript",
            template=file,
            steps=steps,
            says=("Payment of 5000 for 1 car processed successfully", "there are now 9 car in stock",
                  "processed successfully!"),
            built=("node_modules/@dapr/dapr",),
            build="npm install && npm run build",
            redis=True,
        )  # fmt: skip
    rows: tuple[tuple[str, tuple[str, ...], tuple[Any, ...]], ...] = (
        ("activity-sequence", ('Result: ["Hello Tokyo!","Hello Seattle!","Hello London!"]',), ()),
        ("fanout-fanin", ("Orchestration completed! Result: ",), ()),
        ("comprehensive-test", (" 0 failed, ",), ()),
        ("human-interaction", ("Result: ",),
         (Says("Cost of your order:"), Writes("2000\n"), Says("Approver of your order:"), Writes("Me\n"),
          Says("Timeout for your order in seconds:"), Writes("30\n"), Says("to approve the order"), Writes("y"))),
    )  # fmt: skip
    for name, says, steps in rows:
        yield App(
            f"js-sdk/{name}",
            JS_SDK,
            "examples/workflow/authoring",
            "JavaScript",
            programs=(Program(f"{name}-workflow", ("node", f"dist/{name}.js"), grpc_port=50001),),
            steps=steps,
            says=says,
            exits=0,
            not_on={"serve": NO_TTY, "dapr": "not run"} if name == "human-interaction" else {},
            built=("node_modules/@dapr/dapr",),
            build="npm install && npm run build, with @dapr/dapr of npm where the SDK itself is not built",
            changes="`node dist/NAME.js` in place of `npm run`: the examples do not compile with the SDK of npm (3.18),"
            " though what is made runs",
        )


_DOCKER = "`mvn package` and `wfctl serve -- java -jar target/….jar` in place of `mvn spring-boot:test-run` (Docker)"
JAVA_TUTORIALS = "tutorials/workflow/java"


def _java(
    name: str, *steps: Any, says: tuple[str, ...] = (), env: dict[str, str] | None = None, label: str = "",
    **fields: Any
) -> App:  # fmt: skip
    return App(
        f"quickstarts/tutorials/java/{name}{label}",
        QUICKSTARTS,
        f"{JAVA_TUTORIALS}/{name}",
        "Java",
        programs=(Program(name, ("sh", "-c", "exec java -jar target/*.jar"), env=env or {}),),
        steps=steps,
        says=says,
        built=("target/*.jar",),
        build="mvn package -DskipTests",
        changes=_DOCKER,
        **fields,
    )


def java_quickstarts() -> Iterator[App]:
    yield App(
        "quickstarts/workflows/java/order-processor",
        QUICKSTARTS,
        "workflows/java/sdk",
        "Java",
        template="dapr.yaml",
        says=("there are now 9 cars left in stock", 'Workflow instance completed, out is: {"processed":true}'),
        built=("order-processor/target/OrderProcessingService-0.0.1-SNAPSHOT.jar",),
        build="cd order-processor && mvn clean install",
        redis=True,
    )
    at = "http://127.0.0.1:8080"

    def started(path: str = "/start", body: Any = None) -> Call:
        return Call("POST", at + path, body, "")

    def told(has: str, path: str = "/output") -> Call:
        return Call("GET", at + path, has=has, until=True)

    words = ["which", "word", "is", "the", "shortest"]
    yield _java("fundamentals", started("/start?input=One"), told("One Two Three"))
    yield _java("task-chaining", started(), told("This is task chaining"))
    yield _java("fan-out-fan-in", started(body=words), told("is"))
    yield _java(
        "child-workflows", started(body=["Item 1", "Item 2"]), told("Item 2  is processed as a child workflow.")
    )
    yield _java("monitor-pattern", started("/start/0"), told("Status is healthy after checking"))
    yield _java("resiliency-and-compensation", started("/start/1"), told("1"))
    order = {"id": "b7dd836b", "description": "Rubber ducks", "quantity": 100, "totalPrice": 500}
    yield _java(
        "external-system-interactions", started(body=order), told("RUNNING", "/status"),
        Call("POST", f"{at}/event", {"orderId": "b7dd836b", "isApproved": True}), told("has been approved", "/status"),
    )  # fmt: skip
    yield _java(
        "workflow-management", started("/start/0"), told("RUNNING", "/status/{id}"),
        Call("POST", f"{at}/suspend/{{id}}"), told("SUSPENDED", "/status/{id}"),
        Call("POST", f"{at}/resume/{{id}}"), told("RUNNING", "/status/{id}"),
        Call("POST", f"{at}/terminate/{{id}}"), told("TERMINATED", "/status/{id}"),
        Call("DELETE", f"{at}/purge/{{id}}"),
    )  # fmt: skip
    for patched, second, path, has in (
        ("false", "false", "-patch", "email"), ("true", "false", "-patch", "sms"),
        ("false", "false", "", "email"), ("false", "true", "", "sms"),
    ):  # fmt: skip
        yield _java(
            "versioning", started(f"/start{path}"), told("", f"/output{path}"), says=(f"Send{has.title()}",),
            env={"WORKFLOW_PATCHED_ENABLED": patched, "WORKFLOW_V2_ENABLED": second},
            label=f" {'patched' if path else 'named'} {has}",
        )  # fmt: skip
    yield App(
        "quickstarts/tutorials/java/combined-patterns",
        QUICKSTARTS,
        f"{JAVA_TUTORIALS}/combined-patterns",
        "Java",
        left_out="its two apps share Dapr's containers by Testcontainers (Docker) and exchange messages by pub/sub,"
        " which wfctl is not",
        not_on={"serve": PUBSUB, "dapr": "needs Docker"},
    )


_JAR = ("java", "-jar", "target/dapr-java-sdk-examples-exec.jar")
_JAVA = "io.dapr.examples.workflows"


def java_sdk() -> Iterator[App]:
    for name, worker, client, says, told in (
        ("chain", "DemoChainWorker", "DemoChainClient", ("Workflow finished with result: TOKYO, LONDON, SEATTLE",),
         "completed with result: TOKYO, LONDON, SEATTLE"),
        ("faninout", "DemoFanInOutWorker", "DemoFanInOutClient", ("Workflow finished with result: 60",),
         "completed with result: 60"),
        ("continueasnew", "DemoContinueAsNewWorker", "DemoContinueAsNewClient", ("CleanUpActivity finished",),
         "Started a new continue-as-new model workflow"),
        ("externalevent", "DemoExternalEventWorker", "DemoExternalEventClient", ("approval-activity finished",),
         "completed."),
        ("childworkflow", "DemoChildWorkflowWorker", "DemoChildWorkerflowClient", ("childworkflow finished with: ",),
         "completed with result: !wolfkroW rpaD olleH"),
        ("compensation", "BookTripWorker", "BookTripClient",
         ("Activity completed with result: Hotel booked successfully", "Flight canceled successfully"),
         "Workflow failed, compensation applied"),
        ("historypropagation", "DemoHistoryPropagationWorker", "DemoHistoryPropagationClient",
         ("Starting child workflow:", "Auditing payment for: payment-1234"),
         "completed with result: processed: payment-1234"),
        ("suspendresume", "DemoSuspendResumeWorker", "DemoSuspendResumeClient", ("approval-activity finished",),
         "Workflow Instance Status: RUNNING"),
    ):  # fmt: skip
        yield App(
            f"java-sdk/{name}",
            JAVA_SDK,
            "examples",
            "Java",
            programs=(Program(f"{name}worker", (*_JAR, f"{_JAVA}.{name}.{worker}", "50001"), grpc_port=50001),),
            steps=(
                Says("Successfully built dapr workflow runtime"),
                Another((*_JAR, f"{_JAVA}.{name}.{client}", "50001"), (told,), endless=name == "continueasnew"),
            ),
            says=says,
            built=("target/dapr-java-sdk-examples-exec.jar",),
            build="mvn install in the checkout",
        )
    yield App(
        "java-sdk/multiapp",
        JAVA_SDK,
        "examples",
        "Java",
        programs=(
            Program("multiapp-worker", (*_JAR, f"{_JAVA}.multiapp.MultiAppWorker"), grpc_port=50001),
            Program("app2", (*_JAR, f"{_JAVA}.multiapp.App2Worker"), grpc_port=50002),
            Program("app3", (*_JAR, f"{_JAVA}.multiapp.App3Worker"), grpc_port=50003),
        ),
        steps=(
            Another(
                (*_JAR, f"{_JAVA}.multiapp.MultiAppWorkflowClient", "Hello World"),
                ("completed with result: HELLO WORLD [TRANSFORMED BY APP2] [FINALIZED BY APP3]",),
            ),
        ),
        built=("target/dapr-java-sdk-examples-exec.jar",),
        build="mvn install in the checkout",
        changes=MULTI,
    )
    yield App(
        "java-sdk/historypropagation/multiapp",
        JAVA_SDK,
        "examples",
        "Java",
        programs=(
            Program("app1", (*_JAR, f"{_JAVA}.historypropagation.multiapp.App1Worker", "50001"), grpc_port=50001),
            Program("app2", (*_JAR, f"{_JAVA}.historypropagation.multiapp.App2Worker", "50002"), grpc_port=50002),
        ),
        steps=(
            Another(
                (*_JAR, f"{_JAVA}.historypropagation.multiapp.MultiAppHistoryPropagationClient", "payment-1"),
                (" completed with result: ",),
            ),
        ),
        built=("target/dapr-java-sdk-examples-exec.jar",),
        build="mvn install in the checkout",
        changes="two `dapr run` become one dapr.yaml with two apps",
    )


CONVERSATION = "asks Dapr's Conversation API for a language model, which wfctl is not"
_MODEL = "the language model is OpenAI's, here one on loopback by OPENAI_BASE_URL"


def _agent(folder: str, file: str, says: tuple[str, ...], *steps: Any, embedded: Embedded | str, **fields: Any) -> App:
    return App(
        f"dapr-agents/{folder.removeprefix('examples/')}/{file}",
        DAPR_AGENTS,
        folder,
        "Python",
        programs=(Program("durableagent", ("python", file)),),
        steps=steps,
        says=says,
        embedded=embedded,
        fake_model=True,
        **fields,
    )


IN_MAIN = "the example makes its agent in `main()`; see the first row"


def agents() -> Iterator[App]:
    tools = "examples/02-durable-agent-tool-call"
    yield App(
        "dapr-agents/a durable agent, made as the module is loaded",
        DAPR_AGENTS,
        ".",
        "Python",
        embedded=Embedded(
            str(Path(__file__).with_name("durable_agent.py")),
            "dapr.agents.Stevie.workflow",
            {"task": "What is the weather in Boston?"},
            output={"content": "The weather is fine.", "role": "assistant", "name": "Stevie"},
            says=("asked for the weather in Boston",),
        ),
        not_on={"serve": "", "dapr": ""},
        fake_model=True,
        changes="`agent.register_workflows(runtime)` at the end of the module, in place of `main()`",
    )
    yield _agent(
        tools, "durable_weather_agent_openai.py", ("Final Result:", "The weather is fine."), exits=0, embedded=IN_MAIN,
        note=_MODEL,
    )  # fmt: skip
    yield _agent(
        tools, "hitl_wf_event.py", ("No approval request appeared within the wait window.",), exits=0,
        embedded=IN_MAIN, note=_MODEL,
        broken="its hook waits for a tool `DeleteOldData`, and its tool is called delete_old_data",
    )  # fmt: skip
    yield _agent(
        tools, "durable_agent_hitl.py", ("cannot auto-run uvicorn inside an active event loop",), exits=1,
        embedded=IN_MAIN, note=_MODEL, broken="it calls `runner.serve` in an event loop, which dapr-agents refuses",
    )  # fmt: skip
    yield _agent(
        "examples/10-agent-executor-echo", "app.py", ("Activity function named 'run_executor' was not registered!",),
        exits=0, embedded=IN_MAIN, broken="it calls an activity by another name than it registers",
    )  # fmt: skip
    refused = (Says("wfctl serve has no conversation"),)
    yield _agent(
        "quickstarts", "05_workflow_llm.py", (), embedded=CONVERSATION, refused=refused,
        not_on={"serve": CONVERSATION, "dapr": "not run"},
    )  # fmt: skip
    for path, why in (
        ("quickstarts/02_durable_agent_workflow.py", CONVERSATION),
        ("quickstarts/03_durable_agent_http.py", CONVERSATION),
        ("quickstarts/04_durable_agent_pubsub.py", PUBSUB),
        ("quickstarts/06_workflow_agents.yaml", CONVERSATION),
        ("quickstarts/07_durable_agent_tracing.py", CONVERSATION),
        ("quickstarts/08_durable_agent_hot_reload.py", "asks Dapr's Configuration API, which wfctl is not"),
        (f"{tools}/durable_weather_agent_dapr.py", CONVERSATION),
        (f"{tools}/durable_weather_agent_subscribe.py", PUBSUB),
        (f"{tools}/durable_weather_agent_tracing.py", CONVERSATION),
        (f"{tools}/hitl_pubsub.py", PUBSUB),
        ("examples/03-agent-based-workflows", CONVERSATION),
        ("examples/03-llm-based-workflows", CONVERSATION),
        ("examples/03-message-router-workflow", PUBSUB),
        ("examples/04-multi-agent-workflows", PUBSUB),
        ("examples/07-agents-as-activities-observability", CONVERSATION),
        ("examples/08-agents-as-tools", CONVERSATION),
        ("examples/09-durable-agent-hot-reload", "asks Dapr's Configuration API, which wfctl is not"),
    ):
        folder, _, _ = path.rpartition("/")
        yield App(
            f"dapr-agents/{path.removeprefix('examples/')}", DAPR_AGENTS, folder, "Python", left_out=why, embedded=why
        )


def left_out() -> Iterator[App]:
    """Rows that nothing runs, so that the page says so."""
    for name in ("patterns", "multi-app", "versioning"):
        yield App(
            f"java-sdk/spring-boot-examples/{name}", JAVA_SDK, f"spring-boot-examples/workflows/{name}", "Java",
            left_out="not built: a Spring Boot app whose README starts Dapr by Testcontainers (Docker)",
        )  # fmt: skip
    yield App(
        "js-sdk/management", JS_SDK, "examples/workflow/management", "JavaScript",
        left_out="starts a workflow that no app of the repository registers",
    )  # fmt: skip


APPS = (
    *python_quickstarts(), *js_apps(), *go_apps(), *java_quickstarts(), *python_sdk(), *java_sdk(), *agents(),
    *left_out(),
)  # fmt: skip
