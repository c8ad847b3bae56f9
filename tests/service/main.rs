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
mod dead_letters;
mod deployed;
mod doctor;
mod events;
mod faults;
mod ground;
mod iam;
mod kills;
mod marking;
mod mending;
mod modes;
mod objects;
mod operators;
mod outcome;
mod poison;
mod protected;
mod races;
mod scripts;
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
async fn the_doctor_finds_what_is_there_and_what_is_not() {
    doctor::all(&Client::start()).await;
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
async fn a_task_of_ecs_is_protected_while_a_finding_is_open() {
    Box::pin(protected::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_have_the_last_word() {
    Box::pin(operators::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_parked_is_seen_and_sent_back_once_mended() {
    Box::pin(dead_letters::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_comes_back_and_what_was_held_is_done() {
    Box::pin(mending::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_at_the_start_is_said_with_its_remedy() {
    starts::all(&Client::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_later_pauses_and_loses_nothing() {
    Box::pin(faults::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_templates_make_is_all_that_the_service_needs() {
    Box::pin(deployed::all(&Client::start())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lay_there_before_is_marked_whatever_its_key() {
    marking::all(&Client::start()).await;
}
