//! Files of tests, judged by several threads.

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tributary_fvm::Executor;

use crate::fixture::{self, Test};
use crate::fork::{Fork, Rule};
use crate::judge::{Verdict, judge};
use crate::ours::{OursFatal, World};
use crate::report::{Failure, Report};

/// A file of tests, and the folder that it counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its folder below the path that was asked for; that path's own name for files right in it.
    pub folder: String,
}

/// Every `.json` file at or below `path`, in order of names. Folders that start with a dot hold no tests.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(path: &Path) -> io::Result<Vec<File>> {
    if path.is_file() {
        return Ok(vec![File { path: path.to_owned(), folder: name_of(path) }]);
    }
    let mut found = Vec::new();
    collect(path, &name_of(path), "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, top: &str, below: &str, found: &mut Vec<File>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for path in entries.iter().map(std::fs::DirEntry::path) {
        let name = name_of(&path);
        if path.is_dir() && !name.starts_with('.') {
            let below = if below.is_empty() { name } else { format!("{below}/{name}") };
            collect(&path, top, &below, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let folder = if below.is_empty() { top } else { below };
            found.push(File { path, folder: folder.to_owned() });
        }
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Judges every entry of `fork` in `files` with `jobs` threads. `progress` is told after each file how many are done.
pub fn run(
    executor: &Executor,
    files: &[File],
    fork: Fork,
    jobs: NonZeroUsize,
    progress: impl Fn(usize) + Sync,
) -> Report {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = judge_file(executor, file, fork);
                    total.lock().unwrap_or_else(PoisonError::into_inner).merge(report);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let mut report = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.failures.sort_by(|one, other| one.case.cmp(&other.case));
    report
}

fn judge_file(executor: &Executor, file: &File, fork: Fork) -> Report {
    let mut report = Report { files: 1, ..Report::default() };
    match fixture::read(&file.path) {
        Ok(tests) => tests.iter().for_each(|test| judge_test(executor, file, test, fork, &mut report)),
        Err(why) => report.failures.push(Failure { case: file.path.display().to_string(), why: why.to_string() }),
    }
    report
}

fn judge_test(executor: &Executor, file: &File, test: &Test, fork: Fork, report: &mut Report) {
    let Some(entries) = test.entries.get(fork.name()) else {
        report.tests_of_other_forks += 1;
        return;
    };
    let case = |label: &str| format!("{} {} {label}", file.path.display(), test.name);
    let world = match World::new(executor, &test.env, &test.pre) {
        Ok(world) => world,
        Err(why) => {
            let verdict = match why {
                OursFatal::ActorAddress(_) => Verdict::Deviation(Rule::ActorAddress),
                other => Verdict::Failed(other.to_string()),
            };
            return entries.iter().for_each(|entry| report.count(&file.folder, verdict.clone(), || case(&entry.label)));
        }
    };
    for entry in entries {
        // A panic is a bug of ours to be listed with the entry that shows it, and no reason to lose the others.
        let verdict = catch_unwind(AssertUnwindSafe(|| judge(&world, test, entry, fork)));
        let verdict = match verdict {
            Ok(verdict) => verdict.unwrap_or_else(|why| Verdict::Failed(why.to_string())),
            Err(_) => Verdict::Failed("panics".to_owned()),
        };
        report.count(&file.folder, verdict, || case(&entry.label));
    }
}
