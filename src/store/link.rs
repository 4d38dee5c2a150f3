//! What a link shows of what is behind it. Pure; a private job's words never get here.
use super::{BlobRow, LinkRow};
use crate::job::Job;
use inkwire_core::{Linked, Time};

const LONGEST_SLUG: usize = 40;

/// `job` is `None` for a text that nobody painted.
pub(super) fn linked(job: Option<&Job>, link: &LinkRow, blob: BlobRow) -> Linked {
    let plain = || format!("text.{}", extension(&blob.mime));
    Linked {
        file_name: job.map_or_else(plain, |job| file_name(job, link.image, &blob.mime)),
        title: job.filter(|job| !job.private).map(|job| job.render.prompt.clone()),
        media: blob.id,
        mime: blob.mime,
        bytes: blob.bytes,
        width: blob.width,
        height: blob.height,
        job: job.map(|job| job.id.clone()),
        expires: Some(link.expires),
    }
}

/// Such as `2026-11-20-k7f.2-a-red-boat.webp`.
fn file_name(job: &Job, image: u16, mime: &str) -> String {
    let date = date(job.created);
    let name = if image > 0 { format!("{}.{image}", job.id) } else { job.id.0.clone() };
    let slug = if job.private { String::new() } else { slug(&job.render.prompt) };
    let dash = if slug.is_empty() { "" } else { "-" };
    format!("{date}-{name}{dash}{slug}.{}", extension(mime))
}

/// Lower-case ASCII words, joined by hyphens: safe in headers and on every file system.
fn slug(prompt: &str) -> String {
    let mut slug = String::new();
    for word in prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        if slug.len() + word.len() >= LONGEST_SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    slug
}

fn extension(mime: &str) -> &'static str {
    match mime {
        "image/webp" => "webp",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "audio/flac" => "flac",
        "audio/mpeg" => "mp3",
        "text/plain" => "txt",
        _ => "bin",
    }
}

/// Years of the Gregorian calendar, counted from 1 March so that the leap day comes last.
fn date(at: Time) -> String {
    let days = at.0 / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (next, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        let check = |days: u64, expected| assert_eq!(date(Time(days * 86_400_000)), expected);
        check(0, "1970-01-01");
        check(11_016, "2000-02-29");
        check(20_454, "2026-01-01");
        check(20_777, "2026-11-20");
        check(47_540, "2100-02-28");
        check(47_541, "2100-03-01");
    }

    #[test]
    fn slugs_are_short_plain_words() {
        let check = |prompt, expected| assert_eq!(slug(prompt), expected);
        check("A red boat, at sea", "a-red-boat-at-sea");
        check("../../etc/passwd\r\n", "etc-passwd");
        check("日本", "");
        check(&"word ".repeat(50), "word-word-word-word-word-word-word-word");
    }
}
