"""`make cost STAGE=`: print what the packaged stage costs on AWS in a month without users."""

import argparse
import json
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from infra.costs.at_rest import costs_at_rest, custom_metrics, stage_of
from infra.packaging.template import TEMPLATE


def main() -> None:
    """Read the template that `make package` wrote, and print the table of its costs."""
    argparse.ArgumentParser(prog="python -m infra.costs", description=__doc__).parse_args()
    if not TEMPLATE.exists():
        sys.exit("cost: there is no template yet. Run: make cost STAGE=dev")
    template = json.loads(TEMPLATE.read_text("utf-8"))
    items = costs_at_rest(template)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "how", "amount", "unit", "list price, $", "charged, $"):
        table.add_column(heading, justify="left" if heading in ("", "how", "unit") else "right")
    for item in items:
        cost = (f"{item.listed:.2f}", f"{item.charged:.2f}")
        table.add_row(item.name, item.how, _amount(item.amount), item.price.unit, *cost)
    listed, charged = sum(i.listed for i in items), sum(i.charged for i in items)
    table.add_section()
    table.add_row("together", "", "", "", f"{listed:.2f}", f"{charged:.2f}", style="bold")
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Stage {stage_of(template)} at rest, for a month of 30 days, in US dollars:")
    console.print(table)
    console.print(
        "`charged` is the list price without what each AWS account has free each month, if no other"
        " stage uses it up.\n"
        f"While it is used, the stage sends {custom_metrics(template)} custom metrics."
        " Prices, dates and sources: infra/costs/prices.yml"
    )


def _amount(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.2f}"


if __name__ == "__main__":
    main()
