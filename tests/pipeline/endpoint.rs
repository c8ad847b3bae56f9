//! What the ops endpoint says of a worker at work, over loopback.
//!
//! Requests are made from threads that the paused clock waits for, so that it does not run on while
//! a socket is waited for.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::ops::{self, CheckError, Metrics, Ops, names};
use s3_warden::record::{Halt, Switches};
use s3_warden::worker::Vitals;
use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::detector::Turn;
use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::running::Running;
use crate::watcher::Seen;

struct Endpoint {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinSet<()>,
}

impl Endpoint {
    async fn of(vitals: &Vitals, metrics: &Arc<Metrics>) -> Self {
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let ops = Ops::bind(anywhere, vitals.clone(), Arc::clone(metrics))
            .await
            .unwrap();
        let (address, stop) = (ops.address(), CancellationToken::new());
        let mut serving = JoinSet::new();
        serving.spawn(ops.serve(stop.clone()));
        Self {
            address,
            stop,
            serving,
        }
    }

    async fn beside(worker: &Running) -> Self {
        Self::of(&worker.vitals, &worker.seen.metrics).await
    }

    /// The status and the body.
    async fn get(&self, path: &'static str) -> (u16, String) {
        let address = self.address;
        let asked = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = asked.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    async fn json(&self, path: &'static str) -> (u16, Value) {
        let (status, body) = self.get(path).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn numbers(&self) -> BTreeMap<String, f64> {
        let (status, body) = self.get("/metrics").await;
        assert_eq!(status, 200);
        let lines = body
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let number = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        lines.map(number).collect()
    }

    /// As the command asks.
    async fn check(&self) -> Result<String, CheckError> {
        let address = self.address;
        let asked = spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(ops::check(address))
        });
        asked.await.unwrap()
    }

