//! Numbers, sizes and job ids as people write them; everything else is refused, not guessed.
use crate::intake::spelling::fold;
use inkwire_core::{JobId, JobRef};

/// Longer ids are none of ours.
const MOST_ID: usize = 12;

/// Digits alone, of any width.
pub(super) fn whole<N: std::str::FromStr>(text: &str) -> Option<N> {
    let text = fold(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Digits with at most one point; no sign and no exponent, so it is finite and not below 0.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let text = fold(text);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// Two numbers with one of `between` in the middle.
pub(super) fn pair(text: &str, between: &[char]) -> Option<(u32, u32)> {
    let text = fold(text);
    let (left, right) = text.split_once(between)?;
    Some((whole(left.trim())?, whole(right.trim())?))
}

/// A job's id as it is kept; `#k7f` is `k7f`.
pub(in crate::intake) fn job_id(text: &str) -> Option<JobId> {
    let id = fold(text.trim_start_matches('#'));
    let fits = !id.is_empty() && id.len() <= MOST_ID;
    (fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(JobId(id))
}

/// `k7f`, or `k7f.2` for its second image.
pub(in crate::intake) fn job_ref(text: &str) -> Option<JobRef> {
    match text.split_once('.') {
        None => Some(JobRef { job: job_id(text)?, image: None }),
        Some((job, image)) => Some(JobRef { job: job_id(job)?, image: Some(whole(image)?) }),
    }
}
