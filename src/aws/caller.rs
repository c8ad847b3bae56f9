//! Who we are, asked of AWS STS.
//!
//! `GetCallerIdentity` needs no permission, and answers with the account, the ARN and the unique id
//! of the role or user whose credentials we have ("`GetCallerIdentity`", AWS STS API reference).
//! Networks without a way out may have no endpoint for STS: whoever asks must be able to do without.

use super::Clients;
use super::fault::{Fault, Told};
use crate::verdict::threat::Caller;

/// AWS STS.
#[derive(Clone, Debug)]
pub struct StsIdentity {
    client: aws_sdk_sts::Client,
}

/// It is not known who we are.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// AWS has not answered, or not to us.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer does not say it.
    #[error("the answer of sts:GetCallerIdentity names no caller")]
    Nameless,
}

impl StsIdentity {
    /// Nothing is called yet.
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: clients.sts.clone(),
        }
    }

    /// Asks whose credentials we have.
    ///
    /// # Errors
    /// AWS does not answer, or answers with no name.
    pub async fn ask(&self) -> Result<Caller, IdentityError> {
        let answer = self.client.get_caller_identity().send().await;
        let answer = answer.map_err(|error| {
            let fault = Fault::of("sts:GetCallerIdentity", &error, Told::Message);
            IdentityError::NoAnswer(fault.sentence())
        })?;
        match (answer.account(), answer.arn(), answer.user_id()) {
            (Some(account), Some(arn), Some(user)) => Ok(Caller::from_identity(account, arn, user)),
            _ => Err(IdentityError::Nameless),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::scripted::{Answer, Scripted};

    fn identity(fields: &str) -> Answer {
        Answer::new(
            200,
            format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult>{fields}</GetCallerIdentityResult>\
                 </GetCallerIdentityResponse>"
            ),
        )
    }

    #[tokio::test]
    async fn a_session_of_a_role_is_known_by_the_id_of_the_role() {
        let service = Scripted::start([identity(
            "<Arn>arn:aws:sts::111122223333:assumed-role/warden/task</Arn>\
             <UserId>AROAEXAMPLE:task</UserId><Account>111122223333</Account>",
        )])
        .await;
        let caller = StsIdentity::new(&service.clients().await).ask().await;
        let caller = caller.unwrap();
        assert_eq!(caller.account, "111122223333");
        assert_eq!(caller.unique_id, "AROAEXAMPLE");
    }

    #[tokio::test]
    async fn an_answer_without_a_name_is_none() {
        let service = Scripted::start([identity("<Account>111122223333</Account>")]).await;
        let caller = StsIdentity::new(&service.clients().await).ask().await;
        assert!(matches!(caller, Err(IdentityError::Nameless)));
        let denied = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code>\
            <Message>The security token is invalid</Message></Error></ErrorResponse>";
        let service = Scripted::start([Answer::new(403, denied.to_owned())]).await;
        let error = StsIdentity::new(&service.clients().await).ask().await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("sts:GetCallerIdentity"), "{error}");
    }
}
