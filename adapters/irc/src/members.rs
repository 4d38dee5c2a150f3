//! Who may command a room: those whom NAMES and MODE show as its operators, and nobody else.
//! Ordinary members are not kept, so that a room of ten thousand costs little.
use crate::{casemap::Casemap, isupport::Isupport, words::numeric};
use irc::proto::{Command, Message, Prefix};

/// Operators of one room that are remembered; no room has a use for more.
const MAX_OPERATORS: usize = 500;
/// The lowest mode that counts; what a server ranks below it does not.
const OPERATOR: char = 'o';
const NAMES: u16 = 353;
const END_OF_NAMES: u16 = 366;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Operator {
    nick: String,
    /// Those that make somebody an operator: more than one may be held at a time.
    modes: String,
}

type Operators = Vec<Operator>;

#[derive(Debug, Clone)]
struct Room {
    name: String,
    operators: Operators,
    /// What a NAMES that has not ended yet says; it is the truth when it ends.
    named: Option<Operators>,
}

/// The operators of the rooms that we are in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(Vec<Room>);

impl Members {
    /// Whether this nick is an operator of this room, as far as the server has shown.
    pub(crate) fn is_operator(&self, room: &str, nick: &str, casemap: Casemap) -> bool {
        let mut rooms = self.0.iter().filter(|known| casemap.same(&known.name, room));
        rooms.any(|room| room.operators.iter().any(|held| casemap.same(&held.nick, nick)))
    }

    /// These are the rooms that we are in now; what was known about others is forgotten.
    pub(crate) fn keep<'a>(&mut self, rooms: impl Iterator<Item = &'a String>, casemap: Casemap) {
        let mut known = std::mem::take(&mut self.0);
        for name in rooms {
            let at = known.iter().position(|room| casemap.same(&room.name, name));
            let new = || Room { name: name.clone(), operators: vec![], named: None };
            self.0.push(at.map_or_else(new, |at| known.swap_remove(at)));
        }
    }

    /// Takes from a message who became an operator, who is none any more, and who left.
    pub(crate) fn take(&mut self, message: &Message, isupport: &Isupport) {
        let casemap = isupport.casemap;
        if let Some((number, args)) = numeric(message) {
            return self.named(number, args, isupport);
        }
        match (&message.command, &message.prefix) {
            (Command::Raw(verb, args), _) if verb == "MODE" => self.changed(args, isupport),
            // Whoever comes in has no sign yet.
            (
                Command::JOIN(room, ..) | Command::PART(room, _),
                Some(Prefix::Nickname(nick, ..)),
            )
            | (Command::KICK(room, nick, _), _) => self.gone(Some(room), nick, casemap),
            (Command::QUIT(_), Some(Prefix::Nickname(nick, ..))) => self.gone(None, nick, casemap),
            (Command::NICK(new), Some(Prefix::Nickname(nick, ..))) => {
                self.renamed(nick, new, casemap);
            }
            _ => {}
        }
    }

    /// `353 me = #room :@ann +bob cid`, and its end.
    fn named(&mut self, number: u16, args: &[String], isupport: &Isupport) {
        match (number, args) {
            (NAMES, [.., room, names]) => {
                let Some(room) = self.find(room, isupport.casemap) else { return };
                let told = room.named.get_or_insert_default();
                for operator in names.split(' ').filter_map(|name| operator(name, isupport)) {
                    add(told, operator);
                }
            }
            (END_OF_NAMES, [_, room, ..]) => {
                let Some(room) = self.find(room, isupport.casemap) else { return };
                room.operators = room.named.take().unwrap_or_default();
            }
            _ => {}
        }
    }

    /// `#room +ov-k ann bob key`: which letter has which parameter is what the server announced.
    fn changed(&mut self, args: &[String], isupport: &Isupport) {
        let [room, letters, parameters @ ..] = args else { return };
        let Some(room) = self.find(room, isupport.casemap) else { return };
        let (mut set, mut parameters) = (true, parameters.iter());
        for letter in letters.chars() {
            match letter {
                '+' => set = true,
                '-' => set = false,
                _ if isupport.takes_parameter(letter, set) => {
                    let Some(parameter) = parameters.next() else { return };
                    if is_operator_mode(letter, isupport) {
                        room.mode(letter, set, parameter, isupport.casemap);
                    }
                }
                _ => {}
            }
        }
    }

    fn gone(&mut self, room: Option<&str>, nick: &str, casemap: Casemap) {
        let here = |known: &&mut Room| room.is_none_or(|room| casemap.same(&known.name, room));
        for operators in self.0.iter_mut().filter(here).flat_map(Room::lists) {
            operators.retain(|held| !casemap.same(&held.nick, nick));
        }
    }

    fn renamed(&mut self, nick: &str, new: &str, casemap: Casemap) {
        if !casemap.same(nick, new) {
            // Whoever had that nick must have left unseen.
            self.gone(None, new, casemap);
        }
        for held in self.0.iter_mut().flat_map(Room::lists).flatten() {
            if casemap.same(&held.nick, nick) {
                new.clone_into(&mut held.nick);
            }
        }
    }

    fn find(&mut self, name: &str, casemap: Casemap) -> Option<&mut Room> {
        self.0.iter_mut().find(|room| casemap.same(&room.name, name))
    }
}

impl Room {
    /// A change that comes while names are being told is in neither of the two by itself.
    fn lists(&mut self) -> impl Iterator<Item = &mut Operators> {
        std::iter::once(&mut self.operators).chain(self.named.as_mut())
    }

    fn mode(&mut self, mode: char, set: bool, nick: &str, casemap: Casemap) {
        for operators in self.lists() {
            let known = operators.iter_mut().find(|held| casemap.same(&held.nick, nick));
            match known {
                Some(held) => {
                    held.modes.retain(|held| held != mode);
                    held.modes.extend(set.then_some(mode));
                }
                None if set => add(operators, Operator { nick: nick.into(), modes: mode.into() }),
                None => {}
            }
            operators.retain(|held| !held.modes.is_empty());
        }
    }
}

fn add(operators: &mut Operators, operator: Operator) {
    if operators.len() < MAX_OPERATORS {
        operators.push(operator);
    }
}

fn is_operator_mode(mode: char, isupport: &Isupport) -> bool {
    let rank = |wanted| isupport.prefixes.iter().position(|(mode, _)| *mode == wanted);
    rank(mode).is_some_and(|at| rank(OPERATOR).is_some_and(|lowest| at <= lowest))
}

/// `@+ann!user@host`: all signs with multi-prefix, else the highest alone.
fn operator(name: &str, isupport: &Isupport) -> Option<Operator> {
    let mode_of = |sign| isupport.prefixes.iter().find(|(_, known)| *known == sign);
    let end = name.find(|sign| mode_of(sign).is_none())?;
    let (signs, name) = name.split_at_checked(end)?;
    let modes = signs.chars().filter_map(mode_of).map(|(mode, _)| *mode);
    let modes: String = modes.filter(|mode| is_operator_mode(*mode, isupport)).collect();
    let nick = name.split('!').next().filter(|nick| !nick.is_empty())?.to_owned();
    (!modes.is_empty()).then_some(Operator { nick, modes })
}

#[cfg(test)]
mod tests;
