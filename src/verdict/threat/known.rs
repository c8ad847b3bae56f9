//! Words with capitals or digits in them that every text about an AWS account has. What is not
//! here and not in the record is masked in summaries, so a missing word costs a word, never a value.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Names, as they are written.
pub(super) static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "
    ACL ACLs AI API APIs ARN AWS Access Amazon Analyzer Athena Aurora Backup Batch Bedrock
    Bitcoin Block CIDR CLI Cloud9 CloudFormation CloudFront CloudHSM CloudShell CloudTrail
    CloudWatch CodeBuild CodeCommit Cognito Config DNS Detective DynamoDB EBS EC2 ECR ECS
    EFS EKS EMR ElastiCache EventBridge Fargate Glacier Glue GuardDuty HTTP HTTPS I IAM ID
    IP IPs IPv4 IPv6 Identity Inspector Internet JSON KMS Kinesis Kubernetes Lambda Linux
    MFA Macie NAT OpenSearch Organizations PII Public RDP RDS Redshift Route53 S3 SCP SDK
    SFTP SNS SQL SQS SSH SSM SSO STS SageMaker TLS Tor URL VPC VPN WAF Windows XML XSS
    "
    .split_whitespace()
    .collect()
});

/// Words that begin sentences, in lower case. None of them is a name of people.
pub(super) static BEGINNINGS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "
    a access account activity actor add address administrator after all allowed an and
    anonymous another any anybody anyone application as assumed at attempted authenticated
    automatic because before both bucket but by call caller calls changing command compute
    configuration connection console container copying creating credential credentials
    cross-account data database default deleting deletion detection detector disabling due
    during each either encryption event events every everybody everyone external failed file
    files for from function granting group he her his however if in instance it its key keys
    large lifecycle listing logging login logs malicious malware management many more most
    multiple network no nobody none normal object objects on one only opening other owner
    password permission permissions policy possible potential privileges public reading
    removing repeated replication request requests root security server service session
    several she sign-in since some somebody someone something stopping strangers successful
    such suspicious the their then there these they this those threat to traffic trail two
    unauthorized unencrypted unknown unusual uploading use user users using versioning when
    where which while with within without write writing
    "
    .split_whitespace()
    .collect()
});
