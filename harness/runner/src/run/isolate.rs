//! Runs a piece of work so that neither a panic nor a hang of it reaches the rest of the run.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::stop::Stop;

/// How often a wait looks at the stop flag.
const POLL: Duration = Duration::from_millis(50);
/// How long work under way may go on after the run was stopped.
const GRACE: Duration = Duration::from_secs(1);
/// Threads of isolated work have this in front of their name.
const THREAD_PREFIX: &str = "case ";

/// How isolated work ended.
#[derive(Debug)]
pub(crate) enum Isolated<T> {
    /// With a result.
    Done(T),
    /// It panicked; the text has message and place.
    Panicked(String),
    /// It took longer than allowed. Its thread is left to itself.
    Hung,
    /// The run was stopped. Its thread is left to itself.
    Stopped,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work` in a thread of its own.
pub(crate) fn isolate<T: Send + 'static>(
    name: &str,
    limit: Duration,
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Isolated<T> {
    remember_panics();
    let (sender, receiver) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new().name(format!("{THREAD_PREFIX}{name}")).spawn(move || {
        let result =
            panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| panic_text(payload.as_ref()));
        // Nobody listens any more when the work came too late.
        let _ = sender.send(result);
    });
    if let Err(error) = spawned {
        return Isolated::Panicked(format!("cannot start a thread: {error}"));
    }
    let mut deadline = Instant::now() + limit;
    let mut stopped = false;
    loop {
        if !stopped && stop.is_set() {
            stopped = true;
            deadline = deadline.min(Instant::now() + GRACE);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(POLL)) {
            Ok(Ok(result)) => return Isolated::Done(result),
            Ok(Err(panic)) => return Isolated::Panicked(panic),
            Err(RecvTimeoutError::Disconnected) => {
                return Isolated::Panicked("the thread ended without a result".to_owned());
            }
            Err(RecvTimeoutError::Timeout) if left > POLL => {}
            Err(RecvTimeoutError::Timeout) if stopped => return Isolated::Stopped,
            Err(RecvTimeoutError::Timeout) => return Isolated::Hung,
        }
    }
}

/// Keeps message and place of a panic in isolated work, which would otherwise be printed into the progress display.
fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name().is_some_and(|name| name.starts_with(THREAD_PREFIX)) {
                LAST_PANIC.with(|last| *last.borrow_mut() = Some(info.to_string()));
            } else {
                print(info);
            }
        }));
    });
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let remembered = LAST_PANIC.with(|last| last.borrow_mut().take());
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    remembered
        .or(text)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without message".to_owned())
        .replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn work_that_ends_gives_its_result() {
        assert!(matches!(isolate("a", LONG, &Stop::default(), || 7), Isolated::Done(7)));
    }

    #[test]
    fn a_panic_becomes_a_text_with_its_place() {
        let Isolated::Panicked(text) = isolate("a", LONG, &Stop::default(), || panic!("at message {}", 5))
        else {
            panic!("no panic was met");
        };
        assert!(text.contains("at message 5") && text.contains("isolate.rs"), "{text}");
    }

    #[test]
    fn work_that_hangs_is_left_to_itself() {
        let hang = || thread::sleep(LONG);
        assert!(matches!(isolate("a", Duration::from_millis(20), &Stop::default(), hang), Isolated::Hung));
    }

    #[test]
    fn a_stop_ends_the_wait_long_before_the_limit() {
        let stop = Stop::default();
        stop.set();
        let start = Instant::now();
        assert!(matches!(isolate("a", LONG, &stop, || thread::sleep(LONG)), Isolated::Stopped));
        assert!(start.elapsed() < LONG / 2);
    }
}
