//! An alert as a finding of Security Hub, in the AWS Security Finding Format (ASFF) 2018-10-08. Pure.
//!
//! - One alert is one finding, under the id of the first finding that it covers: only of that one it
//!   knows the object and the details. How many it covers and their ids are among its product fields.
//!   Imported again under the same id it is updated, so a repeated alert makes no second finding, and
//!   a level that has risen replaces the lower one (`FindingProviderFields`).
//! - What is no finding is not imported: digests, pauses, the breaker, the budget, clean objects.
//! - It belongs to the account of the alerts' topic, where the custom integration is that imports it;
//!   the account that an activity happened in is a product field.
//! - A masked key names no object: then the bucket is the resource, and the masked key a field.
//! - Workflow and notes belong to people: they start as `NEW` and are never touched again by an
//!   import ("Using `BatchImportFindings`", Security Hub User Guide).
//!
//! Findings of GuardDuty that we assessed stand there twice, as GuardDuty's and as ours: ours has our
//! level and next step.

use std::collections::HashMap;

use aws_sdk_securityhub::types::{
    AwsSecurityFinding, FindingProviderFields, FindingProviderSeverity, Partition, Recommendation,
    RecordState, Remediation, Resource, Severity, SeverityLabel, Workflow, WorkflowStatus,
};
use jiff::Timestamp;

use crate::alert::{Alert, AlertKind, KeyStyle};
use crate::verdict::{Category, Threat};

/// The version of the format.
const SCHEMA: &str = "2018-10-08";

const PRODUCT: &str = "s3-warden";

/// Lengths in characters that the format allows (`AwsSecurityFinding`, Security Hub API reference).
const TITLE: usize = 256;
const DESCRIPTION: usize = 1024;
const NAME: usize = 512;
const ADVICE: usize = 512;

/// A product field may have 2048 characters; with all of them that long, a finding still keeps far
/// below the 240 KB that it may have.
const FIELD: usize = 2048;

/// For whom findings are imported, and how.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) keys: KeyStyle,
}

/// The finding of an alert; `None` where it is about no finding.
pub(super) fn finding(
    alert: &Alert,
    issuer: &Issuer,
    now: Timestamp,
) -> Option<AwsSecurityFinding> {
    let id = alert.finding_id.as_deref().filter(|id| !id.is_empty())?;
    if !is_finding(alert.kind) {
        return None;
    }
    let Issuer {
        partition,
        region,
        account,
        ..
    } = issuer;
    let kind = types(alert);
    let label = label(alert.threat_level);
    let original = alert.threat_level.as_str();
    let happened = alert.happened_at.unwrap_or(now).min(now);
    let rule = alert.event.as_ref().map(|event| event.rule.as_str());
    let rule = rule.filter(|rule| !rule.is_empty());
    let generator = format!("{PRODUCT}/{}", rule.unwrap_or(alert.kind.as_str()));
    let provided = FindingProviderFields::builder()
        .severity(
            FindingProviderSeverity::builder()
                .label(label.clone())
                .original(original)
                .build(),
        )
        .set_types(Some(vec![kind.to_owned()]));
    let finding = AwsSecurityFinding::builder()
        .schema_version(SCHEMA)
        .id(line(id, NAME)?)
        .product_arn(format!(
            "arn:{partition}:securityhub:{region}:{account}:product/{account}/default"
        ))
        .product_name(PRODUCT)
        .generator_id(line(&generator, NAME)?)
        .aws_account_id(account)
        .types(kind)
        .first_observed_at(iso(happened))
        .created_at(iso(happened))
        .updated_at(iso(now))
        .severity(Severity::builder().label(label).original(original).build())
        .title(line(&alert.event_title, TITLE).unwrap_or_else(|| generator.clone()))
        .description(line(&alert.summarize, DESCRIPTION).unwrap_or_else(|| generator.clone()))
        .set_remediation(line(&alert.next_step, ADVICE).map(|advice| {
            let advice = Recommendation::builder().text(advice).build();
            Remediation::builder().recommendation(advice).build()
        }))
        .set_product_fields(Some(fields(alert)))
        .resources(resource(alert, issuer))
        .record_state(RecordState::Active)
        .workflow(Workflow::builder().status(WorkflowStatus::New).build())
        .finding_provider_fields(provided.build());
    Some(finding.build())
}

const fn is_finding(kind: AlertKind) -> bool {
    match kind {
        AlertKind::Flagged
        | AlertKind::Blocked
        | AlertKind::Held
        | AlertKind::Undecided
        | AlertKind::Unreadable
        | AlertKind::Threat => true,
        AlertKind::Paused
        | AlertKind::Clean
        | AlertKind::BreakerOpen
        | AlertKind::BudgetSpent
        | AlertKind::Recovered
        | AlertKind::Digest => false,
    }
}

const fn label(level: Threat) -> SeverityLabel {
    match level {
        Threat::Low => SeverityLabel::Low,
        Threat::Medium => SeverityLabel::Medium,
        Threat::High => SeverityLabel::High,
        Threat::Critical => SeverityLabel::Critical,
    }
}

/// Namespace and category of the format's list ("Types taxonomy for ASFF").
fn types(alert: &Alert) -> &'static str {
    if let Some(event) = &alert.event {
        return of_activity(&event.name);
    }
    let categories = &alert.categories;
    if categories.contains(&Category::Credentials) {
        return "Sensitive Data Identifications/Passwords";
    }
    let money = [Category::FinancialCard, Category::BankAccount];
    if !categories.is_empty() && categories.iter().all(|it| money.contains(it)) {
        return "Sensitive Data Identifications/Financial";
    }
    match alert.kind {
        AlertKind::Undecided | AlertKind::Unreadable => "Unusual Behaviors/Data",
        _ => "Sensitive Data Identifications/PII",
    }
}

