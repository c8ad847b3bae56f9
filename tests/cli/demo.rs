//! `demo`, as far as it needs no pictures; with them it is the README's own example.

use super::kit::Home;

#[tokio::test]
async fn the_demo_takes_no_folder_that_holds_something() {
    let home = Home::new();
    home.put("files/one-pixel.png", "mine.png");
    let ran = home.run(&["demo", "--folder", "inbox"]).await;
    ran.refused(64, &["inbox", "not empty"]);
    let file = home.run(&["demo", "--folder", "inbox/mine.png"]).await;
    file.refused(64, &["mine.png"]);
    assert!(home.has("mine.png"));
}
