"""The pages of `wfctl help TOPIC`."""

EXIT_CODES = """\
Exit statuses

    0   done; for wait: the awaited condition holds
    1   unexpected error (--debug shows the traceback)
    2   wrong usage, invalid input
    3   no such instance
    4   conflict or wrong state: the ID is taken, the instance is finished, is not suspended, ...
    5   the target is unreachable, or lacks the feature (the message says which)
    6   not authenticated, not permitted, or a project's file that is not trusted: wfctl help trust
    7   part of a batch failed, or was not tried after a failure (each has its line)
    8   refused: a filter asks, and there is no terminal and no --yes, or the answer was no
    9   a check found something: check, diff, and --fail-if-any of list, count, failures and waiting
   10   the instance ended FAILED
   11   the instance ended TERMINATED or CANCELED
   12   STALLED while waiting; with --fail-on-stall, SUSPENDED too
  124   timed out
  130   interrupted: stderr says whether the workflow goes on, and how far a batch came

The outcome of an instance is the exit status of `wait`, `result`, and of every command with --wait.
`start` without --wait exits 0 once the instance is recorded, also where the workflow has FAILED by then: a script with
`set -e` needs --wait. `get`, `list` and the others exit 0 whatever the instances' statuses are.
`wait --for X` exits 0 when X holds. An instance that has ended otherwise can never be X any more: then it is
10 if it FAILED, 11 if it was TERMINATED, 4 if it COMPLETED.
Several IDs: the status that all of them share, else 7; 124 where one timed out. Of a batch, what is skipped because
it does not match any more is no failure.
"""

JSON = """\
JSON

  -o json    one document: an object for one thing, a list for many ([] when there is nothing)
  -o jsonl   one object a line, written as it comes
  -o yaml    the same fields as YAML
  -o id      only the IDs, one a line; IDs that cannot stand on a line are left out, and that is said

An instance, from get, list, wait, and start --wait:

  instanceID        text
  workflowName      text, or null where the target does not tell
  runtimeStatus     RUNNING COMPLETED FAILED TERMINATED CANCELED PENDING SUSPENDED STALLED CONTINUED_AS_NEW
  createdAt         RFC 3339, UTC, with microseconds: 2026-01-31T09:00:00.000000Z
  lastUpdatedAt     the same
  completedAt       the same, or null
  input             the JSON value; a text that is not JSON is given as a string
  output            the same
  customStatus      the same
  failure           null, or errorType, errorMessage, stackTrace (and innerFailure)
  parentInstanceID  text or null
  waitingFor        a list: kind (event activity timer child start resume code driver), name, since, until,
                    instanceID, runtimeStatus, attempt, maxAttempts, lastError, eventID
  skippedTime       null, or skippedMs and aheadMs: its tree has a clock of its own (start --skip-time)

All keys are always there. New keys may be added; none is renamed or removed.
history: eventID, type (Dapr's names, as TaskCompleted), timestamp, and the event's own fields; payloads are whole.
steps: eventID, kind, name, status, scheduledAt, completedAt, durationMs, until, childInstanceID, maxAttempts,
attempts, input, result, failure.
count: runtimeStatus, workflowName, count. tree: an instance with `children`; with -o jsonl each with its `depth`.
watch, list --watch: an instance with `change` (listed appeared changed left purged), a line for each change.
pause, resume, terminate, purge, and raise-event and rerun of several: instanceID, action, outcome (done requested
failed skipped planned, "not tried"), done, count, newInstanceID, reason (why skipped, or who must act), error.
Schemas of all of them are in docs/schemas.

Other shapes, with jq:

  a line of text     wfctl list -o jsonl | jq -r '"\\(.instanceID) is \\(.runtimeStatus) since \\(.lastUpdatedAt)"'
  columns            wfctl list -o jsonl | jq -r '[.instanceID, .workflowName, .createdAt] | @tsv'
  CSV                wfctl list -o jsonl | jq -r '[.instanceID, .runtimeStatus, .failure.errorMessage] | @csv'
  one field          wfctl get ID -o json | jq -r .customStatus
  a field of input   wfctl list -o jsonl | jq -r 'select(.input.quantity > 100).instanceID' | wfctl pause -
  slow steps         wfctl steps ID -o jsonl | jq -r 'select(.durationMs > 1000) | "\\(.name) \\(.durationMs) ms"'
  last event         wfctl history ID -o json | jq -r '.[-1].type'
  a number           wfctl count --status FAILED -o json | jq '[.[].count] | add // 0'

An error is one object on stderr: {"error":{"code","message","hint","instanceID"}}.
Data goes to stdout, everything else to stderr.
"""

