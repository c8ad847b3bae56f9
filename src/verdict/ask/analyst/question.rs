//! What a model is asked about an activity, word for word, and how its report is read.
//!
//! The system prompt is a constant. The text before the record is made of constants and of the least
//! level, which code has set; the record follows in its fence (see [`super::record`]).

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::record;
use crate::event::{Activity, ActivityKind};
use crate::model::{ModelReply, ModelRequest, Part};
use crate::verdict::Threat;
use crate::verdict::ask::Form;
use crate::verdict::ask::report::{self, AS_JSON, Flaw, Level, Said, Sheet, Unread, Word};
use crate::verdict::ask::rounds::Question;
use crate::verdict::threat::{Floor, SummaryLanguage};

/// Who the model is and what it is to do.
const SYSTEM: &str = include_str!("../../../../config/prompts/threat.md");

const TOOL: &str = "report_threat";

const TOOL_PURPOSE: &str = "Reports how bad the event is. Call it exactly once.";

/// Changed by hand when the same words are read or cut differently.
const VERSION: &str = "analyst 1";

/// Characters of a rule's name that are told.
const MOST_RULE_CHARS: usize = 64;

/// The longest text that is sent, in bytes; for estimates.
pub(super) const TEXT_BYTES: usize = record::MOST_BYTES + 16 * 1024;

/// The JSON schema of an answer.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": [
            "event_title", "summarize", "threat_level", "s3_bucket", "s3_key", "is_image_upload",
            "media_type", "next_step"
        ],
        "properties": {
            "event_title": text,
            "summarize": text,
            "threat_level": { "type": "string", "enum": ["low", "medium", "high"] },
            "s3_bucket": text,
            "s3_key": text,
            "is_image_upload": { "type": "boolean" },
            "media_type": text,
            "next_step": text
        }
    })
});

static SHEET: LazyLock<Sheet> = LazyLock::new(|| Sheet {
    system: SYSTEM,
    name: TOOL,
    purpose: TOOL_PURPOSE,
    schema: &SCHEMA,
});

/// The [version](report::version) of a judge that asks so.
pub(super) fn hash(language: SummaryLanguage) -> String {
    let levels = [Threat::Low, Threat::Medium, Threat::High, Threat::Critical];
    report::version(&json!([
        VERSION,
        SYSTEM,
        TOOL,
        TOOL_PURPOSE,
        *SCHEMA,
        AS_JSON,
        KINDS.map(|kind| levels.map(|level| introduction(kind, level, "rule", language))),
        Flaw::ALL.map(repair),
    ]))
}

const KINDS: [ActivityKind; 5] = [
    ActivityKind::ApiCall,
    ActivityKind::ConsoleSignIn,
    ActivityKind::ServiceEvent,
    ActivityKind::Finding,
    ActivityKind::MalwareScan,
];

/// An activity to be assessed.
pub(super) struct Assess {
    introduction: String,
    /// The record in its fence.
    record: String,
}

impl Assess {
    /// The question about an activity of which code alone says `floor`.
    pub(super) fn of(activity: &Activity, floor: &Floor, language: SummaryLanguage) -> Self {
        Self {
            introduction: introduction(activity.kind, floor.level, &floor.rule, language),
            record: record::shown(activity.detail.value()),
        }
    }

    /// All texts of the record that are shown.
    pub(super) fn texts(&self) -> String {
        record::texts(&self.record)
    }
}

/// What an answer comes to.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// A report.
    Report {
        /// The model's level.
        level: Threat,
        /// The model's own words, as they came: not for anybody's eyes.
        summarize: String,
    },
    /// It refused.
    Refused,
    /// It was cut.
    Cut,
}

impl Question for Assess {
    type Answer = Reply;

    fn request(
        &self,
        model: &str,
        max_tokens: u32,
        form: Form,
        flaw: Option<Flaw>,
    ) -> ModelRequest {
        let mut text = self.introduction.clone();
        if let Some(flaw) = flaw {
            text.push_str("\n\n");
            text.push_str(&repair(flaw));
        }
        text.push_str("\n\n<record>\n");
        text.push_str(&self.record);
        text.push_str("\n</record>");
        SHEET.request(model, max_tokens, form, vec![Part::Text(text)])
    }

    fn read(&self, reply: &ModelReply, form: Form) -> Result<Reply, Flaw> {
        let reports: Vec<Report> = match SHEET.read(reply, form) {
            Ok(reports) => reports,
            Err(Unread::Cut) => return Ok(Reply::Cut),
            Err(Unread::Refused) => return Ok(Reply::Refused),
            Err(Unread::Flawed(flaw)) => return Err(flaw),
        };
        let [report] = reports.as_slice() else {
            return Err(Flaw::NotOneObject);
        };
        Ok(Reply::Report {
            level: report.threat_level.0.into(),
            summarize: report.summarize.clone(),
        })
    }
}

/// A report as it is written. What it says of bucket, key and next step is code's own to say: a
/// model that was talked into another object must not be able to point anybody there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    #[serde(rename = "event_title")]
    _event_title: Said,
    summarize: String,
    threat_level: Word<Level>,
    #[serde(rename = "s3_bucket")]
    _bucket: Said,
    #[serde(rename = "s3_key")]
    _key: Said,
    #[serde(rename = "is_image_upload")]
    _is_image_upload: bool,
    #[serde(rename = "media_type")]
    _media_type: Said,
    #[serde(rename = "next_step")]
    _next_step: Said,
}

fn introduction(
    kind: ActivityKind,
    level: Threat,
    rule: &str,
    language: SummaryLanguage,
) -> String {
    let what = match kind {
        ActivityKind::ApiCall => "a call to an AWS API, recorded by AWS CloudTrail",
        ActivityKind::ConsoleSignIn => "a sign-in to the console, recorded by AWS CloudTrail",
        ActivityKind::ServiceEvent => {
            "something that an AWS service did, recorded by AWS CloudTrail"
        }
        ActivityKind::Finding => "a finding of Amazon GuardDuty",
        ActivityKind::MalwareScan => "the result of a malware scan by Amazon GuardDuty",
    };
    let language = match language {
        SummaryLanguage::English => "English",
        SummaryLanguage::Korean => "Korean, in polite formal style",
    };
    // The rules may be an operator's own file, so that their names are not all ours.
    let known = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let rule: String = rule.chars().filter(known).take(MOST_RULE_CHARS).collect();
    format!(
        "Assess this event. It is {what}.\nLeast level: {level} (rule {rule}).\nWrite summarize in \
         {language}."
    )
}

fn repair(flaw: Flaw) -> String {
    report::repair(flaw, "Assess the event again")
}
