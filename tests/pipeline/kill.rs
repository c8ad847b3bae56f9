//! A process that is killed around any durable step leaves nothing lost and nothing silent.
//!
//! The killed process is this test binary, run again for one test with a crash point in its
//! environment; there the decorator of a port ends it with an abort. What it leaves on the disk is
//! taken up by another process, once with its message delivered again and once without any.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use s3_warden::action::Removal;

use crate::faults::{Effect, Step, When};
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::setup::Setup;

const CRASH_AT: &str = "CRASH_AT";
const CRASH_HOME: &str = "CRASH_HOME";

/// The number of the signal that an abort ends with.
const SIGABRT: i32 = 6;

/// Where the process is killed: the name, the call, the side of it, and what removal means.
type Point = (&'static str, Step, When, Removal);

const POINTS: [Point; 12] = [
    ("before_begin", Step::Begin, When::Before, Removal::Delete),
    ("after_begin", Step::Begin, When::After, Removal::Delete),
    ("before_remove", Step::Remove, When::Before, Removal::Delete),
    ("after_remove", Step::Remove, When::After, Removal::Delete),
    (
        "before_move",
        Step::Quarantine,
        When::Before,
        Removal::Quarantine,
    ),
    (
        "after_move",
        Step::Quarantine,
        When::After,
        Removal::Quarantine,
    ),
    ("before_acted", Step::Acted, When::Before, Removal::Delete),
    ("after_acted", Step::Acted, When::After, Removal::Delete),
    (
        "before_publish",
        Step::Publish,
        When::Before,
        Removal::Delete,
    ),
    ("after_publish", Step::Publish, When::After, Removal::Delete),
    (
        "before_announced",
        Step::Announced,
        When::Before,
        Removal::Delete,
    ),
    (
        "after_announced",
        Step::Announced,
        When::After,
        Removal::Delete,
    ),
];

fn removal(removal: Removal) -> impl FnOnce(&mut Setup) {
    move |setup| setup.policy.removal = Some(removal)
}

/// The process that is killed; in the ordinary run of the tests, nothing.
#[tokio::test(start_paused = true)]
async fn victim() {
    let (Ok(name), Ok(home)) = (std::env::var(CRASH_AT), std::env::var(CRASH_HOME)) else {
        return;
    };
    let point = POINTS.into_iter().find(|point| point.0 == name);
    let (_, step, when, removing) = point.unwrap();
    let home = Path::new(&home);
    let ground = Ground::at(home, removal(removing));
    ground.faults.on(step, when, 1, Effect::Abort);
    let red = ground.put("red.png", &picture(Hue::Red, 0)).await;
    let green = ground.put("green.png", &picture(Hue::Green, 0)).await;
    fs::write(home.join("red.json"), red).unwrap();
    fs::write(home.join("green.json"), green).unwrap();
    ground.start().await.idle().await;
    panic!("it was not killed {name}");
}

fn kill(name: &str, home: &Path) {
    let victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::victim", "--nocapture"])
        .env(CRASH_AT, name)
        .env(CRASH_HOME, home)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&victim.stderr);
    assert_eq!(victim.status.signal(), Some(SIGABRT), "{name}: {said}");
}

/// Another process on what the killed one left.
async fn take_up(home: &Path, removing: Removal, redelivered: bool) -> Ground {
    let ground = Ground::at(home, removal(removing));
    if redelivered {
        for event in ["red.json", "green.json"] {
            let event = fs::read_to_string(home.join(event)).unwrap();
            ground.queue.send(event).await;
        }
    }
    let worker = ground.start().await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    worker.finish().await;
    ground
}

async fn assert_done(ground: &Ground, name: &str, removing: Removal) {
    assert!(!ground.exists("red.png"), "{name}: not removed");
    let finding = ground.the_finding().await;
    assert!(
        ground.told().contains(&finding.id.to_string()),
        "{name}: silent"
    );
    let kept = fs::read(ground.file("green.png")).unwrap();
    assert_eq!(kept, picture(Hue::Green, 0), "{name}");
    let copy = fs::read(ground.quarantine().join(finding.id.to_string()));
    match removing {
        Removal::Delete => assert!(copy.is_err(), "{name}"),
        Removal::Quarantine => assert_eq!(copy.unwrap(), picture(Hue::Red, 0), "{name}"),
    }
}

#[tokio::test(start_paused = true)]
async fn killed_after_each_durable_step() {
    for (name, _, _, removing) in POINTS {
        let home = tempfile::tempdir().unwrap();
        kill(name, home.path());
        let ground = take_up(home.path(), removing, true).await;
        assert_done(&ground, name, removing).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_and_the_message_lost() {
    // Before its intent, a message is the only trace of the work: the queue keeps it.
    let traced = POINTS.into_iter().filter(|point| point.0 != "before_begin");
    for (name, _, _, removing) in traced {
        let home = tempfile::tempdir().unwrap();
        kill(name, home.path());
        let ground = take_up(home.path(), removing, false).await;
        assert_done(&ground, name, removing).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_between_copy_and_removal() {
    for redelivered in [true, false] {
        let home = tempfile::tempdir().unwrap();
        kill("before_move", home.path());
        let pending = fs::read_dir(home.path().join("state/pending")).unwrap();
        let id = pending
            .map(|entry| entry.unwrap().file_name())
            .next()
            .unwrap();
        let copy = home.path().join("quarantine").join(id);
        fs::copy(home.path().join("inbox/red.png"), copy).unwrap();
        let ground = take_up(home.path(), Removal::Quarantine, redelivered).await;
        assert_done(&ground, "between copy and removal", Removal::Quarantine).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_the_intent_nothing_was_done() {
    let home = tempfile::tempdir().unwrap();
    kill("before_begin", home.path());
    let ground = take_up(home.path(), Removal::Delete, false).await;
    assert!(ground.exists("red.png") && ground.findings().await.is_empty());
}
