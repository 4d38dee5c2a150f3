//! The commands, in one table: parsing, help, permissions and the reference all come from it.
//! A command only decides; intake commits. None of them touches the queue or the store.
mod about;
mod admin;
mod again;
mod cancel;
mod delete;
mod help;
mod imagine;
mod info;
mod me;
mod models;
mod queue;
mod reference;
mod room;
mod status;
mod styles;
mod workflows;

use super::{
    access::Rights,
    facts::{Facts, Fresh},
    parse::Words,
};
use crate::{job::Job, store::Change};
use inkwire_core::{Admin, Answer, Command, JobId, JobSelector, Outcome, Rejection, Role, Spec};

pub use reference::reference;

/// A command: what people type, and how its words are read.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    /// Other names, for those alone who may use it.
    pub aliases: &'static [&'static str],
    pub usage: &'static str,
    pub summary: &'static str,
    pub role: Role,
    pub examples: &'static [&'static str],
    /// `Ok(None)`: words that it does not take.
    pub parse: fn(Words<'_>) -> Result<Option<Command>, Rejection>,
}

/// In the order in which help lists them.
pub const TABLE: &[Row] = &[
    imagine::ROW,
    cancel::ROW,
    queue::ROW,
    status::ROW,
    info::ROW,
    again::ROW,
    delete::ROW,
    models::ROW,
    workflows::ROW,
    styles::ROW,
    me::ROW,
    help::ROW,
    about::ROW,
    room::show::ROW,
    room::set::ROW,
    room::unset::ROW,
    room::flush::ROW,
    admin::flush::ROW,
    admin::models::ROW,
    admin::pause::PAUSE,
    admin::pause::RESUME,
    admin::engines::ROW,
    admin::unload::ROW,
    admin::reload::ROW,
];

/// What one request leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// Silence is an answer.
    pub outcome: Option<Outcome>,
    pub changes: Vec<Change>,
    pub jobs: Vec<Job>,
    /// Done after the commit.
    pub acts: Vec<Act>,
    /// What is told is about a private job: for the asker's eyes.
    pub private: bool,
    /// Words on the jobs are about to say it in this room: only who waits for the answer gets one.
    pub quiet: bool,
}

/// What is asked of something other than store and queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Frees the memory of the engines of these names.
    Unload(Vec<String>),
    /// Reads the configuration again. Its `Answer` says what came of it, so there is no outcome.
    Reload,
}

impl Act {
    /// The engines to free.
    pub fn engines(self) -> Vec<String> {
        match self {
            Self::Unload(engines) => engines,
            Self::Reload => vec![],
        }
    }
}

impl Decision {
    pub fn say(outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..Self::default() }
    }

    pub fn reject(rejection: Rejection) -> Self {
        Self::say(Outcome::Rejected(rejection))
    }

    fn answer(answer: Answer) -> Self {
        Self::say(Outcome::Answer(answer))
    }

    fn change(answer: Answer, changes: Vec<Change>) -> Self {
        Self { changes, ..Self::answer(answer) }
    }
}

/// What intake loads before a command decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    None,
    Job(JobId),
    /// The person's newest job, open or ended.
    Newest,
    /// The ids of the person's newest jobs.
    NewestIds,
}

pub fn subject(command: &Command) -> Subject {
    match command {
        Command::Cancel(JobSelector::Id(job)) | Command::Status(Some(job)) => {
            Subject::Job(job.clone())
        }
        Command::Info(of) | Command::Delete(of) | Command::Again(Some(of)) => {
            Subject::Job(of.job.clone())
        }
        Command::Status(None) | Command::Again(None) => Subject::Newest,
        Command::Me => Subject::NewestIds,
        _ => Subject::None,
    }
}

/// The table for adapters: what somebody with these rights may use.
pub fn specs(rights: Rights) -> Vec<Spec> {
    TABLE.iter().filter(|row| row.is_for(rights)).map(Row::spec).collect()
}

/// Decides one command; a refusal is a decision like any other.
pub fn decide(facts: &Facts, fresh: &mut Fresh, command: Command) -> Decision {
    let decided = match command {
        Command::Imagine(wish) => imagine::decide(facts, fresh, &wish),
        Command::Cancel(which) => cancel::decide(facts, &which),
        Command::Queue => Ok(queue::decide(facts)),
        Command::Status(_) => status::decide(facts),
        Command::Info(of) => info::decide(facts, &of),
        Command::Again(of) => again::decide(facts, fresh, of.as_ref()),
        Command::Delete(of) => delete::decide(facts, &of),
        Command::Models => Ok(models::decide(facts)),
        Command::Workflows => Ok(workflows::decide(facts)),
        Command::Styles => Ok(styles::decide(facts)),
        Command::Me => Ok(me::decide(facts)),
        Command::Help(topic) => help::decide(facts, topic.as_deref()),
        Command::About => Ok(about::decide(facts)),
        Command::Room(about) => room::decide(facts, &about),
        Command::Admin(_) if !facts.is_admin() => Err(Rejection::NotAllowed),
        Command::Admin(admin) => decide_admin(facts, &admin),
    };
    decided.unwrap_or_else(Decision::reject)
}

fn decide_admin(facts: &Facts, admin: &Admin) -> Result<Decision, Rejection> {
    match admin {
        Admin::Flush { scope, running } => admin::flush::decide(facts, scope, *running),
        Admin::Models => Ok(admin::models::decide(facts)),
        Admin::Pause => Ok(admin::pause::decide(true)),
        Admin::Resume => Ok(admin::pause::decide(false)),
        Admin::Engines => Ok(admin::engines::decide(facts)),
        Admin::Unload(engine) => admin::unload::decide(facts, engine.as_deref()),
        Admin::Reload => Ok(admin::reload::decide()),
    }
}

impl Row {
    pub fn is_for(&self, rights: Rights) -> bool {
        let left = rights.role != Role::RoomOperator || room::is_left(self, rights.room_operators);
        self.role <= rights.role && left
    }

    pub fn is_also(&self, word: &str) -> bool {
        self.aliases.contains(&word)
    }

    pub fn spec(&self) -> Spec {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Spec {
            name: self.name.to_owned(),
            aliases: owned(self.aliases),
            usage: self.usage.to_owned(),
            summary: self.summary.to_owned(),
            role: self.role,
            examples: owned(self.examples),
        }
    }
}

#[cfg(test)]
mod tests;
