-- One row a rerun, kept as long as one of its family is there: a rerun that was purged still has been.
-- A family is an original and everything that was rerun from it, or from one of its reruns.
CREATE TABLE reruns (
    key INTEGER PRIMARY KEY,    -- of the new instance
    id TEXT NOT NULL,           -- its ID
    family INTEGER NOT NULL,    -- the key of the original
    original TEXT NOT NULL      -- the ID of the original
);
CREATE INDEX reruns_family ON reruns (family);

-- Why FAILED instances failed, written when they do: `list`, its filters and `failures` ask for nothing else. An
-- instance that failed under an older schema has no row; its history tells the same.
CREATE TABLE failures (
    key INTEGER PRIMARY KEY,
    step TEXT,                  -- name of the step at the bottom; NULL: the workflow's own code failed
    error TEXT NOT NULL,        -- of the innermost failure, as "type: message"
    detail TEXT NOT NULL        -- JSON: the step
);

-- The latest lines that an instance's code logged, within bounds (`engine.store.logs`).
CREATE TABLE logs (
    row INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level INTEGER NOT NULL,     -- of Python's logging module
    step TEXT,                  -- the activity's name; NULL: the workflow's own code
    event_id INTEGER,           -- of the activity's TaskScheduled
    logger TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX logs_key ON logs (key, row);

-- Of the owner, for people: the command that it is, as `serve`.
ALTER TABLE owner ADD COLUMN command TEXT;

-- Trees whose time is skipped: a clock of their own, that many microseconds `ahead` of the real one (or behind it); it
-- was `begun` ahead when the tree started. All times of such a tree are by its clock, but for `instances.wake_at`: that
-- is by the real one, and changes whenever the clock jumps. Root 0: every tree started in this store gets a clock.
CREATE TABLE clocks (
    root INTEGER PRIMARY KEY,
    ahead INTEGER NOT NULL,
    begun INTEGER NOT NULL
);

-- When instances of such trees really ended, for retention.
CREATE TABLE real_ends (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
);
CREATE INDEX real_ends_at ON real_ends (at);

-- Of a tree that is left to the owner: its time is to be skipped, up to this moment of its clock; 0: without end.
ALTER TABLE wanted ADD COLUMN skip INTEGER;

-- Instances belong to an app, and an ID is taken within one app only. `app` is '' for the store's own: the app that runs a
-- store where there is only one, and the first of several. SQLite drops no constraint of a column: the table is made
-- anew, with the columns that it had.
--
-- Each index costs a page in the commit of a start or of an end. So keys are not counted by SQLite (AUTOINCREMENT), there
-- are two indexes for what is asked of all instances, and none for those with activities to run.
CREATE TABLE instances_of_apps (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    app TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL,
    status INTEGER NOT NULL,
    root INTEGER NOT NULL,
    parent INTEGER,
    parent_id TEXT,
    parent_task INTEGER,
    parent_execution TEXT,
    execution_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    wake_at INTEGER,
    busy INTEGER NOT NULL DEFAULT 0,
    version TEXT,
    output TEXT,
    custom_status TEXT,
    failure TEXT,
    stall TEXT,
    UNIQUE (id, app)
);
INSERT INTO instances_of_apps
    (key, id, name, status, root, parent, parent_id, parent_task, parent_execution, execution_id, created_at, started_at,
    completed_at, wake_at, busy, version, output, custom_status, failure, stall)
SELECT key, id, name, status, root, parent, parent_id, parent_task, parent_execution, execution_id, created_at, started_at,
    completed_at, wake_at, busy, version, output, custom_status, failure, stall
FROM instances;

-- A key is never used twice, also that of the last instance if it was deleted: keys up to `floor` are used. One row, written
-- only where the instance with the highest key is deleted.
CREATE TABLE keys (floor INTEGER NOT NULL);
INSERT INTO keys (floor) SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'instances';

DROP TABLE instances;
ALTER TABLE instances_of_apps RENAME TO instances;
-- Lists of a status, counts, and what ended long ago; lists of all instances are merged of one part a status.
CREATE INDEX instances_status ON instances (status, created_at, completed_at, name);
CREATE INDEX instances_name ON instances (name, created_at);
CREATE INDEX instances_parent ON instances (parent) WHERE parent IS NOT NULL;
CREATE INDEX instances_root ON instances (root) WHERE parent IS NOT NULL;
CREATE INDEX instances_wake ON instances (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX instances_app ON instances (app) WHERE app <> '';
-- Finished ones with activities that nobody waited for.
CREATE INDEX instances_unawaited ON instances (key) WHERE busy > 0 AND completed_at IS NOT NULL;

-- An instance's input stands in its ExecutionStarted, in `history`, or in `inbox` until its first turn.
DROP TABLE inputs;

-- The apps whose code the owner runs, or whose workers are connected: JSON array.
ALTER TABLE owner ADD COLUMN apps TEXT;

-- Of the external events that are waited for: the name as the code has it, and the times. `event` is NULL where an older
-- wfctl wrote the row; the history has them.
ALTER TABLE event_waits ADD COLUMN event TEXT;
ALTER TABLE event_waits ADD COLUMN since INTEGER;
ALTER TABLE event_waits ADD COLUMN until INTEGER;   -- NULL: it does not time out
DROP INDEX event_waits_name;
CREATE INDEX event_waits_name ON event_waits (name, since);
CREATE INDEX event_waits_since ON event_waits (since);

-- External events of live instances that arrived before any wait for them, as long as no wait has followed.
CREATE TABLE early_events (
    key INTEGER NOT NULL,
    event TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX early_events_key ON early_events (key);
