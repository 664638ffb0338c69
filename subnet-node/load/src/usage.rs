//! CPU time, memory and disk of processes, as Linux tells them. Source: proc(5).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Ticks a second of the times in `/proc`: part of Linux's interface on every architecture that this runs on.
const TICKS_PER_SECOND: u64 = 100;
/// Bytes of a block in a file's metadata, whatever the file system. Source: stat(2).
const BLOCK_BYTES: u64 = 512;

/// A process that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its name in reports.
    pub name: String,
    /// Its number in the system.
    pub pid: u32,
}

/// What a process used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Its name.
    pub name: String,
    /// CPU time of all its threads, in milliseconds.
    pub cpu_ms: u64,
    /// Most memory that it ever held, in bytes.
    pub rss_peak_bytes: u64,
}

impl Usage {
    /// Of `process` so far; zeros of one that is gone.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", process.pid)).unwrap_or_default();
        let cpu_ms = cpu_ticks(&read("stat")).unwrap_or_default() * 1_000 / TICKS_PER_SECOND;
        Self { name: process.name.clone(), cpu_ms, rss_peak_bytes: peak_bytes(&read("status")).unwrap_or_default() }
    }

    /// What came on top of `before`. The peak stays what it is.
    #[must_use]
    pub fn since(self, before: &Self) -> Self {
        Self { cpu_ms: self.cpu_ms.saturating_sub(before.cpu_ms), ..self }
    }
}

/// CPU time of this process so far.
#[must_use]
pub fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Bytes that the files under `path` take on disk.
///
/// # Errors
/// What the system says. What vanishes while it is looked at counts as nothing.
pub fn disk_bytes(path: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        sum += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path())?,
            Ok(metadata) => metadata.blocks() * BLOCK_BYTES,
            Err(why) if why.kind() == io::ErrorKind::NotFound => 0,
            Err(why) => return Err(why),
        };
    }
    Ok(sum)
}

/// User and system time of `/proc/PID/stat`. The name, in brackets, may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()?.saturating_add(times.next()?.ok()?))
}

/// The peak of resident memory of `/proc/PID/status`.
fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim_end().parse().ok()?;
    Some(kibibytes.saturating_mul(1_024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_found_in_what_linux_writes() {
        let stat = "71 (a) b (c)) S 1 71 71 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 9 0 100 1 2";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(peak_bytes("Name:\tnode\nVmPeak:\t 9 kB\nVmHWM:\t   2048 kB\n"), Some(2 << 20));
        assert_eq!((cpu_ticks(""), peak_bytes("VmHWM: many kB")), (None, None));
    }

    #[test]
    fn this_process_uses_memory_and_a_process_that_is_gone_does_not() {
        let own = Usage::of(&Process { name: "own".to_owned(), pid: std::process::id() });
        assert!(own.rss_peak_bytes > 1 << 20, "{own:?}");
        // Above the most that Linux gives.
        let gone = Usage::of(&Process { name: "gone".to_owned(), pid: u32::MAX });
        assert_eq!((gone.cpu_ms, gone.rss_peak_bytes), (0, 0));
    }
}
