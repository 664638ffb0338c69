//! A point in time to the second, as people write it: `2026-11-20T12:00:00Z` (RFC 3339, UTC).

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_SECONDS: u64 = 86_400;
/// Days from 1970-01-01 to 10000-01-01: years have four digits.
const DAYS_MAX: u64 = 2_932_897;

/// Seconds since the start of 1970, UTC; before the year 10000.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GenesisTime(u64);

/// Why a text or a number is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeRejected {
    /// Not written as `2026-11-20T12:00:00Z`.
    #[error("{0:?} is not a time like 2026-11-20T12:00:00Z (UTC, whole seconds)")]
    Unreadable(String),
    /// Past the year 9999.
    #[error("{0} seconds after 1970 is past the year 9999")]
    TooLate(u64),
}

impl GenesisTime {
    /// The time so many seconds after the start of 1970.
    ///
    /// # Errors
    /// [`TimeRejected::TooLate`] past the year 9999.
    pub fn from_unix(seconds: u64) -> Result<Self, TimeRejected> {
        if seconds / DAY_SECONDS >= DAYS_MAX { Err(TimeRejected::TooLate(seconds)) } else { Ok(Self(seconds)) }
    }

    /// What this machine's clock says.
    ///
    /// # Errors
    /// [`TimeRejected::TooLate`] past the year 9999. A clock before 1970 reads as 1970.
    pub fn now() -> Result<Self, TimeRejected> {
        Self::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Seconds since the start of 1970.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The day counted from 1970-01-01 of a year (1970 to 9999), month and day. Same source, `days_from_civil`.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl fmt::Display for GenesisTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / DAY_SECONDS);
        let second = self.0 % DAY_SECONDS;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for GenesisTime {
    type Err = TimeRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
            let [year, month, day] = [number(0, 4)?, number(5, 7)?, number(8, 10)?];
            let [hour, minute, second] = [number(11, 13)?, number(14, 16)?, number(17, 19)?];
            let is_date = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
            let is_time = hour < 24 && minute < 60 && second < 60;
            let days = (is_date && is_time).then(|| days_from_civil(year, month, day))?;
            Some(Self(days * DAY_SECONDS + hour * 3_600 + minute * 60 + second))
        };
        // One spelling only: what is read must be written the same. This refuses 31 April, signs and other separators too.
        read()
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| TimeRejected::Unreadable(text.chars().take(40).collect()))
    }
}

impl Serialize for GenesisTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GenesisTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_written_and_read() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_763_640_000, "2025-11-20T12:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let time = GenesisTime::from_unix(seconds).unwrap();
            assert_eq!((time.to_string().as_str(), text.parse()), (text, Ok(time)));
        }
        assert_eq!(GenesisTime::from_unix(253_402_300_800), Err(TimeRejected::TooLate(253_402_300_800)));
    }

    #[test]
    fn every_day_reads_back() {
        for day in 0..DAYS_MAX {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
        }
    }

    #[test]
    fn each_other_spelling_is_refused() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T12:00:00",
            "2026-11-20 12:00:00Z",
            "2026-11-20T12:00:00.5Z",
            "2026-02-29T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-13-01T00:00:00Z",
            "+026-11-20T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-20T12:00:00+01:00",
        ] {
            assert!(text.parse::<GenesisTime>().is_err(), "{text}");
        }
    }
}
