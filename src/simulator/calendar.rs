//! Dates without a calendar library: the few forms in which a ComfyUI prints them.

/// Year, month, day of a count of days since 1970, by the civil calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March of the year 0, so that a leap day is the last day of its year.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// Fills `%year%`, `%month%`, `%day%`, `%hour%`, `%minute%` and `%second%` of a file name.
pub(super) fn fill(prefix: &str) -> String {
    let now = super::clock().as_secs();
    let (year, month, day) = civil(now / 86_400);
    let parts = [
        ("%year%", year),
        ("%month%", month),
        ("%day%", day),
        ("%hour%", now / 3600 % 24),
        ("%minute%", now / 60 % 60),
        ("%second%", now % 60),
    ];
    parts
        .iter()
        .fold(prefix.to_owned(), |text, (name, number)| text.replace(name, &format!("{number:02}")))
}

/// Seconds since 1970 as a date in an HTTP header.
pub(super) fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (weekday, month) = (name(&DAYS, days % 7), name(&MONTHS, month - 1));
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let check = |seconds, expected: &str| assert_eq!(http_date(seconds), expected);
        check(0, "Thu, 01 Jan 1970 00:00:00 GMT");
        check(951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT");
        check(1_795_152_613, "Fri, 20 Nov 2026 05:30:13 GMT");
    }
}
