//! The service as its operators meet it: `s3-warden run` as a child process, over an emulator of AWS
//! and a stand-in for Bedrock, with a client in another language on the other side.
//!
//! `tests/emulator.sh -- cargo test --test service` runs it. Every test has ground of its own
//! ([`ground`]), so they run side by side, and each goes through several scenarios at once: most of
//! their time is waiting.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do; clippy only excuses the tests themselves"
)]

mod child;
mod client;
mod events;
mod faults;
mod ground;
mod iam;
mod kills;
mod modes;
mod objects;
mod operators;
mod outcome;
mod poison;
mod races;
mod starts;
mod stops;
mod until;
mod uploads;
mod wire;

use client::Client;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_in_is_judged_and_exactly_that_is_removed() {
    let client = Client::start();
    let grounds = futures::join!(
        uploads::every_way_in(&client),
        races::while_it_is_judged(&client),
        modes::observing(&client),
        modes::moving_to_quarantine(&client),
        modes::copying_in_vain(&client),
        poison::whatever_is_sent(&client),
        Box::pin(events::all(&client)),
    );
    let (uploads, races, observing, quarantine, in_vain, poison, events) = grounds;
    iam::check(&[
        uploads, races, observing, quarantine, in_vain, poison, events,
    ]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_is_replaced_and_nothing_is_lost() {
    Box::pin(kills::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_loses_nothing() {
    Box::pin(stops::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_have_the_last_word() {
    Box::pin(operators::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_at_the_start_is_said_with_its_remedy() {
    starts::all(&Client::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_later_pauses_and_loses_nothing() {
    Box::pin(faults::all(&Client::start())).await;
}