TARGETS = """\
Targets

  embedded    an engine inside this process, on one SQLite file; nothing to start
  sidecar     a Dapr sidecar on 127.0.0.1:3500
  URL         a Dapr sidecar elsewhere: http://host:port, https://host, unix:///path/to/socket
  grpc        a sidecar by gRPC alone, at --grpc-endpoint (127.0.0.1:50001 unless given)
  NAME        a profile: a [profiles.NAME] table in wfctl.toml or in the user's file

Without a target it is automatic: the sidecar, if one answers on 127.0.0.1:3500; else embedded.
--store or --app (or WFCTL_STORE, WFCTL_APP) without a target means embedded.

Order of precedence, strongest first:

  1. a flag: --target, --store, --app
  2. a variable: WFCTL_TARGET, WFCTL_STORE, WFCTL_APP, WFCTL_COLOR, WFCTL_FORMAT, ...
  3. the chosen profile
  4. the project's file: wfctl.toml, or [tool.wfctl] in pyproject.toml, here or in a folder above
  5. the user's file, or the one that WFCTL_CONFIG names
  6. Dapr's variables: DAPR_HTTP_ENDPOINT, DAPR_HTTP_PORT, DAPR_GRPC_ENDPOINT, DAPR_GRPC_PORT, DAPR_API_TOKEN
  7. automatic

`wfctl config show` prints each effective setting and where it came from, `wfctl doctor` whether the target works.
What is about one sidecar (marked * below) never goes to another one: a file that names a target keeps it for that
target, and Dapr's variables count for the host that they name.

Options of every command that are about a sidecar; each is a WFCTL_ variable and a setting in files too:

  --grpc-endpoint ADDRESS     * its gRPC address: a port, host:port, host:port?tls=true or unix:///path (50001)
  --api-version VERSION       * the HTTP workflow API, v1.0, v1.0-beta1 or v1.0-alpha1; else the newest it serves
  --app-id APP                * the app whose workflows are meant; of several sockets or pods, the one of this app. Also
                                in a store that has instances of several apps: wfctl help apps
  --ca-file FILE                certificates to trust besides the system's
  --request-timeout DURATION    how long one request may take (30s)
  --kube-context NAME         * a sidecar in Kubernetes, reached by kubectl port-forward:
  --namespace NAME            *   the namespace,
  --pod NAME                  *   and the pod, if --app-id does not tell which one

A file:

  target = "embedded"
  app = "orders.py"            # a file, relative to this one, or a module
  store = ".wfctl/store.db"

  [apps.payments]              # a further app of the embedded engine, in the same process: wfctl help apps
  app = "payments.py"

  [profiles.prod]
  target = "https://dapr.example.com"
  grpc_endpoint = "dapr.example.com:443?tls=true"
  token_env = "PROD_TOKEN"     # or token_file; a token itself does not belong here
  protected = true             # verbs ask for the name prod, also for one ID; in a script: --confirm prod

The token: WFCTL_TOKEN, else token_env, token_file, else DAPR_API_TOKEN. It is never shown. A token_file that is yours
must be readable to you alone (chmod 600).

What a project's file may say before you trust it: wfctl help trust.
"""

