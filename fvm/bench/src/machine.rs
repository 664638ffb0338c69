//! Where it was measured, as far as Linux says.

use std::{fmt, fs};

use serde::Serialize;

use crate::threads::cores;

/// This crate has no debug assertions in either profile, so it cannot ask; a profile's folder is where its programs lie.
fn profile() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    folder.to_string_lossy().into_owned()
}

/// The machine and the build.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, in KiB.
    pub memory_kib: Option<u64>,
    /// Processes that ran or waited to run before the first block, over the last minute: two idle cores have 0.
    pub load: String,
    /// Kernel.
    pub system: String,
    /// The folder that this program was built into: `debug` or `release`.
    pub profile: String,
    /// The compiler, where one is installed.
    pub rustc: Option<String>,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn this() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: field(&cpu, "model name").unwrap_or("unknown").to_owned(),
            cores: cores(),
            memory_kib: kib("/proc/meminfo", "MemTotal"),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            system: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            profile: profile(),
            rustc: rustc(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, load, system, profile, rustc, .. } = self;
        write!(f, "{cpu}, {cores} cores, load {load}, Linux {system}; built into {profile}/")?;
        rustc.as_ref().map_or(Ok(()), |rustc| write!(f, "; {rustc}"))
    }
}

/// The peak of this process's resident memory since some moment.
pub struct PeakMemory(());

impl PeakMemory {
    /// Since now. Where the kernel does not forget the earlier peak, since the process began.
    #[must_use]
    pub fn from_now() -> Self {
        // Linux, proc(5): 5 resets the peak. A kernel that refuses leaves a larger one.
        let _refused = fs::write("/proc/self/clear_refs", "5");
        Self(())
    }

    /// In KiB; `None` where the kernel does not tell.
    #[must_use]
    pub fn kib(&self) -> Option<u64> {
        kib("/proc/self/status", "VmHWM")
    }
}

fn kib(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    field(&text, name)?.strip_suffix(" kB")?.trim().parse().ok()
}

/// What follows `name` and a colon.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

fn rustc() -> Option<String> {
    let said = std::process::Command::new("rustc").arg("--version").output().ok()?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "VmHWMx:\t1 kB\nVmHWM:\t  2100 kB\n";
        assert_eq!((field(text, "VmHWM"), field(text, "Vm")), (Some("2100 kB"), None));
    }
}
