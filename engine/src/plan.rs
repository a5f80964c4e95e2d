//! The plan: what to send, where, when and within which bounds.
//!
//! It arrives as JSON; unknown fields are refused. `python/syncline/plan.py` documents each
//! field and checks the same bounds with friendlier words; what is checked here protects the
//! engine from a plan that came another way.

use serde::Deserialize;

/// One kind of request of a load.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestSpec {
    pub path: String,
    #[serde(default = "default_method")]
    pub method: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub body_base64: Option<String>,
    #[serde(default = "one")]
    pub weight: f64,
    #[serde(default)]
    pub expect: Vec<u16>,
    #[serde(default = "yes")]
    pub templates: bool,
}

/// When requests start.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Schedule {
    Closed {
        #[serde(default)]
        think_time_s: f64,
    },
    Open {
        phases: Vec<Phase>,
        #[serde(default)]
        arrivals: Arrivals,
        #[serde(default = "default_queue_limit")]
        queue_limit: usize,
    },
}

/// How instants are drawn from the rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Evenly spaced.
    #[default]
    Uniform,
    /// A Poisson process of that rate.
    Poisson,
}

/// A stretch in which the rate goes in a straight line.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Phase {
    pub duration_s: f64,
    pub from_rps: f64,
    pub to_rps: f64,
}

/// Bounds on one request.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Timeouts {
    pub connect_s: f64,
    pub response_s: f64,
    pub total_s: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_s: 5.0, response_s: 30.0, total_s: 60.0 }
    }
}

/// Trust for `https` targets.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Tls {
    pub verify: bool,
    pub ca_file: Option<String>,
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    pub server_name: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { verify: true, ca_file: None, cert_file: None, key_file: None, server_name: None }
    }
}

/// Bounds on what is read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Limits {
    pub header_bytes: usize,
    pub body_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { header_bytes: 65536, body_bytes: None }
    }
}

/// A whole load.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Plan {
    pub target: String,
    #[serde(default)]
    pub addresses: Vec<std::net::IpAddr>,
    pub requests: Vec<RequestSpec>,
    pub schedule: Schedule,
    pub connections: usize,
    #[serde(default = "one_usize")]
    pub threads: usize,
    #[serde(default)]
    pub duration_s: Option<f64>,
    #[serde(default)]
    pub request_count: Option<u64>,
    #[serde(default)]
    pub deadline_s: Option<f64>,
    #[serde(default)]
    pub warmup_s: f64,
    #[serde(default)]
    pub timeouts: Timeouts,
    #[serde(default = "yes")]
    pub keep_alive: bool,
    #[serde(default = "default_protocol")]
    pub protocol: String,
    #[serde(default = "one_u64")]
    pub seed: u64,
    #[serde(default = "one")]
    pub interval_s: f64,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub cookies: bool,
    #[serde(default)]
    pub spin: bool,
    #[serde(default)]
    pub pin_cpus: Vec<usize>,
    #[serde(default = "default_user_agent")]
    pub user_agent: String,
    #[serde(default)]
    pub max_redirects: u32,
}

/// Seconds that a run may outlast its duration before it is cut off.
pub const GRACE_S: f64 = 2.0;

impl Plan {
    /// Reads a plan from JSON and checks its bounds.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let plan: Self = serde_json::from_str(text).map_err(|e| format!("plan: {e}"))?;
        plan.check()?;
        Ok(plan)
    }

    /// The hard end, in seconds since the start.
    pub fn deadline_s(&self) -> f64 {
        self.deadline_s.unwrap_or_else(|| self.duration_s.map_or(600.0, |d| d + GRACE_S))
    }

    fn check(&self) -> Result<(), String> {
        let positive = |name: &str, value: f64| {
            if value > 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(format!("plan: {name} is {value}; it must be above 0"))
            }
        };
        if self.protocol != "http/1.1" {
            return Err(format!("plan: protocol {:?} is not known; http/1.1 is", self.protocol));
        }
        if self.requests.is_empty() {
            return Err("plan: requests is empty; there must be at least one".into());
        }
        for request in &self.requests {
            positive("a request's weight", request.weight)?;
        }
        if self.connections == 0 || self.threads == 0 || self.threads > self.connections {
            return Err(format!(
                "plan: {} threads for {} connections; threads must be 1 to connections",
                self.threads, self.connections
            ));
        }
        if self.duration_s.is_none() && self.request_count.is_none() {
            return Err("plan: neither duration_s nor request_count is given".into());
        }
        if let Some(duration) = self.duration_s {
            positive("duration_s", duration)?;
            if self.warmup_s >= duration {
                return Err("plan: warmup_s must be below duration_s".into());
            }
        }
        positive("interval_s", self.interval_s)?;
        positive("timeouts.connect_s", self.timeouts.connect_s)?;
        positive("timeouts.response_s", self.timeouts.response_s)?;
        positive("timeouts.total_s", self.timeouts.total_s)?;
        if self.warmup_s < 0.0 {
            return Err("plan: warmup_s cannot be negative".into());
        }
        match &self.schedule {
            Schedule::Closed { think_time_s } if *think_time_s < 0.0 => {
                return Err("plan: think_time_s cannot be negative".into());
            }
            Schedule::Open { phases, .. } => {
                if phases.is_empty() {
                    return Err("plan: an open loop needs at least one phase".into());
                }
                for phase in phases {
                    positive("a phase's duration_s", phase.duration_s)?;
                    if !(phase.from_rps >= 0.0 && phase.to_rps >= 0.0) {
                        return Err("plan: a rate is negative".into());
                    }
                }
            }
            Schedule::Closed { .. } => {}
        }
        Ok(())
    }
}

fn default_method() -> String {
    "GET".into()
}
fn default_protocol() -> String {
    "http/1.1".into()
}
fn default_user_agent() -> String {
    "syncline".into()
}
fn default_queue_limit() -> usize {
    1_000_000
}
fn one() -> f64 {
    1.0
}
fn one_usize() -> usize {
    1
}
fn one_u64() -> u64 {
    1
}
fn yes() -> bool {
    true
}
