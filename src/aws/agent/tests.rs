//! The agent as it answers, and as it does not.

use s3_warden_standins::agent::{Agent, CONTAINER, Mood, TASK_ARN};
use serde_json::json;

use super::*;

async fn agent_of(stand_in: &Agent) -> EcsAgent {
    EcsAgent::at(EcsAgent::ADDRESS, &stand_in.address()).unwrap()
}

#[tokio::test]
async fn protection_is_set_and_released() {
    let stand_in = Agent::start().await;
    let agent = agent_of(&stand_in).await;
    agent.protect(7).await.unwrap();
    assert!(stand_in.protected());
    agent.release().await.unwrap();
    assert!(!stand_in.protected());
    let calls = stand_in.calls();
    let path = format!("/api/{CONTAINER}/task-protection/v1/state");
    assert!(calls.iter().all(|call| call.path == path), "{calls:?}");
    let asked: Vec<_> = calls.into_iter().map(|call| call.body).collect();
    assert_eq!(
        asked,
        [
            json!({"ProtectionEnabled": true, "ExpiresInMinutes": 7}),
            json!({"ProtectionEnabled": false}),
        ]
    );
}

#[tokio::test]
async fn the_task_is_known_by_its_arn() {
    let stand_in = Agent::start().await;
    let metadata = EcsAgent::at(EcsAgent::METADATA_ADDRESS, &stand_in.metadata()).unwrap();
    assert_eq!(metadata.task_arn().await.unwrap(), TASK_ARN);
    let elsewhere = agent_of(&stand_in).await;
    assert!(elsewhere.task_arn().await.is_err());
}

#[tokio::test]
async fn what_goes_wrong_is_told_by_its_kind() {
    let stand_in = Agent::start().await;
    let agent = agent_of(&stand_in).await;
    for (mood, code, words) in [
        (
            Mood::Failure("DEPLOYMENT_BLOCKED".to_owned()),
            "deployment_blocked",
            "deployment",
        ),
        (
            Mood::Failure("TASK_NOT_VALID".to_owned()),
            "refused",
            "only tasks of an ECS service",
        ),
        (Mood::Failure("MISSING".to_owned()), "refused", "MISSING"),
        (
            Mood::Failure("what anybody may write: a/key.png".to_owned()),
            "refused",
            "no code",
        ),
        (
            Mood::Error(400, "AccessDeniedException".to_owned()),
            "refused",
            "ecs:UpdateTaskProtection",
        ),
        (
            Mood::Error(500, "ServerException".to_owned()),
            "unknown",
            "ServerException",
        ),
        (
            Mood::Error(504, "RequestCanceled".to_owned()),
            "unknown",
            "RequestCanceled",
        ),
        (
            Mood::Says(429, "too many".to_owned()),
            "refused",
            "status 429",
        ),
        (Mood::Says(500, String::new()), "unknown", "status 500"),
        (
            Mood::Says(200, "<html>".to_owned()),
            "unknown",
            "does not answer like",
        ),
        (
            Mood::Says(200, "{}".to_owned()),
            "unknown",
            "does not answer like",
        ),
        (
            Mood::Says(
                200,
                r#"{"protection":{"ProtectionEnabled":false}}"#.to_owned(),
            ),
            "unknown",
            "does not answer like",
        ),
        (
            Mood::Says(200, "x".repeat(LONGEST + 1)),
            "unknown",
            "does not answer like",
        ),
        (Mood::HangsUp, "unknown", "without a word"),
    ] {
        stand_in.feels(mood.clone());
        let error = agent.protect(1).await.unwrap_err();
        assert_eq!(error.code(), code, "{mood:?}: {error}");
        let said = error.to_string();
        assert!(said.contains(words), "{mood:?}: {said}");
        let told_too_much = [CONTAINER, "a/key.png", "it was refused", TASK_ARN];
        assert!(!told_too_much.iter().any(|it| said.contains(it)), "{said}");
    }
    drop(stand_in);
    tokio::task::yield_now().await;
    let error = agent.protect(1).await.unwrap_err();
    assert_eq!(error.code(), "unreachable", "{error}");
}

#[test]
fn an_address_is_http_and_is_not_shown() {
    for (address, host, port, path) in [
        (
            "http://169.254.170.2/api/abc",
            "169.254.170.2",
            80,
            "/api/abc",
        ),
        (
            "http://127.0.0.1:51678/api/abc/",
            "127.0.0.1",
            51_678,
            "/api/abc",
        ),
        (
            " http://[fd00:ec2::23]/api/abc",
            "fd00:ec2::23",
            80,
            "/api/abc",
        ),
    ] {
        let agent = EcsAgent::at(EcsAgent::ADDRESS, address).unwrap();
        assert_eq!((agent.host.as_str(), agent.port), (host, port));
        assert_eq!(agent.path, path);
        assert!(!format!("{agent:?}").contains("abc"), "{agent:?}");
    }
    for wrong in [
        "",
        "169.254.170.2",
        "https://169.254.170.2/api",
        "/api",
        "http://",
    ] {
        let error = EcsAgent::at(EcsAgent::ADDRESS, wrong).unwrap_err();
        assert!(error.to_string().starts_with(EcsAgent::ADDRESS), "{error}");
    }
}