/// By what the call's name, or the purpose in the name of a GuardDuty finding, says.
fn of_activity(name: &str) -> &'static str {
    const BY_BEGINNING: [(&str, &str); 23] = [
        ("Exfiltration:", "Effects/Data Exfiltration"),
        ("Impact:", "Effects/Data Destruction"),
        ("Policy:", "Effects/Data Exposure"),
        ("CredentialAccess:", "TTPs/Credential Access"),
        ("DefenseEvasion:", "TTPs/Defense Evasion"),
        ("Stealth:", "TTPs/Defense Evasion"),
        ("Discovery:", "TTPs/Discovery"),
        ("Recon:", "TTPs/Discovery"),
        ("Execution:", "TTPs/Execution"),
        ("InitialAccess:", "TTPs/Initial Access"),
        ("UnauthorizedAccess:", "TTPs/Initial Access"),
        ("Persistence:", "TTPs/Persistence"),
        ("PrivilegeEscalation:", "TTPs/Privilege Escalation"),
        ("ConsoleLogin", "TTPs/Initial Access"),
        ("CreateAccessKey", "TTPs/Persistence"),
        ("CreateLoginProfile", "TTPs/Persistence"),
        ("Attach", "TTPs/Privilege Escalation"),
        ("PutUserPolicy", "TTPs/Privilege Escalation"),
        ("PutRolePolicy", "TTPs/Privilege Escalation"),
        ("ScheduleKeyDeletion", "Effects/Data Destruction"),
        ("DeleteObject", "Effects/Data Destruction"),
        ("GetObject", "Effects/Data Exfiltration"),
        ("AuthorizeSecurityGroup", "Effects/Data Exposure"),
    ];
    const BY_PART: [(&str, &str); 8] = [
        ("Acl", "Effects/Data Exposure"),
        ("PublicAccessBlock", "Effects/Data Exposure"),
        ("BucketPolicy", "Effects/Data Exposure"),
        ("Trail", "TTPs/Defense Evasion"),
        ("Logging", "TTPs/Defense Evasion"),
        ("Detector", "TTPs/Defense Evasion"),
        ("Versioning", "TTPs/Defense Evasion"),
        ("Encryption", "TTPs/Defense Evasion"),
    ];
    let begins = BY_BEGINNING.iter().find(|(word, _)| name.starts_with(word));
    let holds = || BY_PART.iter().find(|(word, _)| name.contains(word));
    begins
        .or_else(holds)
        .map_or("Unusual Behaviors/User", |(_, kind)| *kind)
}

fn resource(alert: &Alert, issuer: &Issuer) -> Resource {
    let arn = |path: &str| format!("arn:{}:s3:::{path}", issuer.partition);
    let key = alert.s3_key.as_deref();
    let key = key.filter(|_| issuer.keys == KeyStyle::Full);
    let (kind, id) = match (alert.s3_bucket.as_deref(), key) {
        (Some(bucket), Some(key)) => ("AwsS3Object", arn(&format!("{bucket}/{key}"))),
        (Some(bucket), None) => ("AwsS3Bucket", arn(bucket)),
        (None, _) => ("AwsAccount", format!("AWS::::Account:{}", issuer.account)),
    };
    Resource::builder()
        .r#type(kind)
        .id(id)
        .partition(Partition::from(issuer.partition.as_str()))
        .region(&issuer.region)
        .build()
}

/// What the format has no place for, under names of our own.
fn fields(alert: &Alert) -> HashMap<String, String> {
    let categories: Vec<_> = alert.categories.iter().map(|it| it.as_str()).collect();
    let event = alert.event.as_ref();
    let fields = [
        ("kind", Some(alert.kind.as_str().to_owned())),
        ("count", Some(alert.count.to_string())),
        ("finding_ids", Some(alert.finding_ids.join(" "))),
        ("bucket", alert.s3_bucket.clone()),
        ("key", alert.s3_key.clone()),
        ("verdict", alert.verdict.clone()),
        ("categories", Some(categories.join(" "))),
        ("exposure", alert.exposure.map(|it| it.as_str().to_owned())),
        ("action", alert.action.map(|it| it.as_str().to_owned())),
        ("outcome", alert.outcome.clone()),
        ("reason", alert.reason.clone()),
        ("uploader", alert.uploader.clone()),
        ("uploader_ip", alert.uploader_ip.clone()),
        ("event_source", event.map(|event| event.source.clone())),
        ("event_name", event.map(|event| event.name.clone())),
        (
            "event_account",
            event.and_then(|event| event.account.clone()),
        ),
        ("event_region", event.and_then(|event| event.region.clone())),
        ("actor", event.and_then(|event| event.actor.clone())),
        ("actor_ip", event.and_then(|event| event.ip.clone())),
    ];
    fields
        .into_iter()
        .filter_map(|(name, text)| Some((format!("{PRODUCT}/{name}"), line(&text?, FIELD)?)))
        .collect()
}

/// One line of at most so many characters; `None` where nothing is left of it.
fn line(text: &str, most: usize) -> Option<String> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.trim().chars().map(plain).take(most).collect();
    if line.chars().count() < text.trim().chars().count() {
        line.pop();
        line.push('…');
    }
    (!line.trim().is_empty()).then_some(line)
}

/// A time as the format takes it, in whole milliseconds.
fn iso(time: Timestamp) -> String {
    Timestamp::from_millisecond(time.as_millisecond())
        .map_or_else(|_| time.to_string(), |whole| format!("{whole:.3}"))
}

#[cfg(test)]
mod tests;
