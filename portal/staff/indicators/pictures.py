"""The charts of the indicator pages: which figures they show, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import format_date

from portal.staff.charts import NAMES as AGE_NAMES
from portal.staff.indicators.drawing import Column, Part, draw_columns, draw_lines
from portal.staff.indicators.words import NONE, amount_of, short_money
from portal.words import LOCALES, colon, gettext, language, money, short_day
from receivables.domain.measuring.forecasts import WEEK_DAYS
from receivables.domain.measuring.indicators import rounded
from receivables.services.measuring.indicators import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from fractions import Fraction

    from portal.staff.indicators.drawing import Drawing
    from receivables.services.measuring.forecasting import BackTest, Forecast
    from receivables.services.measuring.indicator_views import Group, MonthEnd

LETTERS = 64
"""How many letters fit below a whole chart, on a phone too."""


def picture_of_ages(months: Sequence[MonthEnd], currency: str) -> Drawing:
    """What was open at the end of each month, by age."""
    names = [gettext(each) for each in AGE_NAMES]
    columns = [
        Column(
            _month(each.on),
            tuple(
                Part(minor, f"a{age}", f"{short_day(each.on)}, {names[age]}{colon()} {money(minor, currency)}")
                for age, minor in enumerate(each.ages_minor)
            ),
        )
        for each in months
    ]
    last = months[-1]
    said = gettext("Au %(day)s : %(whole)s ouverts, dont %(late)s échus.") % {
        "day": short_day(last.on),
        "whole": money(last.receivable_minor, currency),
        "late": money(last.receivable_minor - last.ages_minor[0], currency),
    }
    return draw_columns(
        "ages", gettext("Créances ouvertes par ancienneté"), said, columns, lambda minor: short_money(minor, currency)
    )


def picture_of_speed(months: Sequence[MonthEnd]) -> Drawing:
    """The two DSOs at the end of each month."""

    def points(name: str, tone: str, values: Sequence[Fraction | None]) -> list[Part | None]:
        return [
            Part(int(rounded(value, 0)), tone, f"{short_day(each.on)}, {name}{colon()} {_days(value)}")
            if value is not None
            else None
            for each, value in zip(months, values, strict=True)
        ]

    simple, exhausted = gettext("DSO"), gettext("DSO par épuisement")
    lines = [
        points(simple, "s1", [each.dso_days for each in months]),
        points(exhausted, "s0", [each.count_back_days for each in months]),
    ]
    last = months[-1]
    said = gettext("Au %(day)s : DSO %(simple)s, par épuisement %(exhausted)s.") % {
        "day": short_day(last.on),
        "simple": _days(last.dso_days),
        "exhausted": _days(last.count_back_days),
    }
    return draw_lines(
        "speed",
        gettext("Vitesse d'encaissement"),
        said,
        [_month(each.on) for each in months],
        lines,
        say=str,
    )


def picture_of_forecast(forecast: Forecast, currency: str, weeks: Sequence[tuple[date, date]]) -> Drawing:
    """What each week is expected to bring."""
    columns = [
        Column(
            _day(first),
            (Part(minor, "s0", f"{short_day(first)} / {short_day(last)}{colon()} {money(minor, currency)}"),),
        )
        for (first, last), minor in zip(weeks, forecast.weeks_minor, strict=True)
    ]
    said = gettext("%(whole)s attendus en %(weeks)s semaines, %(rest)s plus tard ou sans date.") % {
        "whole": money(sum(forecast.weeks_minor), currency),
        "weeks": len(weeks),
        "rest": money(forecast.rest_minor, currency),
    }
    return draw_columns(
        "forecast",
        gettext("Encaissements attendus"),
        said,
        columns,
        lambda minor: short_money(minor, currency),
        every=2,
    )


def picture_of_test(test: BackTest, currency: str, weeks: Sequence[tuple[date, date]]) -> Drawing:
    """A forecast of the past beside what came."""
    told, came, plain = gettext("Prévision"), gettext("Encaissements"), gettext("Par échéance")
    columns = [
        Column(
            _day(first),
            tuple(
                Part(minor, tone, f"{short_day(first)}, {name}{colon()} {money(minor, currency)}")
                for name, tone, minor in (
                    (told, "s0", test.forecast_minor[place]),
                    (plain, "s1", test.by_due_day_minor[place]),
                    (came, "s2", test.came_minor[place]),
                )
            ),
        )
        for place, (first, _) in enumerate(weeks)
    ]
    said = gettext("Écart de la prévision : %(missed)s. Par les seules échéances : %(plain)s.") % {
        "missed": money(test.missed_minor, currency),
        "plain": money(test.missed_by_due_day_minor, currency),
    }
    title = gettext("Ce qui était prévu, ce qui est venu")
    return draw_columns("test", title, said, columns, lambda minor: short_money(minor, currency), beside=True)


def _fitted(name: str, columns: int) -> str:
    """A name as long as there is room below one of so many columns."""
    most = LETTERS // columns
    return name if len(name) <= most else f"{name[: most - 1]}…"


def picture_of_groups(groups: Sequence[tuple[str, Group]], title: str, currency: str) -> Drawing:
    """Open amounts of each group: not due, late, at risk."""
    columns = [
        Column(
            _fitted(name, len(groups)),
            tuple(
                Part(minor, tone, f"{name}, {said}{colon()} {money(minor, currency)}")
                for tone, said, minor in (
                    ("a0", gettext("Pas encore échu"), group.receivable_minor - group.late_minor),
                    ("a2", gettext("Échu"), group.late_minor - group.at_risk_minor),
                    ("a4", gettext("À risque"), group.at_risk_minor),
                )
            ),
        )
        for name, group in groups
    ]
    said = gettext("%(whole)s ouverts.") % {
        "whole": money(sum(group.receivable_minor for _, group in groups), currency)
    }
    return draw_columns("groups", title, said, columns, lambda minor: short_money(minor, currency))


def weeks_after(on: date, count: int) -> list[tuple[date, date]]:
    """First and last day of each week after ``on``."""
    days = [type(on).fromordinal(on.toordinal() + 1 + WEEK_DAYS * week) for week in range(count)]
    return [(first, type(on).fromordinal(first.toordinal() + WEEK_DAYS - 1)) for first in days]


def _days(value: Fraction | None) -> str:
    return NONE if value is None else amount_of(value, Unit.DAYS, "")


def _month(on: date) -> str:
    return format_date(on, "MMM", locale=LOCALES[language()])


def _day(on: date) -> str:
    return format_date(on, "d MMM", locale=LOCALES[language()])
