"""Where attributes stand in the tables of a level, and how those are counted that stand nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, func, select

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.stores.index import schema

Expression = ColumnElement[Any]

TABLES: Final = {
    Level.PATIENT: schema.patient,
    Level.STUDY: schema.study,
    Level.SERIES: schema.series,
    Level.IMAGE: schema.instance,
}


def source_of(level: Level) -> FromClause:
    """Return the tables that what is said of a level stands in, joined."""
    series, study, instance = schema.series, schema.study, schema.instance
    match level:
        case Level.SERIES:
            return series.join(study, study.c.id == series.c.study_row)
        case Level.IMAGE:
            return instance.join(series, series.c.id == instance.c.series_row).join(
                study, study.c.id == series.c.study_row
            )
        case _:
            return TABLES[level]


class Columns:
    """Where an attribute stands in the tables of a level: a study has its own copy of its patient's.

    What is ``hidden`` is compared without the help of its indexes.
    """

    def __init__(self, level: Level, *, hidden: frozenset[str] = frozenset()) -> None:
        self.patient = schema.patient if level is Level.PATIENT else schema.study
        """The table that has the patient's attributes."""
        self._hidden = hidden

    def __call__(self, keyword: str, name: str = "") -> Expression:
        """Return the column of an attribute, or the one of its several that is called ``name``."""
        attribute = BY_KEYWORD[keyword]
        if keyword in _WORKED_OUT:
            return _WORKED_OUT[keyword]
        if keyword in _COUNTED_OF_PATIENT:
            return _of_patient(_COUNTED_OF_PATIENT[keyword], self.patient)
        table = self.patient if attribute.level is Level.PATIENT else TABLES[attribute.level]
        column = table.c[name or attribute.column]
        if keyword not in self._hidden:
            return column
        return column + 0 if isinstance(column.type, BigInteger) else column.concat("")


def _counted(count: ColumnElement[Any], *where: ColumnElement[bool]) -> Expression:
    return select(count).where(*where).correlate(schema.study, schema.series).scalar_subquery()


_SERIES_OF_STUDY: Final = schema.tally.c.study_row == schema.study.c.id
_ONE_SERIES: Final = and_(
    schema.tally.c.study_row == schema.series.c.study_row, schema.tally.c.series_row == schema.series.c.id
)
_WORKED_OUT: Final[Mapping[str, Expression]] = {
    "NumberOfStudyRelatedSeries": _counted(func.count(schema.tally.c.series_row), _SERIES_OF_STUDY),
    "NumberOfStudyRelatedInstances": _counted(func.sum(schema.tally.c.instances), _SERIES_OF_STUDY),
    "NumberOfSeriesRelatedInstances": _counted(schema.tally.c.instances, _ONE_SERIES),
    "AvailableTransferSyntaxUID": schema.instance.c.transfer_syntax,
}
"""What is counted when it is asked for, of what each series holds; and what an object's place says of it."""

_COUNTED_OF_PATIENT: Final[Mapping[str, ColumnElement[Any]]] = {
    "NumberOfPatientRelatedStudies": func.count(schema.tally.c.study_row.distinct()),
    "NumberOfPatientRelatedSeries": func.count(schema.tally.c.series_row),
    "NumberOfPatientRelatedInstances": func.sum(schema.tally.c.instances),
}


def _of_patient(count: ColumnElement[Any], table: FromClause) -> Expression:
    """Count over all studies of the patient of a row of ``patient`` or ``study``."""
    studies = schema.study.alias("of_patient")
    row = table.c.id if table is schema.patient else table.c.patient_row
    held = studies.join(schema.tally, schema.tally.c.study_row == studies.c.id)
    return select(count).select_from(held).where(studies.c.patient_row == row).correlate(table).scalar_subquery()
