//! Tells on standard error how far a large file is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::files::{FileUnavailable, unavailable};

/// Bytes from one line to the next: a few seconds' work. A smaller file is done in silence.
const STEP: u64 = 64 * MIB;
const MIB: u64 = 1024 * 1024;

/// A file, and how much of it went by.
#[derive(Debug)]
pub struct Progress<F> {
    file: F,
    path: PathBuf,
    done: u64,
    total: Option<u64>,
}

impl Progress<File> {
    /// A file that is read to its end.
    ///
    /// # Errors
    /// When its size is not to be had.
    pub fn reading(path: &Path, file: File) -> Result<Self, FileUnavailable> {
        let total = file.metadata().map_err(unavailable(path))?.len();
        Ok(Self { file, path: path.to_owned(), done: 0, total: Some(total) })
    }
}

impl<F> Progress<F> {
    /// A file that is written, nobody knows how long.
    pub fn writing(path: &Path, file: F) -> Self {
        Self { file, path: path.to_owned(), done: 0, total: None }
    }

    /// The file.
    pub fn into_inner(self) -> F {
        self.file
    }

    fn pass(&mut self, bytes: usize) {
        let before = self.done;
        self.done = before.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if before / STEP != self.done / STEP {
            // Nobody may be listening; the work goes on.
            drop(writeln!(io::stderr(), "{}", self.line()));
        }
    }

    fn line(&self) -> String {
        let of = self.total.map_or(String::new(), |total| format!(" of {}", total / MIB));
        format!("{}: {}{of} MiB", self.path.display(), self.done / MIB)
    }
}

impl<F: Read> Read for Progress<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(into)?;
        self.pass(bytes);
        Ok(bytes)
    }
}

impl<F: Write> Write for Progress<F> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let bytes = self.file.write(from)?;
        self.pass(bytes);
        Ok(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_is_counted_and_unchanged() {
        let mut progress = Progress::writing(Path::new("state.car"), Vec::new());
        progress.write_all(&vec![7; 3 * 1024 * 1024]).unwrap();
        assert_eq!(progress.line(), "state.car: 3 MiB");
        let mut progress =
            Progress { total: Some(9 * MIB), ..Progress::writing(Path::new("state.car"), &[1_u8, 2][..]) };
        let mut read = Vec::new();
        progress.read_to_end(&mut read).unwrap();
        assert_eq!((read, progress.done, progress.line().as_str()), (vec![1, 2], 2, "state.car: 0 of 9 MiB"));
    }
}
