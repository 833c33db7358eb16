"""The controls of the stand-in: books, faults, scenarios, behaviour, clock and logs."""

from datetime import datetime

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from standin.faults import PLACES, BadRuleError
from standin.money import to_cents
from standin.scenarios import ANSWERS, BadScenarioError
from standin.world import World


def register(app: Flask, world: World) -> None:
    """Serve the controls that every half of the stand-in shares."""
    _register_books(app, world)
    _register_faults(app, world)
    _register_scenarios(app, world)
    _register_behaviour(app, world)
    _register_clock(app, world)
    _register_logs(app, world)


def _register_books(app: Flask, world: World) -> None:
    @app.get("/books")
    def show_books() -> ResponseReturnValue:
        return jsonify(world.books.as_json())

    @app.put("/books")
    def set_books() -> ResponseReturnValue:
        changes = request.get_json(silent=True)
        if not isinstance(changes, dict) or set(changes) != {"utility"}:
            return _problem('expected {"utility": "1000000.00"}')
        cents = to_cents(changes["utility"])
        if cents is None or cents < 0:
            return _problem("utility must be shillings from 0")
        world.books.set_utility(cents)
        return jsonify(world.books.as_json()["organisation"])


def _register_faults(app: Flask, world: World) -> None:
    @app.get("/faults")
    def show_faults() -> ResponseReturnValue:
        places = {place: sorted(kinds) for place, kinds in PLACES.items()}
        return jsonify({**world.faults.as_json(), "places": places})

    @app.put("/faults")
    def set_faults() -> ResponseReturnValue:
        try:
            world.faults.load(request.get_json(silent=True))
        except BadRuleError as problem:
            return _problem(str(problem))
        return jsonify(world.faults.as_json())

    @app.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        world.faults.clear()
        return jsonify(world.faults.as_json())


def _register_scenarios(app: Flask, world: World) -> None:
    @app.get("/scenarios")
    def show_scenarios() -> ResponseReturnValue:
        answers = {flow: sorted(names) for flow, names in ANSWERS.items()}
        return jsonify({**world.scenarios.as_json(), "answers": answers})

    @app.put("/scenarios")
    def set_scenarios() -> ResponseReturnValue:
        try:
            world.scenarios.load(request.get_json(silent=True))
        except BadScenarioError as problem:
            return _problem(str(problem))
        return jsonify(world.scenarios.as_json())

    @app.delete("/scenarios")
    def clear_scenarios() -> ResponseReturnValue:
        world.scenarios.clear()
        return jsonify(world.scenarios.as_json())


def _register_behaviour(app: Flask, world: World) -> None:
    @app.get("/behaviour")
    def show_behaviour() -> ResponseReturnValue:
        return jsonify(world.behaviour.now.model_dump())

    @app.put("/behaviour")
    def set_behaviour() -> ResponseReturnValue:
        changes = request.get_json(silent=True)
        if not isinstance(changes, dict):
            return _problem("expected an object of switches")
        try:
            return jsonify(world.behaviour.change(changes).model_dump())
        except ValidationError as problem:
            return _problem(
                "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
            )

    @app.delete("/behaviour")
    def reset_behaviour() -> ResponseReturnValue:
        return jsonify(world.behaviour.reset().model_dump())


def _register_clock(app: Flask, world: World) -> None:
    @app.get("/clock")
    def show_clock() -> ResponseReturnValue:
        return jsonify({"now": world.clock.now().isoformat()})

    @app.put("/clock")
    def set_clock() -> ResponseReturnValue:
        wanted = request.get_json(silent=True)
        try:
            moment = datetime.fromisoformat(wanted["now"])  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            return _problem('expected {"now": "2025-10-03T12:15:30"}, meant in EAT')
        world.clock.set(moment)
        return jsonify({"now": world.clock.now().isoformat()})

    @app.delete("/clock")
    def reset_clock() -> ResponseReturnValue:
        world.clock.reset()
        return jsonify({"now": world.clock.now().isoformat()})


def _register_logs(app: Flask, world: World) -> None:
    @app.get("/requests")
    def show_requests() -> ResponseReturnValue:
        after = request.args.get("after", 0, type=int)
        entries = world.requests.entries(request.args.get("at"), after)
        return jsonify([entry.as_json() for entry in entries])

    @app.delete("/requests")
    def clear_requests() -> ResponseReturnValue:
        world.requests.clear()
        return jsonify([])

    @app.get("/deliveries")
    def show_deliveries() -> ResponseReturnValue:
        deliveries = world.sender.deliveries(request.args.get("at"))
        return jsonify([delivery.as_json() for delivery in deliveries])


def _problem(text: str) -> ResponseReturnValue:
    return jsonify({"error": text}), 400
