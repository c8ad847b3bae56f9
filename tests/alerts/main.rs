//! What people are told: the text of every kind of alert, the JSON against its schema, and the
//! announcer that carries them, all through the public interface.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod announcer;
mod carrier;
mod finding;
mod golden;
mod property;
mod schema;
