//! What the templates set, read by the program itself: every variable is a setting, every value is one
//! that it takes, and bounds of the platform are wider than those of the program.

use std::collections::BTreeMap;

use s3_warden::config::{Config, Purpose, Sources};
use serde_json::{Value, json};

use super::yaml::{Given, documents, template, text};

/// Settings that need a program built with a feature.
const BUILT_IN: [(&str, bool); 2] = [
    ("WARDEN_ALERTS__SECURITY_HUB", cfg!(feature = "securityhub")),
    ("WARDEN_ALERTS__EVENT_BUS", cfg!(feature = "eventbridge")),
];

/// The parameters of a template: their defaults, and those that a test gives.
fn given(template: &Value, parameters: &[(&'static str, Value)]) -> Given {
    let said = [
        ("AWS::Region", json!("us-east-1")),
        ("AWS::AccountId", json!("123456789012")),
        ("AWS::StackName", json!("s3-warden")),
        (
            "ExecutionRole.Arn",
            json!("arn:aws:iam::123456789012:role/e"),
        ),
        ("TaskRole.Arn", json!("arn:aws:iam::123456789012:role/t")),
        ("LogGroup", json!("log")),
        ("Image", json!("image")),
        (
            "UploadQueueUrl",
            json!("https://sqs.us-east-1.amazonaws.com/123456789012/u"),
        ),
        (
            "EventsQueueUrl",
            json!("https://sqs.us-east-1.amazonaws.com/123456789012/e"),
        ),
        (
            "AlertTopicArn",
            json!("arn:aws:sns:us-east-1:123456789012:a"),
        ),
        ("RecordsBucketName", json!("records")),
        ("QuarantineBucketName", json!("quarantine")),
        ("GuardedBuckets", json!(["one", "two"])),
        ("CloudTrailUploadBuckets", json!("three")),
        ("EventBusName", json!("bus")),
        ("Mode", json!("observe")),
    ];
    let mut values = BTreeMap::from(said);
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        if let Some(default) = parameter.get("Default") {
            let name: &'static str = name.clone().leak();
            values.entry(name).or_insert_with(|| default.clone());
        }
    }
    values.extend(parameters.iter().cloned());
    Given {
        values,
        mappings: template["Mappings"].clone(),
    }
}

/// The variables of a container, as name and value. None is set twice.
fn variables(environment: &Value, name: &str, value: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for entry in environment.as_array().unwrap() {
        let before = variables.insert(text(&entry[name]), text(&entry[value]));
        assert_eq!(before, None, "set twice: {entry}");
    }
    variables
}

/// What the program makes of the variables: its settings as `config` shows them.
#[track_caller]
fn read(variables: &BTreeMap<String, String>) -> Config {
    let known = variables.clone().into_iter().filter(|(name, _)| {
        let without = BUILT_IN.iter().any(|(it, built)| it == name && !built);
        !without
    });
    let sources = Sources::default().environment(known);
    match Config::load(sources.purpose(Purpose::Service)) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}"),
    }
}

