//! The rule and its keeper.

mod keeping;
mod rows;
