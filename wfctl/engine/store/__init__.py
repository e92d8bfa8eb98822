"""The store: one SQLite file. Nothing outside this package touches `sqlite3`.

`database` opens the file for writing, `reading` for reading; `migrating` brings an older one up to date, and `backup`
copies and restores; `codec` turns history events to text and back; `instances` and `work` are the statements (work:
history, inbox, what is due); `listing` reads for people.
"""
