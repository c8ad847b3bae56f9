//! A stack of `CloudFormation`: deployed from a template of `deploy/`, asked, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::client::{Client, Refused};
use super::super::until::until;
use super::folder;

/// A stack that has been made.
pub(super) struct Stack {
    pub(super) name: String,
    client: Arc<Client>,
    outputs: BTreeMap<String, String>,
    resources: BTreeMap<String, String>,
}

impl Stack {
    /// Deploys a template with these parameters; the others keep their defaults.
    pub(super) async fn create(
        client: &Arc<Client>,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> Self {
        Self::begin(client, name, template, parameters)
            .await
            .unwrap_or_else(|refused| panic!("{template}: {refused:?}"));
        let which = json!({"StackName": name});
        let stack = until(&format!("{name} stands"), async || {
            let stack = described(client, name).await.unwrap();
            match stack["StackStatus"].as_str().unwrap() {
                "CREATE_COMPLETE" => Ok(stack),
                "CREATE_IN_PROGRESS" => Err(stack.to_string()),
                _ => panic!("{template}: {stack:#}\n{:#}", trouble(client, name).await),
            }
        })
        .await;
        let outputs = stack["Outputs"].as_array().unwrap().iter();
        let resources = client
            .ok("cloudformation", "describe_stack_resources", which)
            .await;
        let resources = resources["StackResources"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            name: name.to_owned(),
            client: Arc::clone(client),
            outputs: outputs
                .map(|it| (text(&it["OutputKey"]), text(&it["OutputValue"])))
                .collect(),
            resources: resources
                .map(|it| {
                    (
                        text(&it["LogicalResourceId"]),
                        text(&it["PhysicalResourceId"]),
                    )
                })
                .collect(),
        }
    }

    /// Asks for a stack that the emulator cannot make, and gives its reasons.
    pub(super) async fn refusal(
        client: &Client,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> String {
        if let Err(refused) = Self::begin(client, name, template, parameters).await {
            return refused.message;
        }
        let reasons = until(&format!("{name} is refused"), async || {
            let stack = described(client, name).await.unwrap();
            match stack["StackStatus"].as_str().unwrap() {
                "CREATE_COMPLETE" => panic!("{template} can be deployed"),
                "ROLLBACK_COMPLETE" | "CREATE_FAILED" => {
                    Ok(trouble(client, name).await.to_string())
                }
                _ => Err(stack.to_string()),
            }
        })
        .await;
        delete(client, name).await;
        reasons
    }

    /// Asks for a stack.
    pub(super) async fn begin(
        client: &Client,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Refused> {
        let body = std::fs::read_to_string(folder().join(template)).unwrap();
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(key, value)| json!({"ParameterKey": key, "ParameterValue": value}))
            .collect();
        let with = json!({
            "StackName": name, "TemplateBody": body, "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM"],
        });
        client.call("cloudformation", "create_stack", with).await
    }

    /// What the template gives away under this name.
    pub(super) fn output(&self, name: &str) -> &str {
        let output = self.outputs.get(name);
        output.unwrap_or_else(|| panic!("{} has no output {name}: {:?}", self.name, self.outputs))
    }

    /// The name that `CloudFormation` gave to a resource of the template.
    pub(super) fn named(&self, logical: &str) -> &str {
        let found = self.resources.get(logical);
        found.unwrap_or_else(|| panic!("{}: no {logical}: {:?}", self.name, self.resources))
    }

    /// Deletes it, and waits until it is gone.
    pub(super) async fn delete(self) {
        delete(&self.client, &self.name).await;
    }
}

async fn delete(client: &Client, name: &str) {
    let which = json!({"StackName": name});
    client.ok("cloudformation", "delete_stack", which).await;
    until(&format!("{name} is gone"), async || {
        match described(client, name).await {
            Err(_) => Ok(()),
            Ok(stack) if stack["StackStatus"] == "DELETE_COMPLETE" => Ok(()),
            Ok(stack) => Err(format!("{stack:#}\n{:#}", trouble(client, name).await)),
        }
    })
    .await;
}

async fn described(client: &Client, name: &str) -> Result<Value, Refused> {
    let question = json!({"StackName": name});
    let answer = client
        .call("cloudformation", "describe_stacks", question)
        .await?;
    Ok(answer["Stacks"][0].clone())
}

/// What has failed, in `CloudFormation`'s words.
async fn trouble(client: &Client, name: &str) -> Value {
    let question = json!({"StackName": name});
    let answer = client
        .ok("cloudformation", "describe_stack_events", question)
        .await;
    let events = answer["StackEvents"].as_array().cloned();
    let failed = events.into_iter().flatten().filter(|event| {
        let status = event["ResourceStatus"].as_str().unwrap_or_default();
        status.contains("FAILED")
    });
    failed.collect()
}
