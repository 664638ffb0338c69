//! Processes of a devnet: started with a log of their own, watched, and stopped. None outlives the supervisor.
//!
//! The supervisor holds the writing end of every process' standard input. A process told `--stop-on-stdin-close` stops gracefully
//! when that end closes: because the supervisor wants it to, or because the supervisor is gone, however it went. Each process
//! has a process group of its own, so Ctrl-C in a terminal reaches the supervisor alone, which then stops them in order.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, timeout_at};

/// Time a group of processes has to stop gracefully before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);
/// Lines of a log that are shown when its process is in trouble.
const TAIL_LINES: usize = 15;
/// Bytes of a log that are read for them.
const TAIL_BYTES: u64 = 16 * 1024;

/// Processes that are stopped together, in this order.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// Needs both networks.
    Relayer,
    /// The subnet's validators.
    Child,
    /// The root's validators.
    Parent,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in messages; its log is `name.log`.
    pub name: String,
    /// When it is stopped.
    pub group: Group,
    /// The file to run.
    pub binary: PathBuf,
    /// What it is told.
    pub arguments: Vec<String>,
}

/// Everything that runs.
#[derive(Debug)]
pub struct Fleet {
    logs: PathBuf,
    processes: Vec<Process>,
}

#[derive(Debug)]
struct Process {
    name: String,
    group: Group,
    log: PathBuf,
    child: Child,
    /// Closing it is the wish to stop.
    stdin: Option<ChildStdin>,
}

/// A process cannot run, or ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum ProcessFatal {
    /// The system refuses to start it.
    #[error("{name}: cannot run {binary}: {why}", binary = .binary.display())]
    NotStarted {
        /// Which.
        name: String,
        /// The file.
        binary: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It ended.
    #[error("{name} ended by itself with {status}\n{tail}")]
    Ended {
        /// Which.
        name: String,
        /// Its exit code, or the signal that ended it.
        status: ExitStatus,
        /// The end of its log.
        tail: String,
    },
}

impl Fleet {
    /// Nothing runs yet; logs will be in the directory `logs`.
    #[must_use]
    pub const fn new(logs: PathBuf) -> Self {
        Self { logs, processes: Vec::new() }
    }

    /// Starts `program`. What it writes goes to the end of its log.
    ///
    /// # Errors
    /// [`ProcessFatal::NotStarted`].
    pub fn start(&mut self, program: Program) -> Result<(), ProcessFatal> {
        let Program { name, group, binary, arguments } = program;
        let log = self.logs.join(format!("{name}.log"));
        let mut child = spawn(&binary, &arguments, &log).map_err(|why| ProcessFatal::NotStarted {
            name: name.clone(),
            binary,
            why,
        })?;
        let stdin = child.stdin.take();
        self.processes.push(Process { name, group, log, child, stdin });
        Ok(())
    }

    /// Whether all that was started runs.
    ///
    /// # Errors
    /// [`ProcessFatal::Ended`] for the first that does not.
    pub fn check(&mut self) -> Result<(), ProcessFatal> {
        for process in &mut self.processes {
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(ProcessFatal::Ended { name: process.name.clone(), status, tail: tail(&process.log) });
            }
        }
        Ok(())
    }

    /// All that was started: names, and numbers in the system as long as they run.
    pub fn processes(&self) -> impl Iterator<Item = (&str, u32)> {
        self.processes.iter().filter_map(|process| Some((process.name.as_str(), process.child.id()?)))
    }

    /// The ends of the logs of the processes called `names`, as far as they run.
    #[must_use]
    pub fn tails(&self, names: &[&str]) -> String {
        let wanted = self.processes.iter().filter(|process| names.contains(&process.name.as_str()));
        wanted.map(|process| tail(&process.log)).collect::<Vec<_>>().join("\n")
    }

    /// Stops everything, group after group, and answers who had to be killed because it took longer than `grace`.
    pub async fn stop(&mut self, grace: Duration) -> Vec<String> {
        let mut killed = Vec::new();
        for group in [Group::Relayer, Group::Child, Group::Parent] {
            let mut members: Vec<_> = self.processes.iter_mut().filter(|process| process.group == group).collect();
            for process in &mut members {
                drop(process.stdin.take());
            }
            let until = Instant::now() + grace;
            for process in members {
                if timeout_at(until, process.child.wait()).await.is_err() {
                    // It can only fail for a process that is gone, which is what we want.
                    drop(process.child.kill().await);
                    killed.push(process.name.clone());
                }
            }
        }
        self.processes.clear();
        killed
    }
}

fn spawn(binary: &Path, arguments: &[String], log: &Path) -> io::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    command.process_group(0).kill_on_drop(true).env("NO_COLOR", "1");
    // Settings in the environment are meant for one node, and here are many; what to log may be the same for all.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_setting = name.starts_with("TRIBUTARY_") || name.starts_with("RELAYER_");
        if is_setting && !name.starts_with("TRIBUTARY__LOG__") && !name.starts_with("RELAYER_LOG") {
            command.env_remove(name);
        }
    }
    command.spawn()
}

/// The end of a log, under its path.
fn tail(path: &Path) -> String {
    let lines = last_lines(path).unwrap_or_else(|why| format!("  ({why})"));
    format!("the end of {}:\n{lines}", path.display())
}

fn last_lines(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
    let mut end = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end);
    let lines: Vec<_> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    Ok(last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, group: Group, script: &str) -> Program {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Program { name: name.to_owned(), group, binary: "/bin/sh".into(), arguments }
    }

    #[tokio::test]
    async fn a_process_stops_when_its_standard_input_closes() {
        let directory = tempfile::tempdir().unwrap();
        let mut fleet = Fleet::new(directory.path().to_owned());
        fleet.start(shell("reader", Group::Child, "cat; echo stopped by itself")).unwrap();
        fleet.check().unwrap();
        assert_eq!(fleet.stop(GRACE).await, [""; 0]);
        let log = std::fs::read_to_string(directory.path().join("reader.log")).unwrap();
        assert_eq!(log, "stopped by itself\n");
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_is_told_with_its_code_and_its_last_lines() {
        let directory = tempfile::tempdir().unwrap();
        let mut fleet = Fleet::new(directory.path().to_owned());
        fleet.start(shell("liver", Group::Parent, "cat")).unwrap();
        fleet.start(shell("leaver", Group::Child, "for line in $(seq 40); do echo line $line; done; exit 3")).unwrap();
        drop(fleet.processes[1].child.wait().await);
        let told = fleet.check().unwrap_err().to_string();
        assert!(told.contains("leaver ended by itself with exit status: 3"), "{told}");
        assert!(told.contains("line 40") && told.contains("line 26") && !told.contains("line 25"), "{told}");
        fleet.stop(GRACE).await;
    }

    #[tokio::test]
    async fn a_process_that_will_not_stop_is_killed_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut fleet = Fleet::new(directory.path().to_owned());
        fleet.start(shell("stubborn", Group::Child, "exec sleep 600")).unwrap();
        assert_eq!(fleet.stop(Duration::ZERO).await, ["stubborn"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_path() {
        let fleet = Fleet::new("/nowhere".into())
            .start(Program { binary: "/nowhere/relayer".into(), ..shell("relayer", Group::Relayer, "") });
        assert!(fleet.unwrap_err().to_string().contains("/nowhere/relayer"));
    }
}
