//! Exit codes, after `sysexits.h` where it has one.

/// Everything was done.
pub const DONE: u8 = 0;

/// `analyze`: personal data was found.
pub const FLAGGED: u8 = 1;

/// `healthcheck`: the service is unhealthy, or does not answer.
pub const UNHEALTHY: u8 = 1;

/// `doctor`: something is in the way of the service.
pub const PROBLEMS: u8 = 1;

/// `analyze`: nothing was flagged, and something could not be decided, read or found.
pub const UNSURE: u8 = 2;

/// Wrong usage or configuration (`EX_USAGE`).
pub const USAGE: u8 = 64;

/// A needed service is unreachable at the start (`EX_UNAVAILABLE`).
pub const UNAVAILABLE: u8 = 69;

/// A bug of ours (`EX_SOFTWARE`).
pub const BUG: u8 = 70;

/// Stopped before everything that had begun was finished (`EX_TEMPFAIL`).
pub const DRAINED_LATE: u8 = 75;
