//! Adapters for one machine: a folder as the bucket, a queue in this process, records in files,
//! alerts on the terminal, text and faces read by this processor.
//!
//! Not mocks: `watch` does its real work on them, and they pass the same contract suites as the
//! adapters for AWS.

mod allowances;
#[cfg(feature = "local-detector")]
mod detector;
mod digests;
mod durable;
mod folder;
mod ledger;
mod notifier;
#[cfg(feature = "local-detector")]
pub mod ocr;
mod queue;
mod settings;
mod shared;
mod source;
mod switches;
mod turns;

pub use allowances::FileAllowances;
#[cfg(feature = "local-detector")]
pub use detector::LocalDetector;
pub use digests::FileDigests;
pub use folder::{FolderError, FolderStore, Recovered, Stranded};
pub use ledger::{FileLedger, FileRecords};
pub use notifier::{AlertSink, TerminalNotifier};
pub use queue::{DeadLetter, MemoryQueue, QueueOptions, QueueStats};
pub use settings::{LocalSettings, NothingFound, RawLocal};
pub use source::{FolderSource, Progress, notification};
pub use switches::FileSwitches;
pub use turns::MemoryTurns;

/// What is said of a step of ours that panicked: its payload may quote anything.
const PANICKED: &str = "a step of it panicked: please report this with the place in the log";
