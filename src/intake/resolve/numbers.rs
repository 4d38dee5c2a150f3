//! Count, steps, sizes and other numbers of a wish, within what operator and workflow allow.
use super::{
    choice::Choice,
    own::{Own, OwnValues},
};
use crate::intake::{parse::flags::Flag, presets::Ceilings};
use inkwire_core::{Allowed, Imagine, Note, Origin, Rejection};

/// Asking for more than this many times the most is a slip, not a wish.
const ABSURD: u32 = 10;
/// The longest side may be this many times the shortest.
const SLENDEREST: u32 = 8;
/// The largest number in a shape.
const LARGEST: u32 = 10_000;

pub(super) fn count(wish: &Imagine, own: &OwnValues, bounds: &Ceilings) -> Result<u8, Rejection> {
    match wish.count {
        None => Ok(own.count.value.clamp(1, bounds.max_count.max(1))),
        Some(count) if (1..=bounds.max_count).contains(&count) => Ok(count),
        Some(count) => Err(bad("count", &count.to_string(), bounds)),
    }
}

pub(super) fn steps(
    wish: &Imagine,
    choice: &Choice,
    bounds: &Ceilings,
    notes: &mut Vec<Note>,
) -> Result<u32, Rejection> {
    let most = bounds.max_steps.max(1);
    let Some(asked) = wish.steps else { return Ok(choice.own.steps.value.clamp(1, most)) };
    if asked == 0 || asked > most.saturating_mul(ABSURD) {
        return Err(bad("steps", &asked.to_string(), bounds));
    }
    let given = asked.min(most);
    note(notes, "steps", &asked.to_string(), &given.to_string());
    Ok(given)
}

/// What a model says is its author's business; what a room says is brought into range.
pub(super) fn cfg(wish: &Imagine, own: &OwnValues, bounds: &Ceilings) -> Result<f64, Rejection> {
    let asked = decimal("cfg", wish.cfg, bounds)?;
    Ok(asked.unwrap_or(match own.cfg {
        Own { value, from: Origin::Room } => value.min(bounds.max_cfg).max(bounds.min_cfg),
        Own { value, .. } => value,
    }))
}

pub(super) fn decimal(
    name: &str,
    asked: Option<f64>,
    bounds: &Ceilings,
) -> Result<Option<f64>, Rejection> {
    let range = match name {
        "denoise" => 0.0..=1.0,
        _ => bounds.min_cfg..=bounds.max_cfg,
    };
    match asked {
        Some(number) if number.is_sign_negative() || !range.contains(&number) => {
            Err(bad(name, &number.to_string(), bounds))
        }
        fine => Ok(fine),
    }
}

/// Width and height in pixels.
pub(super) fn size(
    wish: &Imagine,
    choice: &Choice,
    bounds: &Ceilings,
    notes: &mut Vec<Note>,
) -> Result<(u32, u32), Rejection> {
    let own = &choice.own;
    let asked = [("width", wish.width), ("height", wish.height)];
    if let Some(aspect) = wish.aspect {
        return match asked.iter().find(|(_, side)| side.is_some()) {
            None => shaped(aspect, own, bounds),
            Some((name, _)) => {
                Err(Rejection::Conflict { flag: "--ar".to_owned(), with: format!("--{name}") })
            }
        };
    }
    if let (None, None, Some(aspect)) = (wish.width, wish.height, own.aspect)
        && let Ok(size) = shaped(aspect, own, bounds)
    {
        return Ok(size);
    }
    let absurd = |side: u32| side == 0 || side > bounds.max_side.saturating_mul(ABSURD);
    for (name, side) in asked {
        if let Some(side) = side.filter(|side| absurd(*side)) {
            return Err(bad(name, &side.to_string(), bounds));
        }
    }
    let wanted = (wish.width.unwrap_or(own.width.value), wish.height.unwrap_or(own.height.value));
    let given = fit(wanted.0.into(), wanted.1.into(), bounds);
    match (wish.width, wish.height) {
        (None, None) => {}
        (Some(asked), None) => note(notes, "width", &asked.to_string(), &given.0.to_string()),
        (None, Some(asked)) => note(notes, "height", &asked.to_string(), &given.1.to_string()),
        (Some(_), Some(_)) => note(notes, "size", &sides(wanted), &sides(given)),
    }
    Ok(given)
}

fn sides((width, height): (u32, u32)) -> String {
    format!("{width}x{height}")
}

/// Sides of a shape with the area of the model.
fn shaped(
    (across, down): (u32, u32),
    own: &OwnValues,
    bounds: &Ceilings,
) -> Result<(u32, u32), Rejection> {
    let slender = across.max(down) > across.min(down).saturating_mul(SLENDEREST);
    if across == 0 || down == 0 || across.max(down) > LARGEST || slender {
        return Err(bad("ar", &format!("{across}:{down}"), bounds));
    }
    let side = |side: u32| u64::from(side.min(bounds.max_side));
    let area = side(own.width.value).saturating_mul(side(own.height.value));
    let long = |times: u32, by: u32| (area.saturating_mul(times.into()) / u64::from(by)).isqrt();
    Ok(fit(long(across, down), long(down, across), bounds))
}

/// The nearest allowed size: too large ones shrink in proportion, sides become multiples.
fn fit(mut width: u64, mut height: u64, bounds: &Ceilings) -> (u32, u32) {
    let most = u64::from(bounds.max_side);
    let longest = width.max(height).max(1);
    if longest > most {
        (width, height) = (width * most / longest, height * most / longest);
    }
    if width * height > bounds.max_pixels {
        width = (width.saturating_mul(bounds.max_pixels) / height).isqrt();
        height = bounds.max_pixels / width.max(1);
    }
    let step = bounds.side_step.max(1);
    let side = |length: u64, extra: u32| {
        let length = u32::try_from(length).unwrap_or(bounds.max_side).saturating_add(extra);
        (length / step * step).max(bounds.min_side).min(bounds.max_side)
    };
    let near = (side(width, step / 2), side(height, step / 2));
    if u64::from(near.0) * u64::from(near.1) <= bounds.max_pixels {
        return near;
    }
    (side(width, 0), side(height, 0))
}

fn note(notes: &mut Vec<Note>, name: &str, asked: &str, given: &str) {
    if asked != given {
        let (asked, given) = (asked.to_owned(), given.to_owned());
        notes.push(Note::Clamped { flag: format!("--{name}"), asked, given });
    }
}

fn bad(name: &str, value: &str, bounds: &Ceilings) -> Rejection {
    let allowed = Flag::long(name).map(|flag| flag.allowed(bounds));
    Rejection::BadValue {
        flag: format!("--{name}"),
        value: value.to_owned(),
        allowed: allowed.unwrap_or(Allowed::Text),
        nearest: None,
    }
}
