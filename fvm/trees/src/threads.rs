//! Work that is shared among threads.

use std::sync::Mutex;
use std::thread;

/// Does `each` to every item, on up to `threads` threads, this one among them. They take items as they are done with the last one, so none
/// waits long for another. Cost: 20 µs to start a thread.
pub(crate) fn share<T: Send>(items: impl Iterator<Item = T> + Send, threads: usize, each: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    let next = || items.lock().expect("taking an item does not panic").next();
    let work = || {
        while let Some(item) = next() {
            each(item);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // One that the system refuses leaves its work to the others.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}
