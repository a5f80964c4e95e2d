//! Planned instants: pure functions of time and count. No clock, no socket.
//!
//! A rate over time is a sequence of straight lines ([`Profile`]); its integral is the number
//! of requests planned until an instant, and the instant of the n-th request is the inverse of
//! that integral. Constant rate, ramp, steps and spikes differ only in their phases; uniform
//! and Poisson arrivals only in the counts that are inverted.

use crate::plan::{Arrivals, Phase};
use crate::random::Random;

/// The rate over time and the inverse of its integral.
#[derive(Debug, Clone)]
pub struct Profile {
    phases: Vec<Phase>,
    /// Per phase: seconds and requests before it begins.
    before: Vec<(f64, f64)>,
    /// Seconds and requests when the last phase has ended.
    end: (f64, f64),
}

impl Profile {
    /// The profile of these phases; the last one's final rate holds for ever.
    pub fn new(phases: &[Phase]) -> Self {
        let mut before = Vec::with_capacity(phases.len());
        let (mut seconds, mut count) = (0.0, 0.0);
        for phase in phases {
            before.push((seconds, count));
            seconds += phase.duration_s;
            count += phase.duration_s * (phase.from_rps + phase.to_rps) / 2.0;
        }
        Self { phases: phases.to_vec(), before, end: (seconds, count) }
    }

    /// The instant, in seconds, by which `count` requests have been planned; None if never.
    pub fn instant(&self, count: f64) -> Option<f64> {
        if count >= self.end.1 {
            let rate = self.phases.last().map_or(0.0, |phase| phase.to_rps);
            return (rate > 0.0).then(|| self.end.0 + (count - self.end.1) / rate);
        }
        // The last phase that begins at or before this count; a phase without requests has the
        // same count before and after it and is skipped.
        let index = self.before.partition_point(|&(_, c)| c <= count) - 1;
        let (seconds, earlier) = self.before[index];
        let Phase { duration_s, from_rps, to_rps } = self.phases[index];
        let wanted = count - earlier;
        // wanted = a t + (b - a) t^2 / (2 d), solved in the form that does not cancel.
        let root = (from_rps * from_rps + 2.0 * wanted * (to_rps - from_rps) / duration_s).sqrt();
        let sum = from_rps + root;
        let within = if sum > 0.0 { 2.0 * wanted / sum } else { 0.0 };
        Some(seconds + within.min(duration_s))
    }

    /// How many requests are planned before an instant, in seconds.
    pub fn count(&self, at_s: f64) -> f64 {
        if at_s >= self.end.0 {
            let rate = self.phases.last().map_or(0.0, |phase| phase.to_rps);
            return self.end.1 + (at_s - self.end.0) * rate;
        }
        let index = self.before.partition_point(|&(s, _)| s <= at_s).max(1) - 1;
        let (seconds, earlier) = self.before[index];
        let Phase { duration_s, from_rps, to_rps } = self.phases[index];
        let t = at_s - seconds;
        earlier + from_rps * t + (to_rps - from_rps) * t * t / (2.0 * duration_s)
    }
}

/// One thread's share of the planned instants, in order.
#[derive(Debug, Clone)]
pub struct Instants {
    profile: Profile,
    arrivals: Arrivals,
    random: Random,
    /// The number of the next request over all threads (uniform).
    number: u64,
    threads: u64,
    /// The count reached so far (Poisson).
    sum: f64,
}

impl Instants {
    /// The instants of thread `thread` out of `threads`.
    ///
    /// Uniform: every `threads`-th instant of the whole, so that the union is the whole.
    /// Poisson: a process of 1/threads of the rate; independent Poisson processes add up to a
    /// Poisson process of the sum of their rates.
    pub fn new(
        profile: Profile,
        arrivals: Arrivals,
        seed: u64,
        thread: usize,
        threads: usize,
    ) -> Self {
        Self {
            profile,
            arrivals,
            random: Random::of(seed, u64::MAX - thread as u64),
            number: thread as u64,
            threads: threads as u64,
            sum: 0.0,
        }
    }
}

