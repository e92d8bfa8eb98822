"""The pure core: state + event + now -> new events + effects. No clock, no IDs, no I/O in here.

An instance is its history. `state` folds events into what the engine must know of an instance between turns,
`decide` says which of the events at hand a turn may see (`admit`) and what a turn's result does to the
instance (`conclude`), `rerun` makes a new history out of an old one.

The rules, with their source in Dapr's runtime (durabletask-go, `backend/runtimestate`):

* A status is computed, never stored by itself: no start event: PENDING (or STALLED); completed: the
  completion's status; else STALLED, SUSPENDED, RUNNING, in this precedence.
* A turn is: WorkflowStarted, then the admitted events in the order of arrival, then one event per action.
* An operation (activity, timer, child) is open from its event until its first resolution. A resolution of
  anything that is not open is dropped, which makes every delivery idempotent.
* A raised event closes the oldest open timer that waits for that name (names compare case-insensitively).
* A request to terminate wins over a continue-as-new of the same turn, and over a worker that ignores it; it loses
  to a completion of the same turn.
* A resume of an instance that is not suspended is dropped (Dapr hands it on, which kills Python workflows).
"""
