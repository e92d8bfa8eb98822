"""Drop a database of PostgreSQL: `drop_database URL NAME`, with psycopg, which DBOS brings."""

from __future__ import annotations

import sys

import psycopg  # type: ignore[import-not-found]
from psycopg import sql

from bench.peers.programs.measuring import say

with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(sys.argv[2])))
say({})
