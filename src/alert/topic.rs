//! The name of the topic that alerts are published to.

use std::fmt;
use std::str::FromStr;

/// The ARN of an SNS topic.
///
/// ```
/// use s3_warden::alert::TopicArn;
///
/// let topic: TopicArn = "arn:aws:sns:eu-west-1:123456789012:warden".parse().unwrap();
/// assert_eq!(topic.region(), "eu-west-1");
/// assert_eq!((topic.partition(), topic.account()), ("aws", "123456789012"));
/// assert!("warden".parse::<TopicArn>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicArn(String);

impl TopicArn {
    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition: `aws`, or one that has its own names, such as `aws-cn`.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The region that the topic lies in.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account that the topic belongs to.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    fn part(&self, number: usize) -> &str {
        self.0.split(':').nth(number).unwrap_or_default()
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TopicArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split(':').collect();
        let fits = matches!(
            parts.as_slice(),
            ["arn", partition, "sns", region, account, name]
                if partition.starts_with("aws")
                    && !region.is_empty()
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && !account.is_empty()
                    && !name.is_empty()
        );
        if !fits {
            return Err(
                "is no ARN of an SNS topic; it looks like arn:aws:sns:REGION:ACCOUNT:NAME"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}
