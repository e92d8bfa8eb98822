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
