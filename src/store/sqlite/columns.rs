//! How our values stand in columns, and what the errors of `SQLite` mean to the port.
//! Numbers saturate at what a column can hold; nothing here fails on a large one.
use crate::{job::JobState, store::StoreError};
use inkwire_core::Time;
use rusqlite::{
    Row,
    ffi::{ErrorCode, SQLITE_IOERR_SHMSIZE},
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Later than any time we meet, and safe to add up.
const MOST_MILLIS: u64 = 1 << 60;

/// A value in a text column.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0);
        let text = text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let value = serde_json::from_str(value.as_str()?);
        value.map(Json).map_err(|error| FromSqlError::Other(error.into()))
    }
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    row.get::<_, Json<T>>(name).map(|json| json.0)
}

pub(super) fn maybe_json<T: DeserializeOwned>(
    row: &Row<'_>,
    name: &str,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<Json<T>>>(name).map(|json| json.map(|json| json.0))
}

pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn millis(time: Time) -> i64 {
    int(time.0.min(MOST_MILLIS))
}

pub(super) fn length(span: Duration) -> i64 {
    int(u64::try_from(span.as_millis()).unwrap_or(MOST_MILLIS).min(MOST_MILLIS))
}

/// The moment from which on what happened then is older than `span`.
pub(super) fn before(now: Time, span: Duration) -> i64 {
    millis(now).saturating_sub(length(span))
}

pub(super) fn time(row: &Row<'_>, name: &str) -> rusqlite::Result<Time> {
    row.get(name).map(Time)
}

pub(super) fn maybe_time(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<Time>> {
    row.get::<_, Option<u64>>(name).map(|at| at.map(Time))
}

pub(super) fn state_name(state: JobState) -> String {
    format!("{state:?}")
}

pub(super) fn state(row: &Row<'_>) -> rusqlite::Result<JobState> {
    let name: String = row.get("state")?;
    let state = JobState::ALL.into_iter().find(|state| state_name(*state) == name);
    state.ok_or(rusqlite::Error::InvalidQuery)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::SqliteFailure(cause, _) = &error {
            let no_room = cause.extended_code == SQLITE_IOERR_SHMSIZE;
            if no_room || cause.code == ErrorCode::DiskFull {
                return Self::Full;
            }
        }
        Self::Broken(error.to_string())
    }
}
