//! A whole load: threads started, watched, stopped, and their records made one result.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{getrlimit, setrlimit, Resource, Rlimit};

use crate::clock::now_ns;
use crate::connect::{Failure, Target};
use crate::drive::{Driver, ThreadRecord};
use crate::plan::Plan;
use crate::result::LoadResult;
use crate::template::Requests;

/// Descriptors that everything but the load's connections may need.
const SPARE_DESCRIPTORS: u64 = 64;

/// What threads of one load share.
#[derive(Debug)]
pub struct Shared {
    /// What was asked.
    pub plan: Plan,
    /// Where it goes.
    pub target: Target,
    /// What is sent.
    pub requests: Requests,
    stop: AtomicBool,
    barrier: Barrier,
    start: AtomicU64,
    glances: Vec<Mutex<Glance>>,
    /// Threads still running, and the bell for each that ends.
    running: Mutex<usize>,
    ended: Condvar,
}

/// One thread's standing, a few times a second.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Glance {
    pub at_ns: u64,
    pub ok: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub in_flight: u64,
    pub p50_ns: Option<u64>,
    pub p99_ns: Option<u64>,
    pub warmup: bool,
}

impl Shared {
    /// Whether the load is to end now.
    pub fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until every thread is ready; all get the same instant, a little ahead.
    pub fn start_together(&self) -> u64 {
        if self.barrier.wait().is_leader() {
            self.start.store(now_ns() + 200_000, Ordering::SeqCst);
        }
        self.barrier.wait();
        self.start.load(Ordering::SeqCst)
    }

    /// The instant of the load's start, on the clock of [`now_ns`]; 0 before it is known.
    pub fn started_ns(&self) -> u64 {
        self.start.load(Ordering::SeqCst)
    }

    /// Leaves a thread's standing for [`Run::glance`].
    pub fn publish(&self, thread: usize, glance: Glance) {
        *lock(&self.glances[thread]) = glance;
    }
}

/// Why a load could not begin.
#[derive(Debug)]
pub enum StartError {
    /// The plan cannot be meant.
    Plan(String),
    /// The target's name, address or trust is wrong; its kind says which.
    Target(Failure),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plan(text) => f.write_str(text),
            Self::Target(failure) => f.write_str(&failure.text),
        }
    }
}

/// A load under way.
#[derive(Debug)]
pub struct Run {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<ThreadRecord, String>>>,
}

impl Run {
    /// Starts a load.
    pub fn start(plan_json: &str) -> Result<Self, StartError> {
        let plan = Plan::from_json(plan_json).map_err(StartError::Plan)?;
        let target = Target::resolve(&plan).map_err(StartError::Target)?;
        let requests = Requests::compile(&plan, &target.authority).map_err(StartError::Plan)?;
        allow_descriptors(plan.connections as u64);
        let threads = plan.threads;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            barrier: Barrier::new(threads),
            start: AtomicU64::new(0),
            running: Mutex::new(threads),
            ended: Condvar::new(),
            glances: (0..threads).map(|_| Mutex::default()).collect(),
            plan,
            target,
            requests,
        });
        let threads = (0..threads)
            .map(|thread| {
                let slots = share(shared.plan.connections, shared.plan.threads, thread);
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("syncline-{thread}"))
                    .spawn(move || {
                        let _bell = Bell(&shared);
                        Ok(Driver::new(&shared, thread, slots)?.run())
                    })
                    .map_err(|error| StartError::Plan(format!("cannot start a thread: {error}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { shared, threads })
    }

    /// Waits for the end, for so long at most; whether it has come.
    pub fn wait(&self, at_most: Duration) -> bool {
        let running = lock(&self.shared.running);
        let waited = self.shared.ended.wait_timeout_while(running, at_most, |running| *running > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }

    /// Asks the load to end; what was measured so far is kept.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// How it stands: the threads' glances added up. The quantiles are of the thread that has
    /// answered most, which is enough for a glance.
    pub fn glance(&self) -> Glance {
        let mut sum = Glance::default();
        let mut most = 0;
        for glance in &self.shared.glances {
            let glance = lock(glance);
            sum.at_ns = sum.at_ns.max(glance.at_ns);
            sum.ok += glance.ok;
            sum.failed += glance.failed;
            sum.timed_out += glance.timed_out;
            sum.in_flight += glance.in_flight;
            sum.warmup |= glance.warmup;
            if glance.p50_ns.is_some() && glance.ok >= most {
                (most, sum.p50_ns, sum.p99_ns) = (glance.ok, glance.p50_ns, glance.p99_ns);
            }
        }
        sum
    }

    /// Waits for the end and gives the result.
    pub fn finish(self) -> Result<LoadResult, String> {
        let mut records = Vec::with_capacity(self.threads.len());
        for thread in self.threads {
            let record = thread.join().map_err(|_| "a generator thread panicked".to_owned())?;
            records.push(record?);
        }
        Ok(LoadResult::of(&self.shared, records))
    }
}

/// Rings when a thread ends, in whatever way.
struct Bell<'a>(&'a Shared);

impl Drop for Bell<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.ended.notify_all();
    }
}

/// Thread `index`'s share of `whole`.
fn share(whole: usize, threads: usize, index: usize) -> usize {
    whole / threads + usize::from(index < whole % threads)
}

/// Raises the soft limit on descriptors when the plan needs it. If the hard limit forbids,
/// connections beyond it fail as `generator-limit` and the result says so.
fn allow_descriptors(connections: u64) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections + SPARE_DESCRIPTORS;
    if limit.current.is_some_and(|soft| soft < wanted) {
        let current = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_add_up_to_the_whole() {
        for (whole, threads) in [(1, 1), (7, 3), (64, 2), (10, 10)] {
            let sum: usize = (0..threads).map(|i| share(whole, threads, i)).sum();
            assert_eq!(sum, whole);
        }
    }
}
