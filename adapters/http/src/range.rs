//! `Range` headers, RFC 9110 14: one range of bytes or none; pure.
//! What is not understood is ignored, as the whole is always a right answer.

/// What to send of `length` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// First and last byte, both included.
    Bytes(u64, u64),
    Unsatisfiable,
}

pub(crate) fn part(header: Option<&str>, length: u64) -> Part {
    match header.and_then(|header| header.trim().strip_prefix("bytes=")) {
        Some(range) => one(range.trim(), length).unwrap_or(Part::Whole),
        None => Part::Whole,
    }
}

/// `None` for more than one range and for nonsense.
fn one(range: &str, length: u64) -> Option<Part> {
    let (first, last) = range.split_once('-')?;
    let end = length.saturating_sub(1);
    let (first, last) = match (number(first)?, number(last)?) {
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), last) => (first, last.map_or(end, |last| last.min(end))),
        (None, Some(0)) => return Some(Part::Unsatisfiable),
        (None, Some(suffix)) => (length.saturating_sub(suffix), end),
        (None, None) => return None,
    };
    Some(if first < length { Part::Bytes(first, last) } else { Part::Unsatisfiable })
}

/// `Some(None)` if nothing stands there; too large a number is as good as the largest.
#[allow(clippy::option_option)] // absent and wrong are two things
fn number(text: &str) -> Option<Option<u64>> {
    match text {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_or_the_whole() {
        let check =
            |header: &str, expected| assert_eq!(part(Some(header), 100), expected, "{header}");
        check("bytes=0-9", Part::Bytes(0, 9));
        check(" bytes=90-", Part::Bytes(90, 99));
        check("bytes=-10", Part::Bytes(90, 99));
        check("bytes=-1000", Part::Bytes(0, 99));
        check("bytes=50-1000", Part::Bytes(50, 99));
        check("bytes=0-99999999999999999999999", Part::Bytes(0, 99));
        check("bytes=100-", Part::Unsatisfiable);
        check("bytes=-0", Part::Unsatisfiable);
        check("bytes=99999999999999999999999-", Part::Unsatisfiable);
        for whole in
            ["", "bytes=", "bytes=-", "bytes=9-0", "bytes=0-1,3-4", "bytes=+1-2", "lines=0-1"]
        {
            check(whole, Part::Whole);
        }
        assert_eq!(part(None, 100), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Unsatisfiable);
    }
}
