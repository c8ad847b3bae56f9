//! What people are told: the text of every kind of alert, the JSON against its schema, and the
//! announcer that carries them, all through the public interface.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod again;
mod alone;
mod announcer;
mod carrier;
mod chat;
mod digests;
mod finding;
mod golden;
mod gone;
mod hostile;
mod merge;
mod property;
mod schema;
mod storm;
