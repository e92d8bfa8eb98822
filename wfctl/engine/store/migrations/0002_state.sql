-- Application state, as Dapr's state API keeps it. Times are microseconds since 1970 UTC.
CREATE TABLE state (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    etag TEXT NOT NULL,         -- another one after every write
    expires_at INTEGER,
    PRIMARY KEY (store, key)
);
CREATE INDEX state_expires ON state (expires_at) WHERE expires_at IS NOT NULL;
