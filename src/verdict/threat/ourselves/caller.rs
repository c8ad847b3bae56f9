//! Who we are, by AWS's own account, and whether a record speaks of us.

use crate::event::{Issuer, Principal};

/// Who calls AWS when we do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The ARN that AWS gives: of a session of a role (`arn:aws:sts::111122223333:assumed-role/..`),
    /// or of a user (`arn:aws:iam::111122223333:user/..`).
    pub arn: String,
    /// The id that no two roles or users ever share: `AROA..` or `AIDA..`.
    pub unique_id: String,
}

/// Whether a caller is us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Us,
    Other,
    /// The record leaves out, or contradicts itself in, what would tell.
    Untold,
}

/// What we are, as far as we can be told apart by it.
enum Kind<'a> {
    Role {
        partition: &'a str,
        name: &'a str,
    },
    User,
    /// The root user, a federated user: no id of ours alone stands for these.
    Neither,
}

impl Caller {
    /// From the answer of `GetCallerIdentity`, whose user id of a role's session is the role's own
    /// id and the name of the session, joined by a colon ("`GetCallerIdentity`", AWS STS API
    /// reference).
    ///
    /// ```
    /// use s3_warden::verdict::threat::Caller;
    ///
    /// let arn = "arn:aws:sts::111122223333:assumed-role/warden/task-1";
    /// let caller = Caller::from_identity("111122223333", arn, "AROAEXAMPLE:task-1");
    /// assert_eq!(caller.unique_id, "AROAEXAMPLE");
    /// ```
    pub fn from_identity(account: &str, arn: &str, user_id: &str) -> Self {
        Self {
            account: account.to_owned(),
            arn: arn.to_owned(),
            unique_id: before_colon(user_id).to_owned(),
        }
    }

    fn kind(&self) -> Kind<'_> {
        let mut parts = self.arn.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (_arn, partition, _service) = (next(), next(), next());
        let (_region, _account, resource) = (next(), next(), next());
        if let Some(session) = resource.strip_prefix("assumed-role/") {
            let name = session.split('/').next().unwrap_or_default();
            Kind::Role { partition, name }
        } else if resource.starts_with("user/") {
            Kind::User
        } else {
            Kind::Neither
        }
    }

    /// Whether a record's caller is us.
    pub(super) fn is(&self, who: &Principal<'_>) -> Known {
        let kind = self.kind();
        if matches!(kind, Kind::Neither) || self.unique_id.is_empty() || self.account.is_empty() {
            return Known::Untold;
        }
        match (who.kind, kind) {
            (Some("AssumedRole"), Kind::Role { partition, name }) => match &who.issuer {
                Some(issuer) => self.is_issuer(issuer, partition, name),
                None => Known::Untold,
            },
            (Some("IAMUser"), Kind::User) => match who.arn {
                Some(arn) if arn == self.arn => self.has(who.id, who.account),
                Some(_) => Known::Other,
                None => Known::Untold,
            },
            // A role without a session; and a caller as the owner of a bucket in another account
            // sees it: without an ARN, under the same id.
            (Some("Role"), Kind::Role { .. }) | (Some("AWSAccount"), _) => {
                self.has(who.id.map(before_colon), who.account)
            }
            (Some(_), _) => Known::Other,
            (None, _) => Known::Untold,
        }
    }

    fn is_issuer(&self, issuer: &Issuer<'_>, partition: &str, name: &str) -> Known {
        let by_id = self.has(issuer.id, issuer.account);
        let is_role = issuer.kind == Some("Role");
        let named = issuer.arn.is_some_and(|arn| {
            let of = format!("arn:{partition}:iam::{}:role/", self.account);
            let path = arn.strip_prefix(of.as_str());
            path.and_then(|path| path.rsplit('/').next()) == Some(name)
        });
        match by_id {
            // The id alone would do; a record that contradicts itself proves nothing.
            Known::Us if !(is_role && named) => Known::Untold,
            known => known,
        }
    }

    /// Whether id and account are ours.
    fn has(&self, id: Option<&str>, account: Option<&str>) -> Known {
        match (id, account) {
            (Some(id), _) if id != self.unique_id => Known::Other,
            (_, Some(account)) if account != self.account => Known::Other,
            (Some(_), Some(_)) => Known::Us,
            _ => Known::Untold,
        }
    }
}

fn before_colon(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}
