//! A process that is killed around any durable step of an event leaves nothing lost and nothing
//! silent; see `kill` for how.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::events::trail_stopped;
use crate::faults::{Effect, Step, When};
use crate::ground::Ground;

const CRASH_AT: &str = "CRASH_EVENT_AT";
const CRASH_HOME: &str = "CRASH_EVENT_HOME";

/// The number of the signal that an abort ends with.
const SIGABRT: i32 = 6;

const STEPS: [Step; 4] = [Step::Begin, Step::Acted, Step::Publish, Step::Announced];
const SIDES: [When; 2] = [When::Before, When::After];

fn ground(home: &Path) -> Ground {
    Ground::at(home, |setup| setup.events_apart = true)
}

/// The process that is killed; in the ordinary run of the tests, nothing.
#[tokio::test(start_paused = true)]
async fn victim() {
    let (Ok(at), Ok(home)) = (std::env::var(CRASH_AT), std::env::var(CRASH_HOME)) else {
        return;
    };
    let points = STEPS
        .into_iter()
        .flat_map(|step| SIDES.map(|side| (step, side)));
    let (step, side) = points.into_iter().nth(at.parse().unwrap()).unwrap();
    let ground = ground(Path::new(&home));
    ground.faults.on(step, side, 1, Effect::Abort);
    ground.tell(&trail_stopped("e-1")).await;
    ground.start().await.idle().await;
    panic!("it was not killed at {step:?} {side:?}");
}

#[tokio::test(start_paused = true)]
async fn killed_around_each_durable_step() {
    for at in 0..STEPS.len() * SIDES.len() {
        for redelivered in [true, false] {
            // Before its intent, a message is the only trace of the work: the queue keeps it.
            if at == 0 && !redelivered {
                continue;
            }
            let home = tempfile::tempdir().unwrap();
            let victim = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "assess_kill::victim", "--nocapture"])
                .env(CRASH_AT, at.to_string())
                .env(CRASH_HOME, home.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&victim.stderr);
            assert_eq!(victim.status.signal(), Some(SIGABRT), "{at}: {said}");

            let ground = ground(home.path());
            if redelivered {
                ground.tell(&trail_stopped("e-1")).await;
            }
            let worker = ground.start().await;
            tokio::time::sleep(Duration::from_secs(90)).await;
            worker.finish().await;
            let finding = ground.the_finding().await;
            let told = ground.told();
            assert!(told.contains(&finding.id.to_string()), "{at}: silent");
            assert!(told.len() <= 2, "{at}: {told:?}");
        }
    }
}
