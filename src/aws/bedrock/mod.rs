//! Models through `Converse` of Amazon Bedrock: translation, and nothing else.
//!
//! What is asked, in which form, how often, and how answers are read is decided elsewhere. Here one
//! request becomes one call and one answer.

mod bounded;
mod document;
mod fault;
mod reply;
mod request;

use async_trait::async_trait;

pub(super) use self::bounded::Bounded;
use super::Clients;
use crate::model::{Model, ModelError, ModelReply, ModelRequest};

/// Models of Amazon Bedrock.
#[derive(Clone, Debug)]
pub struct BedrockModel {
    client: aws_sdk_bedrockruntime::Client,
    region: String,
}

impl BedrockModel {
    /// The models of the region of these clients. Nothing is called yet.
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: clients.bedrock.clone(),
            region: clients.region().to_owned(),
        }
    }
}

#[async_trait]
impl Model for BedrockModel {
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let sent = request::call(&self.client, request)?.send().await;
        match sent {
            Ok(answer) => reply::read(answer).ok_or_else(|| {
                let what = "bedrock:InvokeModel: what was answered is no answer of Converse";
                ModelError::Unavailable(what.to_owned())
            }),
            Err(error) => Err(fault::sorted(&error, request, &self.region)),
        }
    }
}

#[cfg(test)]
mod tests;
