//! What is said in a login travels in base64, in pieces of one length; a shorter one is the last.
//! What was said is not known here.
use crate::line::IrcLine;
use base64::{Engine, engine::general_purpose::STANDARD};
use irc::proto::Command;
use secrecy::zeroize::Zeroizing;

const PIECE: usize = 400;
/// Of base64; no mechanism says as much.
const MAX_SAID: usize = 16 * PIECE;

/// The server's pieces so far.
#[derive(Debug, Default)]
pub(super) struct Pieces(String);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    More,
    Whole(Vec<u8>),
    Broken,
}

impl Pieces {
    pub(super) fn take(&mut self, piece: &str) -> Joined {
        if piece != "+" {
            self.0.push_str(piece);
        }
        if self.0.len() > MAX_SAID {
            self.0.clear();
            return Joined::Broken;
        }
        if piece.len() >= PIECE {
            return Joined::More;
        }
        let whole = STANDARD.decode(std::mem::take(&mut self.0));
        whole.map_or(Joined::Broken, Joined::Whole)
    }
}

/// A last piece that is full is followed by an empty one, which is written `+`.
pub(super) fn lines(said: &[u8]) -> Vec<IrcLine> {
    let text = Zeroizing::new(STANDARD.encode(said));
    let pieces = text.as_bytes().chunks(PIECE).map(String::from_utf8_lossy);
    let empty = text.len().is_multiple_of(PIECE).then(|| "+".into());
    let pieces = pieces.chain(empty).map(|piece| Command::AUTHENTICATE(piece.into_owned()));
    pieces.map(IrcLine::command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_are_joined_until_a_short_one() {
        let full = "A".repeat(PIECE);
        let mut pieces = Pieces::default();
        assert_eq!(pieces.take("+"), Joined::Whole(vec![]));
        assert_eq!(pieces.take(&full), Joined::More);
        assert_eq!(pieces.take("+"), Joined::Whole(vec![0; 300]));
        assert_eq!(pieces.take("QQ=="), Joined::Whole(b"A".to_vec()));
        assert_eq!(pieces.take("Q?=="), Joined::Broken);
    }

    #[test]
    fn a_server_that_never_ends_is_cut_off() {
        let (mut pieces, full) = (Pieces::default(), "A".repeat(PIECE));
        let taken: Vec<_> = (0..17).map(|_| pieces.take(&full)).collect();
        assert_eq!(taken.last(), Some(&Joined::Broken));
        assert!(pieces.0.is_empty());
    }

    fn check(bytes: usize, expected: &[usize]) {
        let lengths: Vec<_> =
            lines(&vec![b'x'; bytes]).iter().map(|line| line.text().len() - 13).collect();
        assert_eq!(lengths, expected, "{bytes}");
    }

    #[test]
    fn a_full_last_piece_is_followed_by_a_plus() {
        check(0, &[1]);
        check(299, &[400, 1]);
        check(300, &[400, 1]);
        check(301, &[400, 4]);
        check(600, &[400, 400, 1]);
    }

    proptest! {
        #[test]
        fn what_is_said_arrives(said in prop::collection::vec(any::<u8>(), 0..3000)) {
            let mut pieces = Pieces::default();
            let mut heard = Joined::More;
            for line in lines(&said) {
                prop_assert_eq!(&heard, &Joined::More);
                heard = pieces.take(line.text().trim_start_matches("AUTHENTICATE "));
            }
            prop_assert_eq!(heard, Joined::Whole(said));
        }
    }
}
