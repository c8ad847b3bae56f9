//! The service as a task of Amazon ECS: it asks the agent not to be stopped in the middle of a
//! finding, and writes the line that alarms read.

use std::net::Ipv4Addr;
use std::sync::Arc;

use s3_warden::telemetry::vocabulary::{VITALS, VITALS_FIELDS};
use s3_warden_standins::agent::Agent;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::child::Service;
use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Put, clean, passport};
use super::outcome;
use super::until::until;

/// All of it, side by side.
pub(crate) async fn all(client: &Arc<Client>) {
    futures::join!(
        while_a_finding_is_open(client),
        stopped_in_between(client),
        without_the_agent(client),
        switched_off(client),
    );
}

async fn ground(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    ground
        .bucket("guarded", Versions::Enabled, Route::Raw)
        .await;
    ground
}

async fn run(ground: &Ground, agent: &Agent, more: &[(&str, &str)]) -> Service {
    let (address, metadata) = (agent.address(), agent.metadata());
    let mut variables = vec![
        ("ECS_AGENT_URI", address.as_str()),
        ("ECS_CONTAINER_METADATA_URI_V4", metadata.as_str()),
    ];
    variables.extend(more);
    ground.run(&variables).await
}

async fn flagged(ground: &Ground) -> Put {
    let bucket = &ground.buckets[0];
    ground
        .put(bucket, "passport.png", passport(1), Fate::Removed)
        .await
}

fn asked(agent: &Agent) -> Vec<Value> {
    agent.calls().into_iter().map(|call| call.body).collect()
}

fn set() -> Value {
    json!({"ProtectionEnabled": true, "ExpiresInMinutes": 10})
}

fn released() -> Value {
    json!({"ProtectionEnabled": false})
}

async fn while_a_finding_is_open(client: &Arc<Client>) {
    let (ground, agent) = (ground(client).await, Agent::start().await);
    let service = run(&ground, &agent, &[]).await;
    let bucket = &ground.buckets[0];
    let nothing = ground.put(bucket, "clean.png", clean(1), Fate::Left).await;
    ground.settled().await;
    let calls = agent.calls();
    assert!(calls.is_empty(), "for a clean picture: {calls:?}");
    let put = flagged(&ground).await;
    agent.called(1).await;
    outcome::told(&ground, &put).await;
    // The time without work after which it lets go is real: a quarter of a minute.
    until("protection is released", async || {
        (!agent.protected()).then_some(()).ok_or_else(String::new)
    })
    .await;
    assert_eq!(asked(&agent), [set(), released()]);
    let (_, numbers) = service.get("/metrics").await;
    for line in [
        "s3_warden_task_protected 0",
        r#"s3_warden_protection_calls_total{ask="protect",result="ok"} 1"#,
        r#"s3_warden_protection_calls_total{ask="release",result="ok"} 1"#,
    ] {
        assert!(numbers.contains(line), "{line} is missing in {numbers}");
    }
    vitals(&service).await;
    let ended = service.drain().await;
    let said = ended.lines.join("\n");
    assert!(
        !said.contains(s3_warden_standins::agent::CONTAINER),
        "{said}"
    );
    assert_eq!(asked(&agent).len(), 2);
    assert!(ground.has(&nothing).await);
}

/// The line of every minute: its fields and nothing else, each a number at the top level.
async fn vitals(service: &Service) {
    let line = service
        .says("the vitals of the first minute", |line| {
            (line["message"] == VITALS).then(|| line.clone())
        })
        .await;
    let fields = line.as_object().unwrap();
    let around = ["timestamp", "level", "target", "message"];
    let own = fields.iter().filter(|it| !around.contains(&it.0.as_str()));
    let mut names = Vec::new();
    for (name, value) in own {
        assert!(value.is_number(), "{name} in {line}");
        names.push(name.as_str());
    }
    let mut expected = VITALS_FIELDS;
    expected.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, expected);
}

/// As by a deployment that went ahead, or when Spot capacity is taken back.
async fn stopped_in_between(client: &Arc<Client>) {
    let (ground, agent) = (ground(client).await, Agent::start().await);
    let service = run(&ground, &agent, &[]).await;
    let telling = ground.wire.hold("sns:Publish", &ground.topic, 1);
    let put = flagged(&ground).await;
    telling.reached().await;
    agent.called(1).await;
    assert!(agent.protected(), "removed, and nobody was told yet");
    service.signal("TERM").await;
    service.is_ready(503).await;
    assert!(agent.protected(), "it is not let go of while it drains");
    drop(telling);
    let ended = service.end().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.lines.join("\n"));
    assert_eq!(asked(&agent), [set(), released()]);
    ground.settled().await;
    outcome::check(&ground, &[put], &std::collections::BTreeSet::new()).await;
}

/// Nobody listens there.
async fn without_the_agent(client: &Arc<Client>) {
    let ground = ground(client).await;
    // Held and never listened on: the port of an agent that has gone may be another's at once.
    let held = TcpSocket::new_v4().unwrap();
    held.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let at = held.local_addr().unwrap();
    let (address, metadata) = (
        format!("http://{at}/api/task"),
        format!("http://{at}/v4/task"),
    );
    let variables = [
        ("ECS_AGENT_URI", address.as_str()),
        ("ECS_CONTAINER_METADATA_URI_V4", metadata.as_str()),
    ];
    let service = ground.run(&variables).await;
    let put = flagged(&ground).await;
    outcome::told(&ground, &put).await;
    ground.settled().await;
    let ended = service.drain().await;
    let said = ended.lines.iter();
    let said = said.filter(|line| line.contains("task protection could not be set"));
    assert_eq!(said.count(), 1, "{}", ended.lines.join("\n"));
    outcome::check(&ground, &[put], &std::collections::BTreeSet::new()).await;
    drop(held);
}

async fn switched_off(client: &Arc<Client>) {
    let (ground, agent) = (ground(client).await, Agent::start().await);
    let never = [("WARDEN_ECS__PROTECTION_MAX_MINUTES", "0")];
    let service = run(&ground, &agent, &never).await;
    let put = flagged(&ground).await;
    outcome::told(&ground, &put).await;
    service.drain().await;
    assert!(agent.calls().is_empty());
}
