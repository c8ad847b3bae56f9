//! The scripts of `deploy/`, run as operators run them: with the AWS CLI, which here talks to the
//! emulator.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use super::client::given;
use super::ground::REGION;

/// Runs a script, given by its path in this project, and what it is called with.
pub(crate) async fn run(words: &[&str]) -> Output {
    let python = given("S3_WARDEN_TEST_PYTHON");
    let bin = Path::new(&python).parent().unwrap().to_str().unwrap();
    let output = Command::new("bash")
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"))
        .env("AWS_ENDPOINT_URL", given("S3_WARDEN_TEST_ENDPOINT"))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", REGION)
        .output();
    output.await.unwrap()
}
