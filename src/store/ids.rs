//! Short random job ids that can be read aloud and typed on a phone.
//! Whether one is taken is the store's to know.
use inkwire_core::JobId;
use rand::Rng;

/// Without i, l, o and u: nothing here is taken for something else.
const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Draws until `take` accepts; `used` ids were given so far.
pub(super) fn draw<E>(
    used: u64,
    mut take: impl FnMut(&JobId) -> Result<bool, E>,
) -> Result<JobId, E> {
    loop {
        let id = random(length(used));
        if take(&id)? {
            return Ok(id);
        }
    }
}

/// One symbol more when an eighth of the space is used: a draw rarely hits a taken id.
fn length(used: u64) -> usize {
    let mut space = 32u64.pow(3);
    for length in 3..13 {
        if used < space / 8 {
            return length;
        }
        space = space.saturating_mul(32);
    }
    13
}

fn random(length: usize) -> JobId {
    let mut rng = rand::rng();
    let symbols = (0..length).filter_map(|_| SYMBOLS.get(rng.random_range(0..SYMBOLS.len())));
    JobId(symbols.map(|symbol| char::from(*symbol)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_when_an_eighth_is_used() {
        let check = |used, expected| assert_eq!(length(used), expected, "{used}");
        check(0, 3);
        check(4_095, 3);
        check(4_096, 4);
        check(131_071, 4);
        check(131_072, 5);
        check(u64::MAX, 13);
    }

    #[test]
    fn no_symbol_can_be_mistaken() {
        for _ in 0..200 {
            let id = random(9);
            assert!(id.0.len() == 9 && !id.0.contains(['i', 'l', 'o', 'u']), "{id}");
        }
    }
}