impl Iterator for Instants {
    /// Nanoseconds since the load began.
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let count = match self.arrivals {
            Arrivals::Uniform => {
                let count = self.number as f64;
                self.number += self.threads;
                count
            }
            Arrivals::Poisson => {
                // 1 - unit() is in (0, 1], so the logarithm is finite.
                self.sum -= (1.0 - self.random.unit()).ln() * self.threads as f64;
                self.sum
            }
        };
        self.profile.instant(count).map(|seconds| (seconds * 1e9).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(duration_s: f64, from_rps: f64, to_rps: f64) -> Phase {
        Phase { duration_s, from_rps, to_rps }
    }

    fn instants(phases: &[Phase], n: usize) -> Vec<u64> {
        Instants::new(Profile::new(phases), Arrivals::Uniform, 1, 0, 1).take(n).collect()
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced_for_as_long_as_it_lasts() {
        assert_eq!(
            instants(&[phase(1.0, 1000.0, 1000.0)], 4),
            [0, 1_000_000, 2_000_000, 3_000_000]
        );
        let profile = Profile::new(&[phase(1.0, 50_000.0, 50_000.0)]);
        // An hour later the instants are still exact to the nanosecond.
        assert_eq!(profile.instant(50_000.0 * 3600.0 + 1.0), Some(3600.0 + 1.0 / 50_000.0));
    }

    #[test]
    fn a_ramp_plans_the_integral_of_its_rate() {
        // 0 to 100/s in 10 s: t^2 * 5 requests by t.
        let profile = Profile::new(&[phase(10.0, 0.0, 100.0)]);
        for (count, at) in [(0.0, 0.0), (5.0, 1.0), (20.0, 2.0), (125.0, 5.0), (500.0, 10.0)] {
            assert!((profile.instant(count).unwrap() - at).abs() < 1e-9, "{count}");
            assert!((profile.count(at) - count).abs() < 1e-9, "{at}");
        }
        // And its final rate holds.
        assert!((profile.instant(600.0).unwrap() - 11.0).abs() < 1e-9);
    }

    #[test]
    fn a_falling_ramp_and_a_pause_are_planned_too() {
        let profile =
            Profile::new(&[phase(2.0, 100.0, 0.0), phase(3.0, 0.0, 0.0), phase(1.0, 50.0, 50.0)]);
        assert!((profile.instant(99.0).unwrap() - 1.8).abs() < 1e-9);
        assert!((profile.instant(100.0).unwrap() - 5.0).abs() < 1e-9);
        assert!((profile.instant(101.0).unwrap() - 5.02).abs() < 1e-9);
        assert_eq!(Profile::new(&[phase(1.0, 10.0, 0.0)]).instant(6.0), None);
    }

    #[test]
    fn threads_share_the_instants_without_loss() {
        let phases = [phase(1.0, 100.0, 300.0), phase(1.0, 300.0, 300.0)];
        let whole = instants(&phases, 300);
        let mut shared: Vec<u64> = (0..3)
            .flat_map(|thread| {
                Instants::new(Profile::new(&phases), Arrivals::Uniform, 1, thread, 3).take(100)
            })
            .collect();
        shared.sort_unstable();
        assert_eq!(shared, whole);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let profile = Profile::new(&[phase(1.0, 1000.0, 1000.0)]);
        let all: Vec<u64> = (0..2)
            .flat_map(|thread| {
                Instants::new(profile.clone(), Arrivals::Poisson, 3, thread, 2)
                    .take_while(|&at| at < 100_000_000_000)
            })
            .collect();
        // 100,000 expected; five standard deviations are 1,600.
        assert!((98_400..101_600).contains(&all.len()), "{}", all.len());
        let mut bins = vec![0f64; 10_000];
        for at in all {
            bins[(at / 10_000_000) as usize] += 1.0;
        }
        let mean = bins.iter().sum::<f64>() / bins.len() as f64;
        let variance = bins.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / bins.len() as f64;
        // A Poisson count has variance = mean; a uniform one would have none.
        assert!((variance / mean - 1.0).abs() < 0.1, "{variance} {mean}");
    }
}
