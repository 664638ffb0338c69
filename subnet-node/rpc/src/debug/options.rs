//! What a caller asks of a trace, and what this node lets it cost.
//!
//! | tracer | options in `tracerConfig` |
//! |---|---|
//! | none: the struct logger | none; its own stand beside `tracer` |
//! | `callTracer` | `onlyTopCall`, `withLog` |
//! | `prestateTracer` | `diffMode`, `disableCode`, `disableStorage`, `includeEmpty` |
//! | `4byteTracer`, `noopTracer` | none |
//!
//! An option that is not known is refused by name: it must not be silently without effect. The struct logger's options have none where
//! another tracer is named, as with go-ethereum. `reexec` and `debug` are taken and mean nothing: states are kept, or they are not, and
//! nothing is printed. A call may find accounts and its block otherwise: `stateOverrides`, `blockOverrides`, as with `eth_call`.
//!
//! Source: Ethereum's execution API, `TraceConfig`; go-ethereum, `eth/tracers/api.go`, `TraceCallConfig`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tributary_fvm::Overrides;
use tributary_fvm::trace::{StateOptions, StepOptions, TraceLimits, TraceRequest, Wanted};

use crate::config::RpcConfig;
use crate::error::RpcRejected;
use crate::eth::{BlockOverridesJson, StateOverrides};

