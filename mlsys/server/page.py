"""The pages for people: which models answer, and for each a form made from the schema that it was trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlsys import clock
from mlsys.schema import ColumnSpec
from mlsys.server.finding import asked_for
from mlsys.server.rows import allowed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

_SUGGESTED = 200  # values of a category
_EXAMPLES = 20
_STATIC = {"server.css": "text/css", "server.js": "text/javascript"}


@dataclass(frozen=True)
class Field:
    """A column in the form.

    Attributes:
        hint: what it takes, in words.
        values: to choose from; others may be written as well.
    """

    name: str
    kind: Literal["number", "boolean", "category", "text"]
    hint: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pages:
    """Draws the pages of a shelf's models.

    Attributes:
        most_bytes: of a file that is scored.
    """

    shelf: Shelf
    most_bytes: int

    async def first(self, request: Request) -> Response:
        """Show the models."""
        models = dict(sorted(self.shelf.models.items()))
        broken = sorted(self.shelf.broken)
        return _drawn(request, "list", title="Models that answer", models=models, broken=broken)

    async def form(self, request: Request) -> Response:
        """Show the form of one model."""
        name, model = asked_for(request, self.shelf)
        return _drawn(
            request,
            "form",
            title=name,
            name=name,
            model=model,
            broken=name in self.shelf.broken,
            fields=[field(model, column, spec) for column, spec in model.champion.features.items()],
            examples=list(model.known.examples[:_EXAMPLES]),
            most_bytes=f"{self.most_bytes / 1e6:.0f} MB",
        )

    async def static(self, request: Request) -> Response:
        """Give the style sheet or the script."""
        from starlette.responses import Response

        from mlsys.report.page import style
        from mlsys.server.refusals import refused

        name = request.path_params["name"]
        if name not in _STATIC:
            raise refused(404, "Not Found")
        return Response(style(f"server/{name}"), media_type=_STATIC[name], headers={"Cache-Control": "no-cache"})


def field(model: ServedModel, name: str, column: ColumnSpec) -> Field:
    """Return the field of a column, with what it held in training."""
    seen = model.known.columns.get(name, {})
    hint = allowed(column).replace(" or null", "").replace(", or null", "")
    if column.type in ("integer", "number"):
        limits = f", {seen['lowest']:.6g} to {seen['highest']:.6g} in training" if "lowest" in seen else ""
        return Field(name, "number", hint + limits)
    if column.type == "boolean":
        return Field(name, "boolean", "")
    if column.type == "text":
        return Field(name, "text", hint)
    values = tuple(str(value) for value in model.known.values_of(name)[:_SUGGESTED])
    return Field(name, "category", f"{len(values)} values in training" if "values" in seen else hint, values)


def _drawn(request: Request, template: str, **known: Any) -> Response:
    from starlette.responses import HTMLResponse

    from mlsys.report.page import templates

    root = str(request.scope.get("root_path", "")).rstrip("/")
    return HTMLResponse(
        templates().get_template(f"server/{template}.html.j2").render(root=root, last_day=_day, **known)
    )


def _day(model: ServedModel) -> str:
    return clock.last_day_before(model.champion.cutoff).isoformat()
