//! Who called, as a CloudTrail record says: only what AWS itself has filled in.
//!
//! Field names are those of "CloudTrail userIdentity element" (AWS CloudTrail User Guide). Names
//! that a caller chooses (user names, names of sessions) are left out on purpose: they prove nothing.

use super::fields::Fields;
use super::{Activity, ActivityKind};

/// Who called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Principal<'a> {
    /// `type`: `AssumedRole`, `IAMUser`, `Root`, `AWSService`, ...
    pub kind: Option<&'a str>,
    /// `principalId`: the id of a user; of a role's session the role's id, a colon and the name of
    /// the session.
    pub id: Option<&'a str>,
    /// `arn`.
    pub arn: Option<&'a str>,
    /// `accountId`: the account that the caller belongs to.
    pub account: Option<&'a str>,
    /// `invokedBy`: the service that made the call, on its own or for the caller.
    pub invoked_by: Option<&'a str>,
    /// `sessionContext.sessionIssuer`: whose session it is; absent without a session.
    pub issuer: Option<Issuer<'a>>,
}

/// Who issued the credentials of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Issuer<'a> {
    /// `type`: `Role`, `IAMUser`, `Root`.
    pub kind: Option<&'a str>,
    /// `principalId`: the role's or user's id.
    pub id: Option<&'a str>,
    /// `arn`.
    pub arn: Option<&'a str>,
    /// `accountId`.
    pub account: Option<&'a str>,
}

impl Activity {
    /// Who called, where this is a record of CloudTrail. Fields that are missing or of another type
    /// are absent.
    pub fn principal(&self) -> Option<Principal<'_>> {
        let is_record = match self.kind {
            ActivityKind::ApiCall | ActivityKind::ConsoleSignIn | ActivityKind::ServiceEvent => {
                true
            }
            ActivityKind::Finding | ActivityKind::MalwareScan => false,
        };
        let record = Fields(self.detail.value());
        let who = record.at("/userIdentity").filter(|_| is_record)?;
        let issuer = who
            .at("/sessionContext/sessionIssuer")
            .filter(|issuer| issuer.0.is_object());
        Some(Principal {
            kind: who.text("/type"),
            id: who.text("/principalId"),
            arn: who.text("/arn"),
            account: who.text("/accountId"),
            invoked_by: who.text("/invokedBy"),
            issuer: issuer.map(|issuer| Issuer {
                kind: issuer.text("/type"),
                id: issuer.text("/principalId"),
                arn: issuer.text("/arn"),
                account: issuer.text("/accountId"),
            }),
        })
    }
}