/// Options as they come.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TraceOptions {
    tracer: Option<String>,
    tracer_config: Option<Value>,
    timeout: Option<String>,
    #[serde(rename = "reexec")]
    _reexec: Option<u64>,
    enable_memory: bool,
    /// What memory was asked for by before go-ethereum 1.10: off unless told, here as there since.
    disable_memory: Option<bool>,
    disable_stack: bool,
    disable_storage: bool,
    enable_return_data: bool,
    limit: usize,
    /// Whether the client prints the trace as well: it does not.
    #[serde(rename = "debug")]
    _debug: bool,
    state_overrides: Option<StateOverrides>,
    block_overrides: Option<BlockOverridesJson>,
    tx_index: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct CallOptions {
    only_top_call: bool,
    with_log: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct PrestateOptions {
    diff_mode: bool,
    disable_code: bool,
    disable_storage: bool,
    include_empty: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

/// Options, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) wanted: Wanted,
    /// Whether frames are shown with what they emitted.
    pub(super) with_log: bool,
    timeout: Option<Duration>,
}

impl TraceOptions {
    /// What these mean for transactions, as the parameter at `position`.
    pub(super) fn asked(self, position: usize) -> Result<Asked, RpcRejected> {
        let (asked, overrides) = self.asked_of_call(position)?;
        if !overrides.is_empty() {
            let why = "stateOverrides and blockOverrides are for calls: a transaction is traced as it ran";
            return Err(RpcRejected::argument(position, why));
        }
        Ok(asked)
    }

    /// What they mean for a call, and what it is to find otherwise.
    pub(super) fn asked_of_call(mut self, position: usize) -> Result<(Asked, Overrides), RpcRejected> {
        let refuse = |why: String| RpcRejected::argument(position, why);
        let accounts = self.state_overrides.take().unwrap_or_default().read(position)?;
        let block = self.block_overrides.take().unwrap_or_default().read(position)?;
        if self.tx_index.as_ref().is_some_and(|index| !index.is_null()) {
            return Err(refuse("txIndex is not served: calls run on the state after a block".to_owned()));
        }
        let timeout = self.timeout.as_deref().map(duration).transpose().map_err(refuse)?;
        let (wanted, with_log) = self.wanted().map_err(refuse)?;
        Ok((Asked { wanted, with_log, timeout }, Overrides { accounts, block }))
    }

    fn wanted(self) -> Result<(Wanted, bool), String> {
        let config = self.tracer_config;
        match self.tracer.as_deref() {
            None | Some("") => {
                read::<NoOptions>(config)?;
                let options = StepOptions {
                    stack: !self.disable_stack,
                    memory: self.enable_memory || self.disable_memory == Some(false),
                    storage: !self.disable_storage,
                    return_data: self.enable_return_data,
                    count_max: self.limit,
                };
                Ok((Wanted::Steps(options), false))
            }
            Some("callTracer") => {
                let CallOptions { only_top_call, with_log } = read(config)?;
                Ok((Wanted::Calls { only_top: only_top_call }, with_log))
            }
            Some("prestateTracer") => {
                let PrestateOptions { diff_mode, disable_code, disable_storage, include_empty } = read(config)?;
                if diff_mode && include_empty {
                    return Err("cannot use diffMode with includeEmpty".to_owned());
                }
                let options = StateOptions {
                    is_diff: diff_mode,
                    without_code: disable_code,
                    without_storage: disable_storage,
                    with_empty: include_empty,
                };
                Ok((Wanted::States(options), false))
            }
            Some("4byteTracer") => read::<NoOptions>(config).map(|_| (Wanted::Selectors, false)),
            Some("noopTracer") => read::<NoOptions>(config).map(|_| (Wanted::Nothing, false)),
            Some(script) if script.contains(['{', '(']) => {
                Err("tracer not found: tracers written in JavaScript are not run here".to_owned())
            }
            Some(name) => Err(format!(
                "tracer not found: {name:.40}; there are callTracer, prestateTracer, 4byteTracer, noopTracer, and without a name the struct logger"
            )),
        }
    }
}

impl Asked {
    /// The same with this node's limits, its time running from now.
    pub(super) fn request(&self, config: &RpcConfig) -> TraceRequest {
        TraceRequest { wanted: self.wanted, limits: limits(config, self.timeout) }
    }
}

/// What one trace may cost here, its time running from now; no more than `timeout`, if that is less.
pub fn limits(config: &RpcConfig, timeout: Option<Duration>) -> TraceLimits {
    let time = timeout.map_or(config.trace_time_max, |timeout| timeout.min(config.trace_time_max));
    let started = Instant::now();
    TraceLimits {
        steps_max: config.trace_steps_max,
        bytes_max: config.response_bytes_max.into(),
        is_late: Arc::new(move || started.elapsed() >= time),
    }
}

fn read<T: DeserializeOwned + Default>(config: Option<Value>) -> Result<T, String> {
    match config {
        None | Some(Value::Null) => Ok(T::default()),
        Some(config) => serde_json::from_value(config).map_err(|why| format!("tracerConfig: {why}")),
    }
}

/// A time as Go writes it, of whole units: `5s`, `1m30s`, `300ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (mut rest, mut sum) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at(digits);
        let length = unit.bytes().take_while(|byte| !byte.is_ascii_digit()).count();
        let (unit, next) = unit.split_at(length);
        let number: u32 = number.parse().map_err(|_| invalid())?;
        let unit = match unit {
            "ns" => Duration::from_nanos(1),
            "us" | "µs" => Duration::from_micros(1),
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            _ => return Err(invalid()),
        };
        sum = unit.checked_mul(number).and_then(|time| sum.checked_add(time)).ok_or_else(invalid)?;
        rest = next;
    }
    if text.is_empty() { Err(invalid()) } else { Ok(sum) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(options: Value) -> Result<Asked, String> {
        let options: TraceOptions = serde_json::from_value(options).map_err(|why| why.to_string())?;
        options.asked(1).map_err(|why| why.to_string())
    }

    const STEPS: StepOptions =
        StepOptions { stack: true, memory: false, storage: true, return_data: false, count_max: 0 };

    #[test]
    fn each_option_is_honoured() {
        let states = StateOptions::default();
        for (options, wanted) in [
            (json!({}), Wanted::Steps(STEPS)),
            (
                json!({ "enableMemory": true, "limit": 5 }),
                Wanted::Steps(StepOptions { memory: true, count_max: 5, ..STEPS }),
            ),
            (json!({ "disableMemory": false }), Wanted::Steps(StepOptions { memory: true, ..STEPS })),
            (
                json!({ "disableStack": true, "disableStorage": true, "enableReturnData": true, "disableMemory": true }),
                Wanted::Steps(StepOptions { stack: false, storage: false, return_data: true, ..STEPS }),
            ),
            (json!({ "tracer": "callTracer", "reexec": 128 }), Wanted::Calls { only_top: false }),
            (
                json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } }),
                Wanted::Calls { only_top: true },
            ),
            (json!({ "tracer": "prestateTracer", "tracerConfig": null }), Wanted::States(states)),
            (
                json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true, "disableCode": true } }),
                Wanted::States(StateOptions { is_diff: true, without_code: true, ..states }),
            ),
            (
                json!({ "tracer": "prestateTracer", "tracerConfig": { "disableStorage": true, "includeEmpty": true } }),
                Wanted::States(StateOptions { without_storage: true, with_empty: true, ..states }),
            ),
            (json!({ "tracer": "4byteTracer" }), Wanted::Selectors),
            (json!({ "tracer": "noopTracer", "stateOverrides": {}, "debug": true }), Wanted::Nothing),
        ] {
            assert_eq!(asked(options.clone()).map(|asked| asked.wanted), Ok(wanted), "{options}");
        }
        let with_log = asked(json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } })).unwrap();
        assert!(with_log.with_log);
        assert_eq!(asked(json!({ "timeout": "1m30s" })).unwrap().timeout, Some(Duration::from_secs(90)));
    }

    const SOMEBODY: &str = "0x00000000000000000000000000000000000000aa";

    #[test]
    fn a_call_may_find_accounts_and_its_block_otherwise() {
        let of_call = |options: Value| serde_json::from_value::<TraceOptions>(options).unwrap().asked_of_call(2);
        let options = json!({
            "tracer": "noopTracer",
            "stateOverrides": { SOMEBODY: { "nonce": "0x7" } },
            "blockOverrides": { "number": "0x9" },
        });
        let (asked, overrides) = of_call(options).unwrap();
        assert_eq!(asked.wanted, Wanted::Nothing);
        assert_eq!(overrides.block.height, Some(tributary_primitives::Height(9)));
        let accounts: Vec<_> =
            overrides.accounts.into_iter().map(|(address, account)| (address.0[19], account.nonce)).collect();
        assert_eq!(accounts, [(0xaa, Some(7))]);
        let refused = of_call(json!({ "blockOverrides": { "difficulty": "0x1" } })).unwrap_err().to_string();
        assert!(refused.contains("argument 2") && refused.contains("proof of work"), "{refused}");
    }

    #[test]
    fn each_option_that_is_not_is_refused_for_its_own_reason() {
        for (options, reason) in [
            (json!({ "tracer": "flatCallTracer" }), "tracer not found: flatCallTracer; there are callTracer"),
            (json!({ "tracer": "{data: [], fault: function(log) {}}" }), "written in JavaScript"),
            (json!({ "tracer": "callTracer", "tracerConfig": { "diffMode": true } }), "unknown field `diffMode`"),
            (json!({ "tracer": "4byteTracer", "tracerConfig": { "withLog": true } }), "unknown field `withLog`"),
            (json!({ "tracerConfig": { "withLog": true } }), "unknown field `withLog`"),
            (
                json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true, "includeEmpty": true } }),
                "cannot use diffMode with includeEmpty",
            ),
            (json!({ "tracers": "callTracer" }), "unknown field `tracers`"),
            (json!({ "timeout": "5" }), "time: invalid duration \"5\""),
            (json!({ "timeout": "" }), "time: invalid duration \"\""),
            (json!({ "timeout": "-1s" }), "time: invalid duration \"-1s\""),
            (json!({ "stateOverrides": { SOMEBODY: {} } }), "a transaction is traced as it ran"),
            (json!({ "blockOverrides": { "number": "0x1" } }), "a transaction is traced as it ran"),
            (json!({ "txIndex": "0x1" }), "txIndex is not served"),
        ] {
            let refused = asked(options.clone()).unwrap_err();
            assert!(refused.contains(reason), "{options}: {refused}");
        }
    }

    #[test]
    fn a_trace_takes_no_longer_than_the_node_allows_nor_than_it_was_asked_to() {
        let config = |time| RpcConfig { trace_time_max: time, ..RpcConfig::default() };
        let (never, hour) = (Duration::ZERO, Duration::from_secs(3_600));
        assert!((limits(&config(hour), Some(never)).is_late)());
        assert!((limits(&config(never), Some(hour)).is_late)());
        assert!(!(limits(&config(hour), None).is_late)());
    }
}
