//! Files that people write, as YAML: what they say, and every mistake in one go, each with its
//! line and the nearest thing that would be right. Where reading stops at a mistake, that entry is
//! blanked and the rest is read again. The only file that names the YAML library.
use serde::de::DeserializeOwned;
use serde_yaml::Error;
pub use serde_yaml::Spanned;
use std::fmt;

/// Mistakes that are shown of one file.
const MOST: usize = 40;

/// What is wrong with a file, for the person who wrote it: shown as
/// `file:line: message; did you mean ...?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// From 1.
    pub line: Option<u64>,
    pub message: String,
    /// The nearest thing that would be right.
    pub suggestion: Option<String>,
}

impl Problem {
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into(), suggestion: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message)?,
            None => write!(f, "{}: {}", self.file, self.message)?,
        }
        match &self.suggestion {
            Some(word) => write!(f, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

/// The known word that is most like `word`, unless none is.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
    known
        .into_iter()
        .map(|candidate| (far(candidate), candidate))
        .filter(|(distance, _)| *distance <= 1 + word.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What was written, with the mistakes left out, and the mistakes.
pub fn read<T: DeserializeOwned + Default>(file: &str, text: &str) -> (T, Vec<Problem>) {
    let mut text = text.trim_start_matches('\u{feff}').to_owned();
    let mut problems: Vec<Problem> = Vec::new();
    while problems.len() < MOST {
        let options = serde_yaml::options! { with_snippet: false, strict_booleans: true };
        let error = match serde_yaml::from_str_with_options::<T>(&text, options) {
            Ok(value) => return (value, problems),
            Err(error) => error,
        };
        let problem = problem(file, &error);
        let understood = is_about_meaning(&error);
        // What was blanked may be missed elsewhere; such an echo is no mistake of the writer.
        if problems.last() == Some(&problem) || !(understood || problems.is_empty()) {
            break;
        }
        problems.push(problem);
        let at = error.location().filter(|_| understood);
        match at.and_then(|at| blank(&text, at.line(), at.column())) {
            Some(rest) => text = rest,
            None => break,
        }
    }
    (T::default(), problems)
}

/// Whether the rest of the file can still be understood.
fn is_about_meaning(error: &Error) -> bool {
    matches!(
        error,
        Error::SerdeUnknownField { .. }
            | Error::SerdeUnknownVariant { .. }
            | Error::SerdeInvalidType { .. }
            | Error::SerdeInvalidValue { .. }
            | Error::InvalidScalar { .. }
            | Error::InvalidBooleanStrict { .. }
            | Error::DuplicateMappingKey { .. }
            | Error::Unexpected { .. }
            | Error::NullIntoString { .. }
    )
}

/// The text without the key or value that begins at a place, which counts from 1, in lines and
/// characters. `None` where there is none, or its end is not certain.
fn blank(text: &str, line: u64, column: u64) -> Option<String> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let whole = lines.get(line)?.clone();
    let kept: String = whole.chars().take(column).collect();
    let rest = whole.strip_prefix(kept.as_str())?;
    if kept.contains(['{', '[']) {
        let end = end_in_brackets(rest)?;
        *lines.get_mut(line)? = kept + rest.get(end..)?;
        return Some(lines.join("\n"));
    }
    // A key takes all that stands deeper with it; a value, what stands deeper than its key.
    let is_first = kept.trim().is_empty() || kept.trim() == "-";
    let floor = if is_first { column } else { indent(&whole) };
    *lines.get_mut(line)? = kept;
    for line in lines.iter_mut().skip(line + 1) {
        if !line.trim().is_empty() && indent(line) <= floor {
            break;
        }
        line.clear();
    }
    Some(lines.join("\n"))
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// Where an entry between brackets ends: before the next comma or bracket that is not its own.
fn end_in_brackets(rest: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_u32, None);
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']' | ',') if depth == 0 => return Some(at),
            (None, '}' | ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn problem(file: &str, error: &Error) -> Problem {
    let line = error.location().map(|at| at.line());
    let (message, suggestion) = words(error);
    Problem { line, suggestion, ..Problem::new(file, message) }
}

fn words(error: &Error) -> (String, Option<String>) {
    match error {
        Error::SerdeUnknownField { field: word, expected, .. } => choice("key", word, expected),
        Error::SerdeUnknownVariant { variant: word, expected, .. } => {
            choice("value", word, expected)
        }
        Error::InvalidScalar { ty, .. } => (format!("this must be {}", kind(ty)), None),
        Error::InvalidBooleanStrict { .. } => ("this must be true or false".to_owned(), None),
        Error::Unexpected { expected, .. } => (format!("this must be {}", kind(expected)), None),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("it");
            (format!("the key `{key}` is written twice"), None)
        }
        Error::NullIntoString { .. } => ("a text is missing here".to_owned(), None),
        Error::MultipleDocuments { .. } => {
            ("only one document can be read: remove what follows `---`".to_owned(), None)
        }
        other => {
            let words = other.to_string();
            let place = words.rfind(" at line ").unwrap_or(words.len());
            (words.get(..place).unwrap_or_default().to_owned(), None)
        }
    }
}

fn choice(what: &str, word: &str, expected: &[&'static str]) -> (String, Option<String>) {
    let near = nearest(word, expected.iter().copied()).map(str::to_owned);
    let known = expected.join(", ");
    (format!("there is no {what} `{word}` here, only {known}"), near)
}

fn kind(name: &str) -> &str {
    match name {
        "u8" => "a whole number from 0 to 255",
        "u32" | "u64" => "a whole number, 0 or more",
        "f64" => "a number",
        "boolean" => "true or false",
        "sequence start" => "a list",
        "mapping start" => "a section with keys of its own",
        "string scalar" => "a single text",
        other => other,
    }
}

/// The keys that a section has, as the reader itself names them.
#[cfg(test)]
pub fn keys<T: DeserializeOwned>() -> Vec<String> {
    match serde_yaml::from_str::<T>("no_such_key: 1").err().as_ref().map(Error::without_snippet) {
        Some(Error::SerdeUnknownField { expected, .. }) => {
            expected.iter().map(|&key| key.to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn check(text: &str, line: u64, column: u64, expected: Option<&str>) {
        assert_eq!(blank(text, line, column).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_mistake_is_blanked_with_all_that_belongs_to_it() {
        check("a: 1\nb: 2", 1, 1, Some("\nb: 2"));
        check("a: 1\nb: 2", 2, 4, Some("a: 1\nb: "));
        check("a:\n  b: 1\n\n  c: 2\nd: 3", 1, 1, Some("\n\n\n\nd: 3"));
        check("- a: 1\n  b: 2", 1, 3, Some("- \n  b: 2"));
        check("- a:\n    b: 2\n- c: 1", 1, 3, Some("- \n\n- c: 1"));
        check("a: {b: 1, c: [2, 3]}", 1, 8, Some("a: {b: , c: [2, 3]}"));
        check("a: {b: 1, c: [2, 3]}", 1, 11, Some("a: {b: 1, }"));
        check("a: {b: \"x,}\", c: 1}", 1, 8, Some("a: {b: , c: 1}"));
        check("a: {b: 1,\n  c: 2}", 1, 8, Some("a: {b: ,\n  c: 2}"));
        check("a: {b:\n  1}", 1, 5, None);
        check("a: 1", 9, 1, None);
        check("a: 1", 0, 0, None);
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["level", "format", "prompts"];
        let check = |word: &str, expected| assert_eq!(nearest(word, known), expected, "{word}");
        check("levle", Some("level"));
        check("LEVEL", Some("level"));
        check("fromat", Some("format"));
        check("prompt", Some("prompts"));
        check("colour", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(\\PC|[\\n\\t :\\-{}\\[\\]&*!|>'\"#%@,?]){0,200}") {
            let (value, problems) = read::<BTreeMap<String, Option<Vec<u32>>>>("any", &text);
            prop_assert!(problems.len() <= MOST);
            prop_assert!(problems.is_empty() || value.len() <= text.len());
        }
    }
}
