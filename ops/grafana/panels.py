"""The kinds of panels that our dashboards have, each described by a Figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    Threshold,
)

from ops.grafana import palette
from ops.grafana.queries import Query

PanelT = TypeVar("PanelT", bargauge.Panel, stat.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a panel shows. `unit` is one of Grafana's; `width` and `height` are cells of its grid, 24 across.

    `limits` are the values from which on a figure is worth a look and wrong; where the larger is the better one
    (`limits[0] > limits[1]`), the values below which it is.
    """

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int = 12
    height: int = 8
    limits: tuple[float, float] | None = None
    decimals: int | None = None
    no_value: str = "no data"
    transformations: Sequence[tuple[str, Mapping[str, object]]] = ()
    colours: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of series, by their names or the first words of these. Others get one of Grafana's."""


def number(figure: Figure, *, graph: bool = False, words: Mapping[str, str] | None = None) -> Panel:
    """One large number for each series, the latest. `words` are shown in place of numbers."""
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    panel = (
        _described(stat.Panel(), figure)
        .reduce_options(reduced)
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.AREA if graph else options.BigValueGraphMode.NONE)
        .justify_mode(options.BigValueJustifyMode.CENTER)
        .text_mode(options.BigValueTextMode.AUTO)
    ).build()
    if words and panel.field_config:
        vars(panel.field_config.defaults)["mappings"] = _mapped(words)
    return panel


def lines(figure: Figure, *, stacked: bool = False, bars: bool = False) -> Panel:
    """Series over time, with a table of their latest and largest values."""
    legend = (
        common.VizLegendOptions()
        .display_mode(options.LegendDisplayMode.TABLE)
        .placement(options.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    panel = (
        _described(timeseries.Panel(), figure)
        .legend(legend)
        .tooltip(
            common.VizTooltipOptions()
            .mode(options.TooltipDisplayMode.MULTI)
            .sort(options.SortOrder.DESCENDING)
        )
        .draw_style(options.GraphDrawStyle.BARS if bars else options.GraphDrawStyle.LINE)
        .line_width(1 if bars else 2)
        .fill_opacity(60 if bars else 35 if stacked else 8)
        .show_points(options.VisibilityMode.NEVER if stacked or bars else options.VisibilityMode.AUTO)
        .axis_soft_min(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if figure.limits:
        panel = panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.DASHED)
        )
    for name, colour in figure.colours.items():
        fixed = DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
        panel = panel.override_by_regexp(f"/^{name}( .*)?$/", [fixed])
    return panel.build()


def bars(figure: Figure, *, by: Literal["row", "column"] = "row") -> Panel:
    """Horizontal bars: one for each row of a table, which has a name and a number, or one for each of its columns."""
    reduced = common.ReduceDataOptions().fields("").values(by == "row")
    reduced = reduced.limit(25) if by == "row" else reduced.calcs(["lastNotNull"])
    panel = (
        _described(bargauge.Panel(), figure)
        .reduce_options(reduced)
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .value_mode(options.BarGaugeValueMode.TEXT)
        .min(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(palette.BLUE))
    )
    return panel.build()


def rows(
    figure: Figure,
    units: Mapping[str, str] | None = None,
    newest_first_by: str = "",
    words: tuple[str, Mapping[str, str]] | None = None,
) -> Panel:
    """A table. `units` are those of columns that are counted in another than the figure's. `words` are a column, which
    has the colours of the figure's limits, and what is shown in place of its numbers."""
    panel = _described(table.Panel(), figure).cell_height(options.TableCellHeight.SM)
    for column, unit in (units or {}).items():
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    if words:
        column, texts = words
        shown = [
            DynamicConfigValue(id_val="mappings", value=_mapped(texts)),
            DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
        ]
        panel = panel.override_by_name(column, shown)
    if newest_first_by:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(newest_first_by).desc(True)])
    return panel.build()


def _described(panel: PanelT, figure: Figure) -> PanelT:
    for letter, query in zip("ABCDEFGH", figure.queries, strict=False):
        vars(query.builder.build())["ref_id"] = letter
    described = (
        panel.title(figure.title)
        .description(figure.description)
        .datasource(figure.queries[0].source)
        .unit(figure.unit)
        .no_value(figure.no_value)
        .targets([query.builder for query in figure.queries])
        .span(figure.width)
        .height(figure.height)
        .thresholds(_thresholds(figure.limits))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )
    if figure.decimals is not None:
        described = described.decimals(figure.decimals)
    for name, settings in figure.transformations:
        described = described.with_transformation(DataTransformerConfig(id_val=name, options=dict(settings)))
    return described


def _mapped(words: Mapping[str, str]) -> list[Mapping[str, object]]:
    options_of = {
        number: {"text": word, "index": index} for index, (number, word) in enumerate(words.items())
    }
    return [{"type": "value", "options": options_of}]


def _thresholds(limits: tuple[float, float] | None) -> dashboard.ThresholdsConfig:
    if limits is None:
        steps = [Threshold(color=palette.SKY)]
    elif limits[0] <= limits[1]:
        look, wrong = limits
        steps = [
            Threshold(color=palette.GOOD),
            Threshold(value=look, color=palette.WARNING),
            Threshold(value=wrong, color=palette.BAD),
        ]
    else:
        look, wrong = limits
        steps = [
            Threshold(color=palette.BAD),
            Threshold(value=wrong, color=palette.WARNING),
            Threshold(value=look, color=palette.GOOD),
        ]
    return dashboard.ThresholdsConfig().steps(steps)
