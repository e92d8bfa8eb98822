"""Random programs whose time is skipped, by an engine that forgets what it kept and starts again meanwhile."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from engine_programs import install, make, outcome
from engine_rig import Rig, inconsistencies

from wfctl.engine import operations
from wfctl.model import events as ev
from wfctl.model.instance import Skip

SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_programs_come_to_the_same_and_time_never_goes_back(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    rig = Rig(tmp_path)
    install(rig)
    programs = {f"p{number}": make(rng, []) for number in range(4)}
    try:
        _own(rig, rng)
        for instance_id, program in programs.items():
            given = json.dumps({"steps": program, "got": [], "at": 0})
            rig.start("Program", instance_id, given, own_clock=True)
        roots = [rig.key(instance_id) for instance_id in programs]
        for _ in range(200):
            rig.engine.skip(roots, Skip(by=timedelta(seconds=rng.randrange(400)), jumps=rng.randrange(4)))
            if rng.random() < 0.3:
                rig.settle()
            if rng.random() < 0.2:
                rig.leave()
                _own(rig, rng)
            _raise_what_is_waited_for(rig)
            if all(rig.row(instance_id).status.terminal for instance_id in programs):
                break
        for instance_id, program in programs.items():
            output = rig.ended(instance_id).output
            assert output is not None
            assert json.loads(output) == outcome(program), program
        for instance_id in rig.look(lambda db: [i for (i,) in db.execute("SELECT id FROM instances")]):
            history = rig.history(instance_id)
            times = [event.timestamp for event in history if isinstance(event, ev.WorkflowStarted)]
            assert times == sorted(times), instance_id
            fired = [event for event in history if isinstance(event, ev.TimerFired)]
            assert all(event.timestamp >= event.fire_at for event in fired), instance_id
        rig.settle()
        assert rig.look(inconsistencies) == []
    finally:
        rig.close()


def _own(rig: Rig, rng: random.Random) -> None:
    engine = rig.own([])
    engine._store._dispatcher._live._max_live = rng.choice([1, 2, 10_000])


def _raise_what_is_waited_for(rig: Rig) -> None:
    """Raise an event that is there, and nobody has raised, by another process."""
    sql = (
        "SELECT id, event_waits.name FROM event_waits JOIN instances USING (key)"
        " WHERE status = 0 AND event_waits.name LIKE 'e%' AND key NOT IN (SELECT key FROM inbox)"
    )
    for instance_id, name in rig.look(lambda db: db.execute(sql).fetchall()):
        data = json.dumps(name.upper())
        rig.beside(lambda unit: operations.raise_event(unit, instance_id, name, data))  # noqa: B023
