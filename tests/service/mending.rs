//! What operators do with their own credentials about what the service has done: give back what was
//! taken by mistake, and carry out what was held. The service runs beside it, or finishes it.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::process::Command;

use super::client::{Client, given};
use super::ground::{Ground, Route, Versions};
use super::iam;
use super::objects::{Fate, Put, clean, passport};
use super::outcome;
use super::until::until;
use super::wire::Wire;

/// Every story, and what operators have to be allowed for them.
pub(crate) async fn all(client: &Arc<Client>) {
    let (restored, applied, killed) = futures::join!(
        Box::pin(restoring(client)),
        Box::pin(applying(client)),
        Box::pin(restoring_killed(client)),
    );
    let needed = [&restored, &applied, &killed];
    iam::check_operators(&needed.map(|(ground, wire)| (ground, wire)));
}

const BY_QUARANTINE: (&str, &str) = ("WARDEN_POLICY__REMOVAL", "quarantine");

/// A wire of the operators' own.
pub(crate) async fn wire() -> Wire {
    Wire::start(&given("S3_WARDEN_TEST_ENDPOINT")).await
}

/// A command with an operator's environment, not yet started.
pub(crate) fn operator(ground: &Ground, wire: &Wire, arguments: &[&str]) -> Command {
    let url = wire.url();
    let variables = ground.variables(&[
        ("WARDEN_LOG", "warn"),
        ("WARDEN_QUARANTINE__BUCKET", &ground.quarantine),
        ("AWS_ENDPOINT_URL", &url),
        ("USER", "jane"),
    ]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-warden"));
    command.args(arguments).env_clear().envs(variables);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Runs it: its exit code, what it printed, and what it said.
pub(crate) async fn ran(ground: &Ground, wire: &Wire, arguments: &[&str]) -> (i32, Value, String) {
    let ran = operator(ground, wire, arguments).output().await.unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let value = serde_json::from_str(&printed).unwrap_or(Value::Null);
    let code = ran.status.code().unwrap();
    assert!(code != 70, "{arguments:?}: {printed}{said}");
    (code, value, said)
}

async fn restore(ground: &Ground, wire: &Wire, id: &str, more: &[&str]) -> (i32, Value, String) {
    let mut arguments = vec!["restore", id, "--reason", "a sample of nobody", "--json"];
    arguments.extend(more);
    ran(ground, wire, &arguments).await
}

/// What the owner says of each upload.
fn described(bucket: &str, key: &str, variant: u32) -> Value {
    json!({
        "Bucket": bucket, "Key": key, "Body": passport(variant), "ContentType": "image/x-own",
        "Metadata": {"uploaded-by": "the portal"}, "Tagging": "team=blue&note=a%20b",
    })
}

/// The current object under the key of an upload.
async fn current(ground: &Ground, put: &Put) -> Value {
    let which = json!({"Bucket": put.bucket, "Key": put.key});
    ground.client.s3("get_object", which).await
}

/// The findings about a key that a person's decision has settled.
async fn spared(ground: &Ground, put: &Put) -> Vec<Value> {
    let mut findings = ground.findings().await;
    findings.retain(|finding| {
        finding["subject"]["key"] == put.key.as_str()
            && finding["subject"]["bucket"] == put.bucket.as_str()
            && finding["decision"]["rule"] == "allowed"
    });
    findings
}

/// The finding by which an upload was quarantined: under a bare key, what came back is the same.
async fn taken(ground: &Ground, put: &Put) -> Value {
    let findings = ground.findings().await;
    let taken = findings
        .into_iter()
        .find(|finding| put.is_subject_of(finding) && finding["outcome"]["code"] == "quarantined");
    taken.expect("it was quarantined")
}

async fn restoring(client: &Arc<Client>) -> (Ground, Wire) {
    let mut ground = Ground::new(client).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let plain = ground.bucket("plain", Versions::Never, Route::Raw).await;
    let off = ground.bucket("off", Versions::Suspended, Route::Raw).await;
    let (ground, wire) = (ground, wire().await);
    let quarantine = ("WARDEN_QUARANTINE__BUCKET", ground.quarantine.as_str());
    let service = ground.run(&[BY_QUARANTINE, quarantine]).await;
    let mut puts = Vec::new();
    for (variant, bucket) in (1..).zip([&kept, &plain, &off]) {
        for (more, key) in (0..).zip(["a+b c%20.txt", "신분증/여권 1.png", "folder/"]) {
            let with = described(bucket, key, variant * 10 + more);
            puts.push(ground.put_with(with, Fate::Removed).await);
        }
    }
    for put in &puts {
        comes_back(&ground, &wire, put).await;
    }
    let told = ground.announced().await;
    assert_eq!(told.len(), puts.len(), "nobody is told of what came back");

    // Other bytes under a key that has something allowed are judged as ever.
    let other = ground
        .put(&kept, &puts[0].key, passport(99), Fate::Removed)
        .await;
    ground.gone(&other).await;
    // What lies there is left alone, unless it becomes an older version.
    let [first, second] = [&puts[1], &puts[4]];
    for (put, overwritten) in [(first, 0), (second, 2)] {
        let id = outcome::id(&taken(&ground, put).await);
        let new = ground
            .put(&put.bucket, &put.key, clean(7), Fate::Left)
            .await;
        let (code, answer, said) = restore(&ground, &wire, &id, &[]).await;
        assert_eq!((code, &answer["result"]), (2, &"occupied".into()), "{said}");
        let (code, answer, _) = restore(&ground, &wire, &id, &["--overwrite"]).await;
        assert_eq!(code, overwritten, "{answer}");
        assert!(ground.has(&new).await, "{answer}");
    }
    let id = outcome::id(&taken(&ground, &puts[0]).await);
    let (code, story, _) = ran(&ground, &wire, &["explain", &id, "--json"]).await;
    assert_eq!(
        (code, &story["allowance"]["by"]),
        (0, &"jane".into()),
        "{story}"
    );
    assert_eq!(story["allowance"]["why"], "a sample of nobody");
    // What lies there already keeps its copy for a while, and is tagged.
    let (code, answer, _) = restore(&ground, &wire, &id, &["--remove-copy"]).await;
    assert_eq!(
        (code, &answer["copy_removed"], &answer["tagged"]),
        (2, &false.into(), &true.into()),
        "{answer}"
    );
    let (code, _, said) = restore(&ground, &wire, &"0".repeat(32), &[]).await;
    assert!(code == 64 && said.contains("no finding"), "{code}: {said}");
    ground.settled().await;
    service.drain().await;
    outcome::tidy(&ground).await;
    // Of a key, clean verdicts are told as well.
    let (code, _, said) = ran(&ground, &wire, &["explain", &plain, "folder/"]).await;
    assert_eq!(code, 0, "{said}");
    (ground, wire)
}

/// One upload is quarantined, restored as its owner had it, judged again and left alone.
async fn comes_back(ground: &Ground, wire: &Wire, put: &Put) {
    ground.gone(put).await;
    let finding = outcome::told(ground, put).await;
    assert_eq!(finding["outcome"]["code"], "quarantined", "{finding:#}");
    let id = outcome::id(&finding);
    let (code, planned, said) = restore(ground, wire, &id, &["--dry-run"]).await;
    assert_eq!((code, &planned["dry_run"]), (0, &true.into()), "{said}");
    assert!(planned["allowance"].is_null(), "{planned}");
    let (code, answer, said) = restore(ground, wire, &id, &[]).await;
    assert_eq!(
        (code, &answer["result"]),
        (0, &"back".into()),
        "{said}{answer}"
    );
    assert!(
        answer["allowance"]["caller"]
            .as_str()
            .is_some_and(|arn| arn.starts_with("arn:aws:")),
        "{answer}"
    );
    until(&format!("{} is spared", put.key), async || {
        let spared = spared(ground, put).await;
        match spared.first() {
            Some(finding) if finding["state"] == "announced" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let object = current(ground, put).await;
    assert_eq!(object["Body"]["sha256"], finding["subject"]["sha256"]);
    assert_eq!(object["ContentType"], "image/x-own", "{object}");
    assert_eq!(object["Metadata"], json!({"uploaded-by": "the portal"}));
    let version = object["VersionId"].as_str().filter(|id| *id != "null");
    let back = Put {
        version: version.unwrap_or("null").to_owned(),
        ..put.clone()
    };
    // Copied by the name `null`, the emulator forgets tags.
    if put.bucket != ground.buckets[2] {
        let ours = version.map(|_| "s3-warden=allowed");
        let wanted: Vec<_> = ["note=a b"]
            .into_iter()
            .chain(ours)
            .chain(["team=blue"])
            .collect();
        until(&format!("{} has its tags", put.key), async || {
            let tags = ground.tags(&back).await;
            (tags == wanted).then_some(()).ok_or(format!("{tags:?}"))
        })
        .await;
    }
    let (code, answer, _) = restore(ground, wire, &id, &[]).await;
    assert_eq!(
        (code, &answer["result"]),
        (0, &"already_there".into()),
        "{answer}"
    );
}

async fn applying(client: &Arc<Client>) -> (Ground, Wire) {
    let mut ground = Ground::new(client).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let plain = ground.bucket("plain", Versions::Never, Route::Raw).await;
    let (ground, wire) = (ground, wire().await);
    let quarantine = ("WARDEN_QUARANTINE__BUCKET", ground.quarantine.as_str());
    let few = ("WARDEN_LIMITS__DELETIONS_PER_MINUTE", "1");
    let service = ground.run(&[BY_QUARANTINE, quarantine, few]).await;
    let first = ground
        .put(&kept, "first.png", passport(1), Fate::Removed)
        .await;
    ground.gone(&first).await;
    let mut held = Vec::new();
    for (variant, bucket) in (2..).zip([&kept, &plain, &kept]) {
        let key = format!("held {variant}.png");
        let put = ground
            .put(bucket, &key, passport(variant), Fate::Removed)
            .await;
        let finding = outcome::told(&ground, &put).await;
        assert_eq!(finding["outcome"]["code"], "held", "{finding:#}");
        held.push((put, outcome::id(&finding)));
    }
    ground.settled().await;
    service.drain().await;

    let apply = ["breaker", "reset", "--apply-held", "--json"];
    let (code, status, _) = ran(&ground, &wire, &["breaker", "status", "--json"]).await;
    assert_eq!((code, &status["open"]), (2, &true.into()), "{status}");
    let (_, paused, _) = ran(&ground, &wire, &["pause", "--json"]).await;
    assert_eq!(paused["paused"], true);
    let (_, resumed, _) = ran(&ground, &wire, &["resume", "--json"]).await;
    assert_eq!(resumed["paused"], false);
    let listed = [&apply[..], &["--dry-run"]].concat();
    let (code, list, said) = ran(&ground, &wire, &listed).await;
    assert_eq!(
        list["held"].as_array().map(Vec::len),
        Some(3),
        "{code}: {said}"
    );
    let (code, status, _) = ran(&ground, &wire, &["breaker", "status", "--json"]).await;
    assert_eq!(
        (code, &status["open"]),
        (2, &true.into()),
        "a list changes nothing"
    );
    // Closed first, and only one of them.
    let (code, _, _) = ran(&ground, &wire, &["breaker", "reset", "--json"]).await;
    assert_eq!(code, 0);
    let nobody = "0".repeat(32);
    let nobodys = [&apply[..], &["--only", &nobody]].concat();
    let (code, _, said) = ran(&ground, &wire, &nobodys).await;
    assert!(code == 64 && said.contains("not held"), "{said}");
    let one = [&apply[..], &["--only", &held[0].1]].concat();
    let (code, done, said) = ran(&ground, &wire, &one).await;
    assert_eq!(code, 0, "{said}{done}");
    assert_eq!(done["applied"][0]["result"], "quarantined", "{done}");
    assert!(!ground.has(&held[0].0).await && ground.has(&held[1].0).await);

    // Killed with the object in the quarantine and out of its place: the service finishes it.
    let gate = wire.hold("s3:DeleteObject", &format!("*{plain}/*"), 1);
    let mut child = operator(&ground, &wire, &apply).spawn().unwrap();
    gate.reached().await;
    child.kill().await.unwrap();
    drop(gate);
    assert!(!ground.has(&held[1].0).await && ground.has(&held[2].0).await);
    let open = ground.findings().await;
    let open = open.iter().find(|finding| finding["state"] == "intent");
    let open = open.expect("an intent is left").clone();
    assert_eq!(
        (outcome::id(&open), &open["revision"]),
        (held[1].1.clone(), &1.into())
    );
    age(&ground, open).await;
    let fresh = ground.run(&[BY_QUARANTINE, quarantine]).await;
    outcome::told(&ground, &held[1].0).await;
    // And the last of them, beside a service that runs.
    let (code, done, said) = ran(
        &ground,
        &wire,
        &[&apply[..], &["--per-minute", "600"]].concat(),
    )
    .await;
    assert_eq!(code, 0, "{said}{done}");
    assert_eq!(done["applied"].as_array().map(Vec::len), Some(1), "{done}");
    fresh.drain().await;
    let mut puts: Vec<_> = held.into_iter().map(|(put, _)| put).collect();
    puts.push(first);
    outcome::check(&ground, &puts, &Default::default()).await;
    assert_eq!(ground.keys(&ground.quarantine, "").await.len(), 4);
    allowed_only(&ground, &wire, &kept).await;
    (ground, wire)
}

/// What was deleted has left nothing; once it is allowed, its owner can upload it again.
async fn allowed_only(ground: &Ground, wire: &Wire, bucket: &str) {
    let service = ground.run(&[("WARDEN_POLICY__REMOVAL", "delete")]).await;
    let put = ground
        .put(bucket, "deleted.png", passport(50), Fate::Removed)
        .await;
    ground.gone(&put).await;
    let id = outcome::id(&outcome::told(ground, &put).await);
    let (code, _, said) = restore(ground, wire, &id, &[]).await;
    assert!(
        code == 64 && said.contains("--allow-only"),
        "{code}: {said}"
    );
    let (code, answer, _) = restore(ground, wire, &id, &["--allow-only"]).await;
    assert_eq!(
        (code, &answer["result"]),
        (0, &"allowed".into()),
        "{answer}"
    );
    let again = ground
        .put(bucket, "deleted.png", passport(50), Fate::Left)
        .await;
    until("it is spared", async || {
        let spared = spared(ground, &put).await;
        (spared.len() == 1)
            .then_some(())
            .ok_or(format!("{spared:?}"))
    })
    .await;
    ground.settled().await;
    assert!(ground.has(&again).await);
    let (code, answer, said) = ran(ground, wire, &["restore", &id, "--revoke", "--json"]).await;
    let revoked = (code, &answer["result"], answer["allowance"].is_null());
    assert_eq!(revoked, (0, &"revoked".into(), false), "{said}{answer}");
    let judged = ground
        .put(bucket, "deleted.png", passport(50), Fate::Removed)
        .await;
    ground.gone(&judged).await;
    let (code, answer, said) = ran(ground, wire, &["restore", &id, "--revoke", "--json"]).await;
    let nothing = (code, &answer["result"]);
    assert_eq!(nothing, (0, &"not_allowed".into()), "{said}{answer}");
    service.drain().await;
}

/// Makes a finding an hour older: what is young may be in somebody's hands.
async fn age(ground: &Ground, mut finding: Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let judged_at: jiff::Timestamp = text(&finding["times"]["judged_at"]).parse().unwrap();
    let earlier = judged_at - jiff::SignedDuration::from_hours(1);
    finding["times"]["judged_at"] = earlier.to_string().into();
    let date = text(&finding["times"]["happened_at"]);
    let (date, _) = date.split_once('T').unwrap();
    let key = format!("findings/date={date}/{}.json", outcome::id(&finding));
    let older = json!({"Bucket": ground.records, "Key": key, "Body": {"$json": finding}});
    ground.client.s3("put_object", older).await;
}

/// Killed after each of its calls that change something, a second restore finishes; the quarantine
/// keeps versions here.
async fn restoring_killed(client: &Arc<Client>) -> (Ground, Wire) {
    let mut ground = Ground::new(client).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let (ground, wire) = (ground, wire().await);
    ground.version(&ground.quarantine, Versions::Enabled).await;
    let quarantine = ("WARDEN_QUARANTINE__BUCKET", ground.quarantine.as_str());
    let service = ground.run(&[BY_QUARANTINE, quarantine]).await;
    let steps = [
        ("decided", "s3:PutObject", "*/allow/*".to_owned(), "back"),
        (
            "copied",
            "s3:PutObject",
            format!("*{kept}/copied"),
            "already_there",
        ),
        (
            "read",
            "s3:GetObjectVersion",
            format!("*{kept}/read"),
            "already_there",
        ),
        (
            "ended",
            "s3:DeleteObjectVersion",
            format!("*{}/*", ground.quarantine),
            "nothing_kept",
        ),
    ];
    let mut puts = Vec::new();
    for (variant, (key, ..)) in (1..).zip(&steps) {
        puts.push(
            ground
                .put(&kept, key, passport(variant), Fate::Removed)
                .await,
        );
    }
    for put in &puts {
        ground.gone(put).await;
    }
    ground.settled().await;
    service.drain().await;
    for (put, (key, action, resource, after)) in puts.iter().zip(steps) {
        let finding = outcome::told(&ground, put).await;
        let id = outcome::id(&finding);
        let gate = wire.hold(action, &resource, 1);
        let more = ["restore", &id, "--reason", "x", "--remove-copy"];
        let mut child = operator(&ground, &wire, &more).spawn().unwrap();
        gate.reached().await;
        child.kill().await.unwrap();
        drop(gate);
        let (_, answer, said) = restore(&ground, &wire, &id, &["--remove-copy"]).await;
        assert_eq!(answer["result"], after, "{key}: {said}{answer}");
        let object = current(&ground, put).await;
        assert_eq!(
            object["Body"]["sha256"], finding["subject"]["sha256"],
            "{key}"
        );
        let listed = ground.versions(&kept).await;
        let listed = listed.iter().filter(|(_, name, ..)| name == key);
        assert_eq!(listed.count(), 1, "{key}: it is there once");
    }
    // What lay there already keeps its copy for a while: the service might have been about to take it.
    let left = ground.versions(&ground.quarantine).await;
    assert_eq!(left.len(), 2, "{left:?}");
    (ground, wire)
}