TRUST = """\
Trust

wfctl reads wfctl.toml, or [tool.wfctl] in pyproject.toml, in the current folder and those above, whoever wrote it.
Until you trust such a file it may say what stays in its folder and on this machine:

  target, grpc_endpoint       embedded, sidecar, grpc, 127.0.0.1, localhost, [::1], a Unix socket in the folder
  app, apps.ID.app            a file in the folder, or a module
  store                       a file in the folder
  format, color, log_level, api_version, request_timeout, protected

Everything else needs your consent: another target, a path that leads out of the folder (by a link, too), python,
app_id, token_env, token_file, ca_file, kube_context, namespace, pod, retain, the choice of a profile in your own file,
and a profile with the name of one there. Where such a setting would hold, the command says which it is and exits 6.
A profile that is not chosen hinders nothing, and neither does a setting that a flag or a variable overrules.

  wfctl config show             what would hold, and in the row `trust` whether it does
  wfctl config trust            trust this file, as long as it stays as it is
  wfctl config trust --revoke   take it back
  WFCTL_TRUST=1                 trust whatever is found: for CI and containers

Trust is remembered in your settings, by the file's path and its content; of a pyproject.toml only the table counts.
`wfctl init` trusts the file that it writes.

A token of yours (WFCTL_TOKEN, DAPR_API_TOKEN, token_env or token_file of your own file) goes to the address that the
environment, a flag or your own file names, or to 127.0.0.1:3500. It is not sent to another one that only a project's
file names, not even on this machine, before you trust that file. Then the file counts as your own.

A project's file is not used at all (exit status 6) when somebody else can change it: it, a link to it, or its folder
belongs to neither you nor root, or everybody may write to it. WFCTL_TRUST=1 is for those that a bind mount or CI
brings. On Windows owners are not judged.

Trusted or not, the app is code of the folder: start, run, raise-event, resume, rerun, serve, workflows, check,
replay, doctor and whatever else drives instances run it. Looking (list, get, history, steps, watch, TAB) does not.
"""

BATCH = """\
Several instances at once

pause, resume, terminate, purge, raise-event, rerun and wait take

  ID...       each is tried, whatever becomes of the others; explicit IDs ask on a protected target only
  -           what list prints, from stdin: wfctl list --status FAILED -o jsonl | wfctl rerun - --from-failed
  filters     those of list: --status, --name, --id-prefix, --created-before, --finished-before, --parent, ...

- reads JSON with an instanceID each, as -o jsonl and -o json write it, where stdin begins with { or [, and else one
ID a line. JSON is the safe pipe: an ID on a sidecar, or in an older store, may have a newline in it. -o id leaves such
IDs out; wfctl's own engine takes none. What is wrong in stdin is told before anything is done.

A filter finds only instances that the verb can do something with: purge finished ones, resume suspended ones. It shows
how many they are and some of them, and asks once; above 100 the number is to be typed. A profile with protected = true
asks for its name, also for a single ID, and --yes does not answer for it.

  --dry-run             show which they are, change nothing
  --yes                 do not ask. Without a terminal and without --yes it is refused: exit status 8
  --confirm NAME        as --yes, if the target has this name (profile, address, embedded); else exit status 8
  --max N               at most N, the oldest first; children that go with their parents do not count
  --continue-on-error   continue a filter's batch after a failure, instead of stopping
  --concurrency N       requests to a sidecar at a time

Each instance is looked at again before it is acted on: one that does not match any more is skipped, and that is said.
A child goes with its parent where both match; purge leaves a child alone as long as its parent is there. rerun leaves
out what was rerun already, unless --again; on a sidecar it knows reruns by their IDs (ID-rerun-1). Ages are
counted from the creation (--created-before 7d) or from the end (--finished-before 7d).

-o jsonl writes a line for each instance as it is done. Exit status 7: some failed, or were not tried.
"""

APPS = """\
Several apps

Workflows of one app may call activities and child workflows of another: call_activity("charge", app_id="payments").
As on Dapr, an instance belongs to an app, and an ID is taken within that app only.

Two ways to have several apps:

  wfctl serve -f dapr.yaml      each app a program of its own, with ports that show its own instances
  [apps.payments]               in wfctl.toml: a further app of the embedded engine, in the process of each command that
  app = "payments.py"           executes the store; `app = "orders.py"` at the top stays the store's own app

What is for an app that is not there waits until it is; `wfctl get ID` says for which app.

Embedded commands and --store show the instances of all apps. --app-id payments, in every command, shows and means those
of one. An ID that lives in several apps is an error that names them. The store's own app, which runs what nobody gave
an app ID, is --app-id wfctl.

  wfctl start charge --app-id payments
  wfctl list --app-id payments
  wfctl get 12345678 --app-id payments

`steps` and `history` name the app of each call, `tree` and `list` that of each instance, where there are any.
"""

TOPICS = {"exit-codes": EXIT_CODES, "json": JSON, "targets": TARGETS, "apps": APPS, "trust": TRUST, "batch": BATCH}
