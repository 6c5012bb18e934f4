//! Collects every process that ends: the commands, whose status somebody waits for, and the
//! orphans, which the kernel hands to PID 1.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::process::{self, Ending, Target};

/// The process table as far as the agent is concerned.
#[derive(Debug, Default)]
pub struct Reaper {
    table: Mutex<Table>,
    changed: Condvar,
}

/// Guarded state of a [`Reaper`].
#[derive(Debug, Default)]
struct Table {
    /// Children somebody holds a [`Child`] for; `None` while they run.
    children: BTreeMap<i32, Option<Ending>>,
    /// Number of forks so far.
    forks: u64,
    /// No process but the agent exists.
    alone: bool,
}

/// A process that was started here. Dropping it does not end it.
#[derive(Debug)]
pub struct Child {
    reaper: Arc<Reaper>,
    pid: i32,
}

impl Reaper {
    /// Starts the one thread that collects children. There can be only one in a process.
    ///
    /// # Errors
    /// Whatever making a thread says.
    pub fn start() -> io::Result<Arc<Self>> {
        let reaper = Arc::new(Self::default());
        let worker = Arc::clone(&reaper);
        thread::Builder::new()
            .name("reap".into())
            .stack_size(crate::command::STACK)
            .spawn(move || worker.collect())?;
        Ok(reaper)
    }

    /// Runs `fork`, which returns the pid of a new child, and keeps an eye on that child.
    ///
    /// # Errors
    /// Those of `fork`.
    pub fn adopt(self: &Arc<Self>, fork: impl FnOnce() -> io::Result<i32>) -> io::Result<Child> {
        // Under the lock, so that the child cannot be collected before it is in the table.
        let mut table = self.lock();
        let pid = fork()?;
        table.children.insert(pid, None);
        table.forks = table.forks.wrapping_add(1);
        table.alone = false;
        self.changed.notify_all();
        Ok(Child { reaper: Arc::clone(self), pid })
    }

    /// Waits up to `limit` until no process but this one is left; says whether that came true.
    pub fn wait_alone(&self, limit: Duration) -> bool {
        let table = self.lock();
        let (table, _) = self
            .changed
            .wait_timeout_while(table, limit, |table| !table.alone)
            .unwrap_or_else(PoisonError::into_inner);
        table.alone
    }

    /// The thread's work.
    fn collect(&self) {
        loop {
            let forks = self.lock().forks;
            match process::wait_for_zombie() {
                Ok(pid) => {
                    // Still a zombie: until the table says that it has ended, its number
                    // cannot belong to another process, and a signal to it goes astray at worst.
                    let mut table = self.lock();
                    let ending = process::reap(pid);
                    if let (Some(entry), Some(ending)) = (table.children.get_mut(&pid), ending) {
                        *entry = Some(ending);
                    }
                    // Told together with the end of the last child, so that whoever waits for
                    // that child need not wait again to learn that nothing else is left.
                    table.alone = !process::has_children();
                    self.changed.notify_all();
                }
                Err(_) => {
                    let mut table = self.lock();
                    if table.forks == forks {
                        table.alone = true;
                        self.changed.notify_all();
                    }
                    drop(self.changed.wait_while(table, |table| table.alone));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for its end.
    pub fn wait(&self) -> Ending {
        loop {
            // A bound only because the condition variable wants one.
            if let Some(ending) = self.wait_timeout(Duration::from_secs(3600)) {
                return ending;
            }
        }
    }

    /// Waits for its end, up to `limit`.
    pub fn wait_timeout(&self, limit: Duration) -> Option<Ending> {
        let until = Instant::now() + limit;
        let mut table = self.reaper.lock();
        loop {
            match table.children.get(&self.pid) {
                Some(Some(ending)) => return Some(*ending),
                Some(None) => {}
                None => return Some(Ending::Exited(u8::MAX)),
            }
            let left = until.checked_duration_since(Instant::now())?;
            table = self
                .reaper
                .changed
                .wait_timeout(table, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Signals its process group, unless it has ended.
    pub fn signal(&self, signal: i32) {
        let table = self.reaper.lock();
        if table.children.get(&self.pid) == Some(&None) {
            // No such signal, or everybody in the group has just ended: nothing to be done.
            let _ = process::kill(Target::Group(self.pid), signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.reaper.lock().children.remove(&self.pid);
    }
}
