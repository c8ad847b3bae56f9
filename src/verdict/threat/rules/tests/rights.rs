//! Rules on rights, and on networks, disks and keys.

use serde_json::{Value, json};

use super::{Row, by_root, call, failed};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = rights();
    rows.extend(resources());
    rows
}

fn everything() -> Value {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    json!(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
}

fn trust(principal: Value) -> Value {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    json!(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
}

fn rights() -> Vec<Row> {
    let iam = |name: &str, parameters: Value| call("iam", name, parameters);
    let attach = |name: &str, arn: &str| iam(name, json!({"policyArn": arn, "roleName": "r"}));
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let write = |name: &str| iam(name, json!({"policyDocument": everything()}));
    vec![
        Row(
            "root_access_key",
            vec![by_root(iam("CreateAccessKey", json!(null)))],
            vec![
                by_root(iam("CreateAccessKey", json!({"userName": "jane.doe"}))),
                iam("CreateAccessKey", json!(null)),
            ],
        ),
        Row(
            "access_key_created",
            vec![iam("CreateAccessKey", json!({"userName": "jane.doe"}))],
            vec![iam("DeleteAccessKey", json!({"userName": "jane.doe"}))],
        ),
        Row(
            "login_profile_set",
            vec![
                iam("CreateLoginProfile", json!({})),
                iam("UpdateLoginProfile", json!({})),
            ],
            vec![iam("DeleteLoginProfile", json!({}))],
        ),
        Row(
            "mfa_device_removed",
            vec![
                iam("DeactivateMFADevice", json!({})),
                iam("DeleteVirtualMFADevice", json!({})),
            ],
            vec![iam("EnableMFADevice", json!({}))],
        ),
        Row(
            "admin_policy_attached",
            vec![
                attach("AttachUserPolicy", admin),
                attach("AttachRolePolicy", admin),
                attach(
                    "AttachGroupPolicy",
                    "arn:aws-us-gov:iam::aws:policy/IAMFullAccess",
                ),
                attach(
                    "AttachRolePolicy",
                    "arn:aws-cn:iam::aws:policy/AdministratorAccess",
                ),
            ],
            vec![
                attach("AttachRolePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
                attach(
                    "AttachRolePolicy",
                    "arn:aws:iam::111122223333:policy/AdministratorAccess",
                ),
                attach("DetachRolePolicy", admin),
            ],
        ),
        Row(
            "admin_policy_written",
            vec![
                write("PutUserPolicy"),
                write("PutRolePolicy"),
                write("PutGroupPolicy"),
                write("CreatePolicy"),
                write("CreatePolicyVersion"),
            ],
            vec![
                iam(
                    "PutRolePolicy",
                    json!({"policyDocument": trust(json!("*"))}),
                ),
                iam("PutRolePolicy", json!({"policyDocument": "no policy"})),
                iam("PutRolePolicy", json!({})),
                write("GetRolePolicy"),
            ],
        ),
        Row(
            "role_trust_opened",
            vec![
                iam(
                    "CreateRole",
                    json!({"assumeRolePolicyDocument": trust(json!({"AWS": "*"}))}),
                ),
                iam(
                    "UpdateAssumeRolePolicy",
                    json!({"policyDocument": trust(json!("*"))}),
                ),
            ],
            vec![
                iam(
                    "CreateRole",
                    json!({"assumeRolePolicyDocument": trust(json!({"Service": "ec2.amazonaws.com"}))}),
                ),
                iam(
                    "UpdateAssumeRolePolicy",
                    json!({"policyDocument": trust(json!({"AWS": "111122223333"}))}),
                ),
            ],
        ),
    ]
}

fn resources() -> Vec<Row> {
    let ec2 = |name: &str, parameters: Value| call("ec2", name, parameters);
    let kms = |name: &str, parameters: Value| call("kms", name, parameters);
    let ingress = |ranges: Value| {
        let permission = json!({"ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
            "ipRanges": ranges["v4"], "ipv6Ranges": ranges["v6"]});
        ec2(
            "AuthorizeSecurityGroupIngress",
            json!({"groupId": "sg-1", "ipPermissions": {"items": [permission]}}),
        )
    };
    let share = |name: &str, field: &str, group: &str| {
        ec2(name, json!({field: {"add": {"items": [{"group": group}]}}}))
    };
    vec![
        Row(
            "security_group_opened",
            vec![
                ingress(
                    json!({"v4": {"items": [{"cidrIp": "10.0.0.0/8"}, {"cidrIp": "0.0.0.0/0"}]}}),
                ),
                ingress(json!({"v6": {"items": [{"cidrIpv6": "::/0"}]}})),
                ec2(
                    "AuthorizeSecurityGroupIngress",
                    json!({"groupId": "sg-1", "cidrIp": "0.0.0.0/0"}),
                ),
                ec2(
                    "ModifySecurityGroupRules",
                    json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-1", "SecurityGroupRule":
                        {"SecurityGroupRule": {"CidrIpv4": "0.0.0.0/0", "FromPort": 22}}}}),
                ),
            ],
            vec![
                ingress(json!({"v4": {"items": [{"cidrIp": "10.0.0.0/8"}]}})),
                ingress(json!({"v4": {"items": [{"cidrIp": "0.0.0.0/32"}]}})),
                ec2(
                    "AuthorizeSecurityGroupEgress",
                    json!({"cidrIp": "0.0.0.0/0"}),
                ),
                ec2("AuthorizeSecurityGroupIngress", json!(null)),
            ],
        ),
        Row(
            "image_shared_with_all",
            vec![
                share("ModifySnapshotAttribute", "createVolumePermission", "all"),
                share("ModifyImageAttribute", "launchPermission", "all"),
            ],
            vec![
                ec2(
                    "ModifySnapshotAttribute",
                    json!({"createVolumePermission": {"add": {"items": [{"userId": "444455556666"}]}}}),
                ),
                ec2(
                    "ModifySnapshotAttribute",
                    json!({"createVolumePermission": {"remove": {"items": [{"group": "all"}]}}}),
                ),
            ],
        ),
        Row(
            "kms_key_disabled",
            vec![
                kms(
                    "ScheduleKeyDeletion",
                    json!({"keyId": "k", "pendingWindowInDays": 7}),
                ),
                kms("DisableKey", json!({"keyId": "k"})),
                kms("DeleteImportedKeyMaterial", json!({"keyId": "k"})),
            ],
            vec![
                kms("CancelKeyDeletion", json!({"keyId": "k"})),
                failed(kms("EnableKey", json!({}))),
            ],
        ),
        Row(
            "kms_key_policy_opened",
            vec![
                kms(
                    "PutKeyPolicy",
                    json!({"policy": trust(json!({"AWS": "*"}))}),
                ),
                kms("CreateKey", json!({"policy": trust(json!("*"))})),
            ],
            vec![
                kms(
                    "PutKeyPolicy",
                    json!({"policy": trust(json!({"AWS": "arn:aws:iam::111122223333:root"}))}),
                ),
                kms("CreateKey", json!({})),
            ],
        ),
    ]
}
