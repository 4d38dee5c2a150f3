//! The contract between the service and its protocol adapters.
//! Plain data crosses it, never prose, callbacks or live handles; an adapter sees nothing else of ours.
mod adapter;
mod address;
mod answer;
mod command;
mod envelope;
mod inbox;
mod media;
mod outbox;
mod outcome;
pub mod render;
mod request;
mod surface;
mod tasks;
pub mod trigger;

pub use adapter::{
    Adapter, AdapterError, Capabilities, FetchError, Health, HealthCell, Link, Notes,
};
pub use address::{
    AdapterId, Address, Author, Cursor, DeliveryId, EventKey, JobId, MediaId, Native, PersonId,
    Place, PlaceKind, Powers, SlotId, Trust,
};
pub use answer::{
    About, Answer, EngineHealth, EngineLine, EngineModels, FlagHelp, JobInfo, JobReport, ModelLine,
    Origin, PersonReport, QueueLine, QueueReport, RoomDefault, StyleLine, WorkflowLine,
};
pub use command::{Admin, Command, FlushScope, Imagine, JobRef, JobSelector, Room};
pub use envelope::{Envelope, Parcel, Posted, Receipt, SendError, Stale};
pub use inbox::{Admitted, Batch, Inbox, Refused, Submission};
pub use media::{Linked, Media, Reader, read_all};
pub use outbox::{Follow, Lane, Latest, Outbox, Watch};
pub use outcome::{
    Allowed, Artifact, ArtifactKind, Delivery, Failure, JobStateName, LimitScope, Note, Outcome,
    Recipe, Rejection,
};
pub use request::{Attachment, Body, Heard, Request};
pub use surface::{CatalogueNames, Role, Rules, Spec, Surface};
pub use tasks::{Clock, Tasks, Time, TokioClock};
