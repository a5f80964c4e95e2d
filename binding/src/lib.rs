//! `syncline._engine`: the load engine under Python. The only file that knows both.

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::Histogram as Hdr;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use syncline_engine::record;
use syncline_engine::run::{self, StartError};

/// A load under way, started by its plan.
#[pyclass(frozen, module = "syncline._engine")]
struct Run {
    run: Mutex<Option<run::Run>>,
}

#[pymethods]
impl Run {
    #[new]
    fn new(py: Python<'_>, plan_json: &str) -> PyResult<Self> {
        let started = py.detach(|| run::Run::start(plan_json)).map_err(|error| match error {
            StartError::Plan(text) => PyValueError::new_err(("plan", text)),
            StartError::Target(failure) => {
                PyValueError::new_err((failure.kind.name(), failure.text))
            }
        })?;
        Ok(Self { run: Mutex::new(Some(started)) })
    }

    /// Waits up to `timeout_s` seconds, without the GIL; whether the load has ended.
    fn wait(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout_s)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        py.detach(|| self.with(|run| run.wait(timeout)))
    }

    /// Asks the load to end now; what was measured is kept.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.with(run::Run::stop))
    }

    /// `(elapsed_s, ok, failed, timed_out, in_flight, p50_us, p99_us, warmup)`.
    #[allow(clippy::type_complexity)]
    fn glance(
        &self,
        py: Python<'_>,
    ) -> PyResult<(f64, u64, u64, u64, u64, Option<f64>, Option<f64>, bool)> {
        let glance = py.detach(|| self.with(run::Run::glance))?;
        let us = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e3);
        Ok((
            glance.at_ns as f64 / 1e9,
            glance.ok,
            glance.failed,
            glance.timed_out,
            glance.in_flight,
            us(glance.p50_ns),
            us(glance.p99_ns),
            glance.warmup,
        ))
    }

    /// Waits for the end and gives the result as JSON; once.
    fn result(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let run = self.lock()?.take().ok_or_else(taken)?;
            let result = run.finish().map_err(PyRuntimeError::new_err)?;
            serde_json::to_string(&result).map_err(|e| PyRuntimeError::new_err(e.to_string()))
        })
    }
}

impl Run {
    fn lock(&self) -> PyResult<std::sync::MutexGuard<'_, Option<run::Run>>> {
        self.run.lock().map_err(|_| PyRuntimeError::new_err("an earlier call panicked"))
    }

    fn with<T>(&self, act: impl FnOnce(&run::Run) -> T) -> PyResult<T> {
        self.lock()?.as_ref().map(act).ok_or_else(taken)
    }
}

fn taken() -> PyErr {
    PyRuntimeError::new_err("the result of this load has been taken")
}

/// An HdrHistogram of 3 significant digits that grows by itself.
#[pyclass(module = "syncline._engine")]
struct Histogram {
    inner: Hdr<u64>,
}

#[pymethods]
impl Histogram {
    #[new]
    fn new() -> Self {
        Self { inner: record::histogram() }
    }

    /// Reads HdrHistogram V2, compressed or not, base64-encoded.
    #[staticmethod]
    fn decode(text: &str) -> PyResult<Self> {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|error| PyValueError::new_err(format!("not base64: {error}")))?;
        let inner = record::decode(&bytes).map_err(PyValueError::new_err)?;
        Ok(Self { inner })
    }

    /// HdrHistogram V2, compressed, base64-encoded.
    fn encode(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(record::encode(&self.inner))
    }

    /// Records a value, `count` times.
    #[pyo3(signature = (value, count = 1))]
    fn record(&mut self, value: u64, count: u64) -> PyResult<()> {
        self.inner.record_n(value, count).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// Adds another histogram's counts; exact, since all have one precision.
    fn add(&mut self, other: &Self) {
        record::merge(&mut self.inner, &other.inner);
    }

    /// The value at or below which this share of the values lies.
    fn quantile(&self, q: f64) -> PyResult<u64> {
        if !(0.0..=1.0).contains(&q) {
            return Err(PyValueError::new_err(format!("quantile {q} is not within 0 to 1")));
        }
        Ok(self.inner.value_at_quantile(q).min(self.inner.max()))
    }

    /// Rows of a percentile plot: value, quantile, values at or below.
    #[pyo3(signature = (ticks_per_half = 5))]
    fn percentile_rows(&self, ticks_per_half: u32) -> Vec<(u64, f64, u64)> {
        let mut total = 0;
        self.inner
            .iter_quantiles(ticks_per_half)
            .map(|step| {
                total += step.count_since_last_iteration();
                (step.value_iterated_to(), step.quantile_iterated_to(), total)
            })
            .collect()
    }

    /// Recorded buckets: lowest value, highest value, count.
    fn buckets(&self) -> Vec<(u64, u64, u64)> {
        let bounds =
            |value| (self.inner.lowest_equivalent(value), self.inner.highest_equivalent(value));
        self.inner
            .iter_recorded()
            .map(|step| {
                let (low, high) = bounds(step.value_iterated_to());
                (low, high, step.count_at_value())
            })
            .collect()
    }

    /// How many values were recorded.
    #[getter]
    fn count(&self) -> u64 {
        self.inner.len()
    }

    /// The least value, or 0 of none.
    #[getter]
    fn min(&self) -> u64 {
        self.inner.min()
    }

    /// The greatest value, or 0 of none.
    #[getter]
    fn max(&self) -> u64 {
        self.inner.max()
    }

    /// The mean, or 0 of none.
    #[getter]
    fn mean(&self) -> f64 {
        self.inner.mean()
    }

    /// The standard deviation, or 0 of none.
    #[getter]
    fn stdev(&self) -> f64 {
        self.inner.stdev()
    }
}

/// The load engine.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Run>()?;
    module.add_class::<Histogram>()?;
    Ok(())
}
