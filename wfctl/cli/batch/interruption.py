"""Say how far a batch came that was stopped in the middle, and which command finishes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wfctl.cli.batch.options import Which
from wfctl.cli.batch.outcome import Done, Outcome
from wfctl.cli.batch.select import Chosen, Verb
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.render.text import clean
from wfctl.render.times import rfc3339

MOST_IDS = 20  # that a command names


def how_far(verb: Verb, chosen: Chosen, outcomes: Sequence[Done], in_flight: int) -> str:
    """Return `interrupted: 12 of 37 purged, 1 failed; 24 were not tried`. `in_flight` may be done, or may not."""
    counts = Counter(done.outcome for done in outcomes)
    left = len(_rest(chosen, outcomes))
    words = [f"{counts[Outcome.DONE]:,} of {len(chosen.ids):,} {verb.past}"]
    more = ((Outcome.REQUESTED, "requested"), (Outcome.SKIPPED, "skipped"), (Outcome.FAILED, "failed"))
    tried = {done.instance_id for done in outcomes} - set(chosen.left)
    for outcome, word in more:
        count = sum(done.outcome is outcome and done.instance_id in tried for done in outcomes)
        words += [f"{count:,} {word}"] if count else []
    text = f"interrupted: {', '.join(words)}; {left:,} not tried"
    return f"{text} (of these, up to {min(left, in_flight):,} may be done)" if in_flight and left else text


def how_to_finish(session: Session, verb: Verb, which: Which, chosen: Chosen, outcomes: Sequence[Done]) -> str | None:
    """Return a command that acts on the rest, and on nothing twice; words where there is none. None if all is done."""
    rest = _rest(chosen, outcomes)
    if not rest:
        return None
    if verb.continues and which.most is None:
        return _command(session.argv)
    if which.filter is None:
        return _with_ids(session, which, rest)
    if not verb.repeatable:
        return _from_the_first(session, chosen, rest)
    limit = [] if which.most is None else ["--max", str(len(rest))]  # given last, an option holds over itself
    return _command([*session.argv, *limit])


def _rest(chosen: Chosen, outcomes: Sequence[Done]) -> list[str]:
    tried = {done.instance_id for done in outcomes if done.outcome is not Outcome.NOT_TRIED}
    return [one for one in chosen.ids if one not in tried]


def _with_ids(session: Session, which: Which, rest: Sequence[str]) -> str:
    """Return the same command with the rest of the IDs in the place of all."""
    given, named = Counter(session.argv), Counter(which.words)
    if len(rest) > MOST_IDS or any(given[word] != count for word, count in named.items()):
        return f"the same command for {len(rest):,} of its IDs, from {clean(rest[0])} on"
    first = session.argv.index(which.words[0])
    kept = [word for word in session.argv[first:] if word not in named]
    return _command([*session.argv[:first], *rest, *kept])


def _from_the_first(session: Session, chosen: Chosen, rest: Sequence[str]) -> str:
    """Return the same command from the first instance that was not tried: a batch begins with the oldest."""
    first = chosen.known[rest[0]].created_at
    before = [chosen.known[one].created_at for one in chosen.ids[: chosen.ids.index(rest[0])]]
    if first is None or any(when is None or when >= first for when in before):
        return f"the same command would do it twice for what is done; the rest begins with {clean(rest[0])}"
    return _command([*session.argv, "--created-after", rfc3339(first)])


def _command(words: Sequence[str]) -> str:
    return " ".join(["wfctl", *map(quoted, words)])
