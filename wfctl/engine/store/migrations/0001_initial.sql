-- Times are microseconds since 1970 UTC. Payloads are the serialised text as it came.

-- One row an instance. `key` is never used twice, an `id` can be. `root` is the key of the topmost ancestor
-- (its own key where there is none), so that a whole tree is found at once. What changes at every turn is kept out of
-- this table: the time of the last event is that of the last row in `history`.
CREATE TABLE instances (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    status INTEGER NOT NULL,
    root INTEGER NOT NULL,
    parent INTEGER,             -- key of the parent
    parent_id TEXT,             -- its instance ID
    parent_task INTEGER,        -- event ID of the ChildWorkflowInstanceCreated in it
    parent_execution TEXT,      -- the parent's execution (generation) that created it
    execution_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    wake_at INTEGER,            -- the next timer's time, or the time of a delayed start
    busy INTEGER NOT NULL DEFAULT 0,    -- activities without a result
    version TEXT,
    output TEXT,
    custom_status TEXT,
    failure TEXT,               -- JSON
    stall TEXT                  -- reason: description
);
CREATE INDEX instances_created ON instances (created_at);
CREATE INDEX instances_status ON instances (status, created_at);
CREATE INDEX instances_count ON instances (status, name);
CREATE INDEX instances_name ON instances (name, created_at);
CREATE INDEX instances_parent ON instances (parent) WHERE parent IS NOT NULL;
CREATE INDEX instances_root ON instances (root) WHERE parent IS NOT NULL;
CREATE INDEX instances_completed ON instances (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX instances_wake ON instances (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX instances_busy ON instances (key) WHERE busy > 0;

CREATE TABLE inputs (
    key INTEGER PRIMARY KEY,
    input TEXT NOT NULL
);

-- Committed events, one row a commit of the instance. Rows lie in the order of time, not clustered by
-- instance: a commit of a thousand instances then touches a few pages, not a thousand.
CREATE TABLE history (
    row INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,       -- grows within an instance
    at INTEGER NOT NULL,        -- time of the last event in the row
    events TEXT NOT NULL        -- JSON array
);
CREATE UNIQUE INDEX history_key ON history (key, seq);

-- Committed events that no turn has consumed.
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key INTEGER NOT NULL,
    event TEXT NOT NULL         -- JSON array of one event
);
CREATE INDEX inbox_key ON inbox (key);

-- External events that live instances wait for.
CREATE TABLE event_waits (
    key INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    name TEXT NOT NULL,         -- case-folded
    PRIMARY KEY (key, event_id)
) WITHOUT ROWID;
CREATE INDEX event_waits_name ON event_waits (name);

-- Instances deleted by another process than the owner, which must drop what it keeps of them.
CREATE TABLE gone (key INTEGER PRIMARY KEY);

-- Roots of trees that a command left to the owner, which may drive only some of the store: it takes
-- these over, and deletes the row when it does. `born`: nobody has set this tree in motion yet.
CREATE TABLE wanted (root INTEGER PRIMARY KEY, born INTEGER NOT NULL DEFAULT 0);

-- The owner, for people: the file lock is what counts. At most one row.
CREATE TABLE owner (
    pid INTEGER NOT NULL,
    since INTEGER NOT NULL,
    app TEXT,
    workflows TEXT NOT NULL     -- JSON array of the registered names
);
