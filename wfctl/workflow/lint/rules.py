"""Which names are not for workflow code, and what to use instead."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """`why` goes behind the name of what was called: `time.sleep() blocks ...`."""

    name: str
    why: str
    instead: str


_ACTIVITY = "do it in an activity"
CLOCK = Rule("clock", "gives another time in a replay", "ctx.current_utc_datetime")
RANDOM = Rule("random", "gives another value in a replay", "ctx.random(), ctx.random_int() or ctx.random_choice()")
UUID = Rule("random", "gives another ID in a replay", "ctx.new_guid()")
SLEEP = Rule(
    "sleep", "blocks all other instances, and sleeps again in a replay", "yield ctx.create_timer(timedelta(...))"
)
INPUT_OUTPUT = Rule("io", "reaches out of the workflow, again in each replay", _ACTIVITY)
ENVIRONMENT = Rule("environment", "may give another value in a replay", "read it in an activity, or pass it as input")
THREADS = Rule(
    "threads", "runs beside the workflow, and its outcome is in no history", "several activities and wf.when_all"
)
HASH = Rule("random", "gives another value in each process, for texts", "hashlib, or a number of your own")

# What a comment may name.
RULES = frozenset(
    (
        *("async", "clock", "endless", "environment", "io", "order", "random", "replaying", "sleep", "state"),
        *("threads", "unregistered", "yield"),
    )
)

# Whole modules or classes, and single names. The longest that fits counts.
_NAMES: dict[str, Rule | None] = {}


def _add(rule: Rule | None, names: str, within: str = "") -> None:
    _NAMES.update(dict.fromkeys((within + name for name in names.split()), rule))


_add(CLOCK, "now utcnow today", "datetime.datetime.")
_add(CLOCK, "now utcnow today", "datetime.")  # which there is not: the module was meant to be the class
_add(CLOCK, "datetime.date.today time pendulum.now pendulum.today arrow.now arrow.utcnow django.utils.timezone.now")
_add(None, "strptime mktime struct_time strftime gmtime localtime", "time.")
_add(SLEEP, "time.sleep asyncio.sleep")
_add(RANDOM, "random secrets numpy.random os.urandom")
_add(None, "secrets.compare_digest")
_add(UUID, "uuid1 uuid4 uuid6 uuid7", "uuid.")
_add(HASH, "hash")
_add(THREADS, "threading multiprocessing concurrent.futures asyncio _thread")
_add(
    ENVIRONMENT,
    "os.getenv os.environ os.getcwd os.getpid os.cpu_count platform getpass pathlib.Path.cwd pathlib.Path.home",
)
_add(INPUT_OUTPUT, "open input io.open")
_add(INPUT_OUTPUT, "system popen open listdir scandir walk stat remove unlink rename mkdir makedirs", "os.")
_add(INPUT_OUTPUT, "exists isfile isdir getsize getmtime", "os.path.")
_add(INPUT_OUTPUT, "read_text read_bytes write_text write_bytes open exists is_file is_dir stat", "pathlib.Path.")
_add(INPUT_OUTPUT, "unlink mkdir rmdir iterdir glob rglob rename touch", "pathlib.Path.")
_add(INPUT_OUTPUT, "requests httpx aiohttp urllib.request urllib3 http.client socket ssl smtplib ftplib paramiko grpc")
_add(INPUT_OUTPUT, "subprocess shutil tempfile sqlite3 psycopg psycopg2 asyncpg pymysql sqlalchemy.create_engine redis")
_add(INPUT_OUTPUT, "pymongo boto3 azure google.cloud kafka pika openai anthropic dapr.clients dapr.aio.clients")
_add(INPUT_OUTPUT, "DaprWorkflowClient aio", "dapr.ext.workflow.")


def rule_of(name: str, *, arguments: bool) -> Rule | None:
    """Return the rule that a call of this full name breaks. `arguments`: it is called with some."""
    known = _entry(name)
    if known is None or (name == "random.Random" and arguments) or name.endswith(("Error", "Exception")):
        return None
    return _NAMES[known]


def is_judged(name: str) -> bool:
    """Return True if there is a rule about this full name, be it that it is allowed."""
    return _entry(name) is not None


def _entry(name: str) -> str | None:
    parts = name.split(".")
    return next((part for end in range(len(parts), 0, -1) if (part := ".".join(parts[:end])) in _NAMES), None)
