//! Task protection, where there is an agent of Amazon ECS to ask for it.

use std::sync::Arc;
use std::time::Duration;

use crate::alert::TopicArn;
use crate::aws::EcsAgent;
use crate::shutdown::protection::{Keeper, Protection, ProtectionWatch};
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// The variable with the address of the agent.
pub const AGENT_ADDRESS: &str = EcsAgent::ADDRESS;

/// The variable with the address at which the agent says which task we are.
pub const METADATA_ADDRESS: &str = EcsAgent::METADATA_ADDRESS;

/// The agent answers this from its memory.
const WHICH_TASK: Duration = Duration::from_secs(2);

/// What the process is given by its environment, beside settings and credentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Whether buckets are named in the path.
    pub path_style: bool,
    /// The value of [`AGENT_ADDRESS`].
    pub agent: Option<&'a str>,
    /// The value of [`METADATA_ADDRESS`].
    pub metadata: Option<&'a str>,
}

/// The agent, where tasks are to be protected and there is one.
#[derive(Clone, Debug)]
pub(super) struct Protecting {
    agent: EcsAgent,
    most: Duration,
    /// What the ARNs of the fleet's tasks begin with.
    pub(super) tasks: String,
}

impl Protecting {
    /// Looks for the agent, and asks it which task we are.
    pub(super) async fn of(given: Given<'_>, most: Duration, topic: &TopicArn) -> Option<Self> {
        let address = given.agent.filter(|address| !address.is_empty())?;
        if most.is_zero() {
            return None;
        }
        let agent = match EcsAgent::at(AGENT_ADDRESS, address) {
            Ok(agent) => agent,
            Err(error) => {
                tracing::warn!({ ERROR_DETAIL } = %error, "tasks are not protected");
                return None;
            }
        };
        let cluster = cluster_of(given).await;
        Some(Self {
            agent,
            most,
            // Wider, where nobody says which cluster: all tasks of this region and account.
            tasks: cluster.unwrap_or_else(|| {
                let (partition, region) = (topic.partition(), topic.region());
                format!("arn:{partition}:ecs:{region}:{}:task/", topic.account())
            }),
        })
    }

    /// Who keeps the task protected while something is held.
    pub(super) fn keeper(self, protection: Protection, watch: Arc<dyn ProtectionWatch>) -> Keeper {
        Keeper::new(Arc::new(self.agent), self.most, protection, watch)
    }
}

/// What the ARNs of all tasks of our cluster begin with, if the agent says it.
async fn cluster_of(given: Given<'_>) -> Option<String> {
    let address = given.metadata?;
    let agent = EcsAgent::at(METADATA_ADDRESS, address).ok()?;
    let asked = tokio::time::timeout(WHICH_TASK, agent.task_arn()).await;
    let arn = asked.ok()?.ok()?;
    before_id(&arn).map(str::to_owned)
}

/// The ARN of a task without its id, where it names the cluster: older ones do not.
fn before_id(arn: &str) -> Option<&str> {
    let (before, id) = arn.rsplit_once('/')?;
    let (_, cluster) = before.rsplit_once(":task/")?;
    let whole = !id.is_empty() && !cluster.is_empty() && !cluster.contains('/');
    whole.then(|| arn.strip_suffix(id)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_tells_its_cluster() {
        let cluster = "arn:aws:ecs:eu-west-1:111122223333:task/warden/";
        assert_eq!(before_id(&format!("{cluster}0123abcd")), Some(cluster));
        for strange in [
            "arn:aws:ecs:eu-west-1:111122223333:task/0123abcd",
            "arn:aws:ecs:eu-west-1:111122223333:task/warden/",
            "arn:aws:ecs:eu-west-1:111122223333:task//0123abcd",
            "arn:aws:ecs:eu-west-1:111122223333:task/a/b/0123abcd",
            "0123abcd",
            "",
        ] {
            assert_eq!(before_id(strange), None, "{strange}");
        }
    }
}
