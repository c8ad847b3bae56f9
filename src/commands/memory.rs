//! Memory that is freed goes back to the system.

use super::Command;

/// Replaces this process by itself with one variable more, if the command handles pictures and the
/// variable is not set yet.
///
/// glibc raises the size from which it returns freed blocks to the system with every such block
/// that is freed. Decoding and text detection free blocks of many megabytes; after that they are kept, and two
/// pages at once peak a third higher. The size can be fixed only before the start (mallopt(3)).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn return_memory(command: &Command) {
    use std::os::unix::process::CommandExt;

    const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
    if !command.handles_pictures() || std::env::var_os(THRESHOLD).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) {
        let mut again = std::process::Command::new(program);
        again.arg0(name).args(arguments).env(THRESHOLD, "1048576");
        // Comes back only where it could not: more memory is no reason not to work.
        drop(again.exec());
    }
}

/// Other allocators return what is freed by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub const fn return_memory(_command: &Command) {}
