//! Findings into AWS Security Hub.
//!
//! One call for each alert, with one finding in it: the announcer has merged what belongs together,
//! and ten alerts a second, the most there are, are what the service takes (`BatchImportFindings`,
//! Security Hub API reference). A batch would only mix the failures of several.

use std::sync::Arc;

use async_trait::async_trait;

use super::asff::{Issuer, finding};
use super::{entry_failed, sorted};
use crate::alert::{Alert, KeyStyle, Notifier, NotifyError, PublicationId, TopicArn};
use crate::aws::Clients;
use crate::aws::fault::{Fault, Told};
use crate::clock::Clock;

const CALL: &str = "securityhub:BatchImportFindings";

/// Security Hub of the account and region of the alerts' topic.
#[derive(Debug)]
pub struct SecurityHub {
    client: aws_sdk_securityhub::Client,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
}

impl SecurityHub {
    /// Nothing is called yet. `topic` says in which account and region; `keys` how alerts show keys.
    pub fn new(clients: &Clients, topic: &TopicArn, keys: KeyStyle, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: clients.security_hub.clone(),
            issuer: Issuer {
                partition: topic.partition().to_owned(),
                region: topic.region().to_owned(),
                account: topic.account().to_owned(),
                keys,
            },
            clock,
        }
    }
}

#[async_trait]
impl Notifier for SecurityHub {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let Some(finding) = finding(alert, &self.issuer, self.clock.now()) else {
            return Ok(PublicationId("no finding".to_owned()));
        };
        let id = finding.id().unwrap_or_default().to_owned();
        let call = self.client.batch_import_findings().findings(finding);
        let answer = call.send().await.map_err(|error| {
            let fault = Fault::of(CALL, &error, Told::Code);
            sorted(
                &fault,
                "; turn Security Hub on in this account and region, and grant this action to our \
                 role (deploy/iam/securityhub.json), or switch `alerts.security_hub` off",
            )
        })?;
        // A call that succeeds may have taken nothing.
        match answer.failed_findings() {
            [] if answer.failed_count().unwrap_or_default() == 0 => Ok(PublicationId(id)),
            failed => {
                let code = failed.first().and_then(|it| it.error_code());
                Err(entry_failed(CALL, code))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::{AlertKind, Language};
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sns::message::tests::alert;
    use crate::clock::SystemClock;
    use crate::verdict::Threat;

    async fn hub(answers: Vec<Answer>) -> (Scripted, SecurityHub) {
        let service = Scripted::start(answers).await;
        let clients = service.clients().await;
        let topic = "arn:aws:sns:us-east-1:123456789012:alerts".parse().unwrap();
        let clock = Arc::new(SystemClock);
        let hub = SecurityHub::new(&clients, &topic, KeyStyle::Full, clock);
        (service, hub)
    }

    fn flagged() -> Alert {
        Alert {
            finding_id: Some("f1".to_owned()),
            ..alert()
        }
    }

    fn answer(failed: u32, code: &str) -> Answer {
        let failures = (failed > 0)
            .then(|| json!({"Id": "f1", "ErrorCode": code, "ErrorMessage": "about jane doe.png"}));
        let body = json!({
            "FailedCount": failed,
            "SuccessCount": 1 - failed,
            "FailedFindings": failures.into_iter().collect::<Vec<_>>(),
        });
        Answer::new(200, body.to_string())
    }

    fn refused(status: u16, code: &str) -> Answer {
        Answer::new(status, json!({"Message": "no"}).to_string()).header("x-amzn-errortype", code)
    }

    #[tokio::test]
    async fn a_finding_is_imported_under_its_own_id() {
        let (service, hub) = hub(vec![answer(0, "")]).await;
        let id = hub.publish(&flagged()).await.unwrap();
        assert_eq!(id.0, "f1");
        let asked = service.asked();
        assert_eq!(asked[0].path, "/findings/import");
        let findings = asked[0].json();
        assert_eq!(findings["Findings"].as_array().unwrap().len(), 1);
        assert_eq!(findings["Findings"][0]["Id"], "f1");
    }

    #[tokio::test]
    async fn what_is_no_finding_asks_nothing() {
        let (service, hub) = hub(vec![]).await;
        let paused = Alert::blank(AlertKind::Paused, Threat::High, Language::En);
        hub.publish(&paused).await.unwrap();
        assert!(service.asked().is_empty());
    }

    #[tokio::test]
    async fn failures_are_failures_also_in_an_answer_of_success() {
        let check = async |answer: Answer, passes: bool, says: &str| {
            let (_service, hub) = hub(vec![answer]).await;
            let error = hub.publish(&flagged()).await.unwrap_err();
            let passing = matches!(error, NotifyError::Unavailable(_));
            assert_eq!(passing, passes, "{error}");
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.to_string().contains("jane"), "{error}");
        };
        check(answer(1, "InvalidInput"), false, "InvalidInput").await;
        check(answer(1, "InternalError"), true, "InternalError").await;
        check(
            refused(401, "InvalidAccessException"),
            false,
            "turn Security Hub on",
        )
        .await;
        check(
            refused(403, "AccessDeniedException"),
            false,
            "securityhub.json",
        )
        .await;
        check(
            refused(429, "LimitExceededException"),
            true,
            "LimitExceeded",
        )
        .await;
        check(refused(500, "InternalException"), true, "InternalException").await;
    }
}
