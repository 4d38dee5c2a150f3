//! Numbers and foreign text in words: times, sizes, places in line, one clean line.
//! Pure and total: no input is too large or too odd.
use crate::Time;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Such as `40 s`, `2 min`, `3 h`, `2 days`; rounded to what people care about.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0 => "under 1 s".to_owned(),
        1..90 => format!("{seconds} s"),
        HOUR => "1 h".to_owned(),
        90..5_400 => format!("{} min", rounded(MINUTE)),
        5_400..172_800 => format!("{} h", rounded(HOUR)),
        _ => format!("{} days", rounded(DAY)),
    }
}

/// A guess, such as `about 40 s`: seconds in steps of five, rounded up.
pub fn about(time: Duration) -> String {
    match time.as_secs() {
        0..5 => "a few seconds".to_owned(),
        seconds @ 5..90 => {
            format!("about {}", duration(Duration::from_secs(seconds.div_ceil(5) * 5)))
        }
        _ => format!("about {}", duration(time)),
    }
}

/// Such as `812 B`, `24 kB`, `1.4 MB`, `12 GB`.
pub fn bytes(count: u64) -> String {
    let tenths = |unit: u64| match (count / unit, count % unit * 10 / unit) {
        (whole @ 0..10, tenth @ 1..) => format!("{whole}.{tenth}"),
        (whole, _) => whole.to_string(),
    };
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// Such as `1st`, `12th`, `23rd`.
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Such as `2026-11-20 08:05 UTC`.
pub fn date(time: Time) -> String {
    let seconds = time.0 / 1_000;
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute) = (seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Year, month and day of a day since 1970. Years begin in March here, so that the leap day
/// is the last one; 400 years have 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let since_year_zero = days + 719_468;
    let (era, of_era) = (since_year_zero / 146_097, since_year_zero % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The text as one line without control, line-breaking or direction-changing characters;
/// runs of white space become one space.
pub fn one_line(text: &str) -> String {
    let cleaned: String = text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{200e}' | '\u{200f}')
}

/// At most `max` characters of one clean line; `…` stands for the rest.
pub fn excerpt(text: &str, max: usize) -> String {
    // Only so much is looked at that cleaning a huge text costs nothing.
    let clean = one_line(&text.chars().take(max.saturating_mul(4)).collect::<String>());
    if clean.chars().count() <= max {
        return clean;
    }
    let kept: String = clean.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_rounded_to_what_people_care_about() {
        let check = |millis, expected: &str| {
            assert_eq!(duration(Duration::from_millis(millis)), expected, "{millis}");
        };
        check(200, "under 1 s");
        check(1_400, "1 s");
        check(59_600, "60 s");
        check(91_000, "2 min");
        check(3_600_000, "1 h");
        check(4_800_000, "80 min");
        check(7_200_000, "2 h");
        check(200_000_000, "2 days");
    }

    #[test]
    fn guesses_say_that_they_are_guesses() {
        let check = |seconds, expected: &str| {
            assert_eq!(about(Duration::from_secs(seconds)), expected, "{seconds}");
        };
        check(0, "a few seconds");
        check(36, "about 40 s");
        check(120, "about 2 min");
    }

    #[test]
    fn sizes_and_places() {
        let check = |count, expected: &str| assert_eq!(bytes(count), expected);
        check(812, "812 B");
        check(24_900, "24 kB");
        check(1_450_000, "1.4 MB");
        check(2_000_000, "2 MB");
        check(24_300_000_000, "24 GB");
        let check = |number, expected: &str| assert_eq!(ordinal(number), expected);
        check(1, "1st");
        check(12, "12th");
        check(23, "23rd");
        check(111, "111th");
    }

    #[test]
    fn dates_know_leap_years() {
        let check = |seconds: u64, expected: &str| assert_eq!(date(Time(seconds * 1000)), expected);
        check(0, "1970-01-01 00:00 UTC");
        check(951_782_400, "2000-02-29 00:00 UTC");
        check(1_795_161_900, "2026-11-20 08:05 UTC");
        check(4_107_542_399, "2100-02-28 23:59 UTC");
        check(4_107_542_400, "2100-03-01 00:00 UTC");
    }

    #[test]
    fn excerpts_are_cut_at_characters() {
        let check = |text: &str, max, expected: &str| assert_eq!(excerpt(text, max), expected);
        check("a red\r\nfox", 20, "a red fox");
        check("a red fox", 6, "a red…");
        check("ääää", 3, "ää…");
        check("", 0, "");
    }

    proptest! {
        #[test]
        fn a_line_stays_one_line(text in any::<String>(), max in 0usize..300) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(is_unsafe));
            prop_assert_eq!(one_line(&line), line.clone());
            prop_assert!(excerpt(&text, max).chars().count() <= max.max(1));
        }

        #[test]
        fn no_number_is_too_large(number in any::<u64>()) {
            prop_assert!(!duration(Duration::from_secs(number)).is_empty());
            prop_assert!(!about(Duration::from_millis(number)).is_empty());
            prop_assert!(!bytes(number).is_empty());
            prop_assert!(date(Time(number)).ends_with(" UTC"));
        }
    }
}
