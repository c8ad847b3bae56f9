//! The sample pictures of `demo`, part of the program so that the demo runs anywhere.
//!
//! They are synthetic; `tests/fixtures/generate` draws them, `tests/fixtures/NOTICE.md` names the
//! fonts and photographs in them.

/// Names and bytes, in the order in which they are dropped.
pub(super) const PICTURES: [(&str, &[u8]); 16] = [
    (
        "flower-closeup.webp",
        include_bytes!("../../tests/fixtures/demo/flower-closeup.webp"),
    ),
    (
        "id-card-front.jpg",
        include_bytes!("../../tests/fixtures/demo/id-card-front.jpg"),
    ),
    (
        "order-confirmation.png",
        include_bytes!("../../tests/fixtures/demo/order-confirmation.png"),
    ),
    (
        "invoice-2026-0418.png",
        include_bytes!("../../tests/fixtures/demo/invoice-2026-0418.png"),
    ),
    (
        "chat-moving-day.png",
        include_bytes!("../../tests/fixtures/demo/chat-moving-day.png"),
    ),
    (
        "chat+contacts.png",
        include_bytes!("../../tests/fixtures/demo/chat+contacts.png"),
    ),
    (
        "old-bridge-lake.jpg",
        include_bytes!("../../tests/fixtures/demo/old-bridge-lake.jpg"),
    ),
    (
        "card-on-table.jpg",
        include_bytes!("../../tests/fixtures/demo/card-on-table.jpg"),
    ),
    (
        "uploads-per-hour.png",
        include_bytes!("../../tests/fixtures/demo/uploads-per-hour.png"),
    ),
    (
        "passport_scan 2026.jpg",
        include_bytes!("../../tests/fixtures/demo/passport_scan 2026.jpg"),
    ),
    (
        "settings-appearance.webp",
        include_bytes!("../../tests/fixtures/demo/settings-appearance.webp"),
    ),
    (
        "terminal-deploy.png",
        include_bytes!("../../tests/fixtures/demo/terminal-deploy.png"),
    ),
    (
        "portrait.webp",
        include_bytes!("../../tests/fixtures/demo/portrait.webp"),
    ),
    (
        "주민등록증.jpg",
        include_bytes!("../../tests/fixtures/demo/주민등록증.jpg"),
    ),
    (
        "holiday-damaged.jpg",
        include_bytes!("../../tests/fixtures/demo/holiday-damaged.jpg"),
    ),
    (
        "sprint-notes.png",
        include_bytes!("../../tests/fixtures/demo/sprint-notes.png"),
    ),
];
