"""The store: one SQLite file. Nothing outside this package touches `sqlite3`.

`database` opens the file, with its schema version and its migrations; `codec` turns history events to text and
back; `instances` and `work` are the statements (work: history, inbox, what is due); `listing` reads for people.
"""
