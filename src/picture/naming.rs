//! What downloaded pictures are called: plain ASCII that sorts by day and tells the job.
use inkwire_core::{JobId, Time};

/// In bytes; every file system and every header takes it.
const LONGEST: usize = 80;

/// Such as `2026-11-20_k7f-2_a-red-fox.webp`; image 0 is a grid and goes without a number.
/// `prompt` is left out for private jobs.
pub fn file_name(made: Time, job: &JobId, image: u16, prompt: Option<&str>, mime: &str) -> String {
    let (year, month, day) = date(made);
    let number = if image > 0 { format!("-{image}") } else { String::new() };
    let mut name = format!("{year:04}-{month:02}-{day:02}_{}{number}", slug(&job.0, 24));
    let extension = extension(mime);
    let room = LONGEST.saturating_sub(name.len() + 1 + extension.len() + 1);
    let words = slug(prompt.unwrap_or_default(), room);
    if !words.is_empty() {
        name.push('_');
        name.push_str(&words);
    }
    format!("{name}.{extension}")
}

/// Lower-case words joined by `-`, of at most `longest` bytes; cut between words if it can be.
fn slug(text: &str, longest: usize) -> String {
    let mut slug = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.is_empty() {
            slug.extend(word.chars().take(longest));
        } else if slug.len() + 1 + word.len() <= longest {
            slug.push('-');
            slug.push_str(word);
        } else {
            break;
        }
    }
    slug.make_ascii_lowercase();
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
        _ => "bin",
    }
}

/// Year, month and day in UTC.
fn date(time: Time) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last; an era has 400 of them.
    let days = time.0 / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day_of_month)
}