fn container(template: &Value, parameters: &[(&'static str, Value)]) -> (Value, Value) {
    let definition = &template["Resources"]["TaskDefinition"]["Properties"];
    let definition = given(template, parameters).worked_out(definition);
    let container = definition["ContainerDefinitions"][0].clone();
    (definition, container)
}

#[test]
fn the_program_takes_what_the_service_sets() {
    let service = template("deploy/service.yaml");
    let (_, container) = container(
        &service,
        &[("MaxCapacity", json!(7)), ("Tag", json!("all"))],
    );
    let variables = variables(&container["Environment"], "Name", "Value");
    let config = read(&variables);
    assert_eq!(config.limits.fleet_size.get(), 7);
    assert_eq!(variables["WARDEN_INTAKE__CLOUDTRAIL_UPLOADS"], "three");
    assert_eq!(variables["WARDEN_INTAKE__BUCKETS"], "one,two");
    assert_eq!(
        variables["WARDEN_MODEL__ID"],
        "us.anthropic.claude-haiku-5-5"
    );
}

#[test]
fn what_is_shared_out_is_what_scaling_is_bounded_by() {
    let bound = |path: &str| {
        let template = template(path);
        let parameter = template["Parameters"]["MaxCapacity"].as_object().unwrap();
        let numbers = parameter.iter().filter(|(name, _)| *name != "Description");
        numbers
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(bound("deploy/service.yaml"), bound("deploy/scaling.yaml"));
    let scaling = template("deploy/scaling.yaml");
    let target = &scaling["Resources"]["Target"]["Properties"];
    assert_eq!(target["MaxCapacity"], json!({ "Ref": "MaxCapacity" }));
}

#[test]
fn lists_of_parameters_take_one_and_several() {
    let role = "arn:aws:iam::123456789012:role/s3-warden-TaskRole-AbC";
    let topic = "arn:aws:sns:us-east-1:123456789012:news";
    for (path, parameter, one) in [
        ("deploy/intake.yaml", "QuarantineRoleArns", role),
        ("deploy/intake.yaml", "NewsTopicArns", topic),
        ("deploy/intake.yaml", "GuardedBuckets", "up.loads-1"),
        ("deploy/intake.yaml", "EventBridgeBuckets", "up.loads-1"),
        ("deploy/events.yaml", "GuardedBuckets", "up.loads-1"),
        ("deploy/events.yaml", "TrailBuckets", "up.loads-1"),
        (
            "deploy/events.yaml",
            "CloudTrailUploadBuckets",
            "up.loads-1",
        ),
        (
            "deploy/service.yaml",
            "CloudTrailUploadBuckets",
            "up.loads-1",
        ),
    ] {
        let pattern = &template(path)["Parameters"][parameter]["AllowedPattern"];
        let pattern = regex::Regex::new(&text(pattern)).unwrap();
        for given in ["".to_owned(), one.to_owned(), format!("{one},{one},{one}")] {
            assert!(
                pattern.is_match(&given),
                "{path}: {parameter} refuses {given}"
            );
        }
        for given in [
            format!("{one},"),
            format!("{one}, {one}"),
            format!(",{one}"),
        ] {
            assert!(
                !pattern.is_match(&given),
                "{path}: {parameter} takes {given}"
            );
        }
    }
}

#[test]
fn every_size_has_room_for_what_the_program_takes() {
    let service = template("deploy/service.yaml");
    let sizes = service["Mappings"]["Size"].as_object().unwrap().keys();
    let mut seen = 0;
    for size in sizes {
        let (definition, container) = container(&service, &[("TaskSize", json!(size))]);
        let variables = variables(&container["Environment"], "Name", "Value");
        let objects: u64 = variables["WARDEN_LIMITS__MEMORY_BYTES"].parse().unwrap();
        let mebibytes: u64 = text(&definition["Memory"]).parse().unwrap();
        assert_eq!(objects * 2, mebibytes * 1024 * 1024, "{size}");
        seen += 1;
    }
    let allowed = &service["Parameters"]["TaskSize"]["AllowedValues"];
    assert_eq!(allowed.as_array().unwrap().len(), seen);
}

#[test]
fn what_removes_is_told_so_on_purpose() {
    let service = template("deploy/service.yaml");
    for name in ["Mode", "GuardedBuckets"] {
        let parameter = &service["Parameters"][name];
        assert!(parameter.is_object(), "{name}");
        assert!(parameter.get("Default").is_none(), "{name} has a default");
    }
    assert_eq!(
        service["Parameters"]["Mode"]["AllowedValues"],
        json!(["observe", "enforce"])
    );
}

#[test]
fn the_platform_waits_longer_than_the_program_drains() {
    let service = template("deploy/service.yaml");
    let (_, container) = container(&service, &[]);
    let variables = variables(&container["Environment"], "Name", "Value");
    let drain: u64 = variables["WARDEN_LIMITS__DRAIN_SECONDS"].parse().unwrap();
    let stop = container["StopTimeout"].as_u64().unwrap();
    assert!(drain + 10 <= stop, "{drain} of {stop}");
    assert_eq!(stop, 120, "the most that Fargate grants");
    assert_eq!(container["ReadonlyRootFilesystem"], json!(true));
    assert_eq!(container["User"], "65532:65532");
    assert_eq!(container["HealthCheck"]["Command"][0], "CMD", "no shell");
}

#[test]
fn pods_have_the_manners_of_tasks() {
    let documents = documents("deploy/keda.yaml");
    let of_kind = |kind: &str| {
        let found = documents.iter().find(|it| it["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}"))
    };
    let pod = &of_kind("Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let mut variables = variables(&container["env"], "name", "value");
    for value in variables.values_mut() {
        *value = value
            .replace("REGION", "us-east-1")
            .replace("ACCOUNT", "123456789012");
    }
    let config = read(&variables);
    let scaled = &of_kind("ScaledObject")["spec"];
    let most = scaled["maxReplicaCount"].as_u64().unwrap();
    assert_eq!(u64::from(config.limits.fleet_size.get()), most);
    let drain: u64 = variables["WARDEN_LIMITS__DRAIN_SECONDS"].parse().unwrap();
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(drain + 10 <= grace, "{drain} of {grace}");
    // Variables of services in the namespace would be taken for settings.
    assert_eq!(pod["enableServiceLinks"], json!(false));
    assert_eq!(pod["securityContext"]["runAsUser"], json!(65532));
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], json!(true));
    assert_eq!(security["allowPrivilegeEscalation"], json!(false));
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(variables["WARDEN_LIMITS__MEMORY_BYTES"], "536870912");
    for trigger in scaled["triggers"].as_array().unwrap() {
        assert_eq!(trigger["type"], "aws-sqs-queue");
        let asked = text(&trigger["metadata"]["queueURL"])
            .replace("REGION", "us-east-1")
            .replace("ACCOUNT", "123456789012");
        let polled = ["WARDEN_QUEUE__URL", "WARDEN_QUEUE__EVENTS_URL"];
        assert!(
            polled.iter().any(|name| variables[*name] == asked),
            "{asked} is not polled"
        );
    }
}