    async fn close(mut self) {
        self.stop.cancel();
        self.serving.join_next().await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_a_worker_at_work() {
    let ground = Ground::new(|_| {});
    for (key, hue) in [
        ("jane-doe.png", Hue::Red),
        ("b.png", Hue::Blue),
        ("g.png", Hue::Green),
    ] {
        ground.put(key, &picture(hue, 0)).await;
    }
    ground.queue.send("no JSON").await;
    sleep(Duration::from_secs(40)).await;
    let worker = ground.start().await;
    let endpoint = Endpoint::beside(&worker).await;
    worker.idle().await;
    let numbers = endpoint.numbers().await;
    for (line, wanted) in [
        ("s3_warden_messages_received_total", 4.0),
        (
            r#"s3_warden_messages_settled_total{outcome="acknowledged",code="ok"}"#,
            3.0,
        ),
        (
            r#"s3_warden_messages_settled_total{outcome="parked",code="not_json"}"#,
            1.0,
        ),
        (r#"s3_warden_verdicts_total{verdict="flagged"}"#, 2.0),
        (r#"s3_warden_verdicts_total{verdict="clean"}"#, 1.0),
        (
            r#"s3_warden_actions_total{action="delete",outcome="deleted"}"#,
            1.0,
        ),
        ("s3_warden_queue_lag_seconds_count", 4.0),
        (r#"s3_warden_queue_lag_seconds_bucket{le="30"}"#, 0.0),
        (r#"s3_warden_queue_lag_seconds_bucket{le="60"}"#, 4.0),
        ("s3_warden_upload_to_verdict_seconds_count", 3.0),
        ("s3_warden_upload_to_removal_seconds_count", 1.0),
        ("s3_warden_messages_in_hand", 0.0),
        ("s3_warden_open_findings", 0.0),
        ("s3_warden_breaker_open", 0.0),
        ("s3_warden_paused", 0.0),
    ] {
        assert_eq!(numbers.get(line), Some(&wanted), "{line} in {numbers:#?}");
    }
    let (_, text) = endpoint.get("/metrics").await;
    for secret in ["jane", "doe", "inbox"] {
        assert!(!text.contains(secret), "{secret} is a label: {text}");
    }
    for line in numbers.keys() {
        let known = names::ALL
            .iter()
            .any(|metric| line.starts_with(metric.name));
        assert!(known, "{line} is not listed");
    }
    endpoint.close().await;
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_is_unhealthy_until_it_comes_back() {
    let ground = Ground::new(|_| {});
    let worker = ground.start().await;
    let endpoint = Endpoint::beside(&worker).await;
    sleep(Duration::from_secs(600)).await;
    let (status, health) = endpoint.json("/healthz").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    assert_eq!(
        (&health["wait"], &health["in_hand"]),
        (&json!("poll"), &json!(0))
    );
    assert!(endpoint.check().await.is_ok());

    let gate = ground.faults.hold(Step::Receive);
    gate.reached_by(1).await;
    sleep(Duration::from_secs(200)).await;
    let (status, health) = endpoint.json("/healthz").await;
    assert_eq!((status, &health["status"]), (503, &json!("unhealthy")));
    assert!(
        health["why"][0]
            .as_str()
            .unwrap()
            .contains("no sign of life")
    );
    assert!(health["waiting_seconds"].as_u64().unwrap() >= 199);
    let unhealthy = endpoint.check().await.unwrap_err();
    assert!(matches!(unhealthy, CheckError::Unhealthy(_)), "{unhealthy}");
    assert_eq!(endpoint.json("/readyz").await.0, 503);
    assert_eq!(endpoint.numbers().await["s3_warden_stuck"], 1.0);

    gate.open();
    ground.faults.mend(Step::Receive);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(endpoint.json("/healthz").await.0, 200);
    endpoint.close().await;
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn work_older_than_its_longest_lease_is_unhealthy() {
    let ground = Ground::new(|setup| setup.sweep_after = Duration::from_secs(86_400));
    let gate = ground.faults.hold(Step::Remove);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    let endpoint = Endpoint::beside(&worker).await;
    gate.reached_by(1).await;
    sleep(Duration::from_secs(1800)).await;
    let (status, health) = endpoint.json("/healthz").await;
    assert_eq!((status, &health["in_hand"]), (200, &json!(1)));
    sleep(Duration::from_secs(70)).await;
    let (status, health) = endpoint.json("/healthz").await;
    assert_eq!(status, 503, "{health}");
    assert!(health["why"][0].as_str().unwrap().contains("longest lease"));
    assert!(health["oldest_seconds"].as_u64().unwrap() >= 1860);
    gate.open();
    endpoint.close().await;
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn ready_is_who_takes_work_or_waits_because_it_was_told_to() {
    let ground = Ground::new(|_| {});
    let fresh = Endpoint::of(&Vitals::new(), &metrics()).await;
    let (status, ready) = fresh.json("/readyz").await;
    assert_eq!(
        (status, &ready["reasons"]),
        (503, &json!(["not started yet"]))
    );
    assert_eq!(fresh.json("/healthz").await.0, 200);
    fresh.close().await;

    let worker = ground.start().await;
    let endpoint = Endpoint::beside(&worker).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(endpoint.json("/readyz").await.0, 200);

    let switches = ground.switches().await;
    let halt = Halt {
        since: Timestamp::UNIX_EPOCH,
        by: "ops".to_owned(),
        reason: None,
    };
    switches.set_halt(Some(halt)).await.unwrap();
    worker.until(Seen::Halted(true), 1).await;
    sleep(Duration::from_secs(10)).await;
    let (status, ready) = endpoint.json("/readyz").await;
    assert_eq!((status, &ready["halted"]), (200, &json!(true)));
    assert_eq!(ready["wait"], "halted");
    switches.set_halt(None).await.unwrap();

    ground.judge.always(Turn::Unusable);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.until(Seen::Paused, 1).await;
    let (status, ready) = endpoint.json("/readyz").await;
    assert_eq!(
        (status, &ready["reasons"]),
        (503, &json!(["paused by a fault"]))
    );
    assert_eq!(endpoint.json("/healthz").await.0, 200);
    ground.judge.always(Turn::Answer);
    worker.until(Seen::GoesOn, 1).await;
    assert_eq!(endpoint.json("/readyz").await.0, 200);

    worker.idle().await;
    let vitals = worker.vitals.clone();
    worker.stop().await;
    assert!(vitals.snapshot().draining);
    let (status, ready) = endpoint.json("/readyz").await;
    assert_eq!((status, &ready["reasons"]), (503, &json!(["stopping"])));
    assert_eq!(endpoint.get("/").await.0, 404);
    endpoint.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_taken_is_said_by_its_setting() {
    let taken = Endpoint::of(&Vitals::new(), &metrics()).await;
    let again = Ops::bind(taken.address, Vitals::new(), metrics()).await;
    let said = again.unwrap_err().to_string();
    assert!(
        said.starts_with("ops.listen: ") && said.contains("choose another"),
        "{said}"
    );
    let address = taken.address;
    taken.close().await;
    let nobody = Endpoint {
        address,
        stop: CancellationToken::new(),
        serving: JoinSet::new(),
    };
    let error = nobody.check().await.unwrap_err();
    assert!(matches!(error, CheckError::NoAnswer(_)), "{error}");
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Arc::new(s3_warden::clock::SystemClock)))
}
