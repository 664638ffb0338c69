//! `tributary`: see `--help`.

use std::process::ExitCode;

use tributary_cli::cli::{self, Cli};
use tributary_cli::commands;
use tributary_cli::hand_in::HandedIn;
use tributary_cli::trouble::Trouble;
use tributary_service::stop::StopSignal;

fn main() -> ExitCode {
    let Cli { json, command } = match cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let handed_in = HandedIn::nothing(json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return Trouble::local(format!("the system has no threads for it: {why}")).tell(json),
    };
    let ended = runtime.block_on(async {
        let mut stop =
            StopSignal::listen().map_err(|why| Trouble::local(format!("cannot listen to signals: {why}")))?;
        tokio::select! {
            ended = commands::run(command, json, &handed_in) => ended,
            _ = stop.wait() => Err(Trouble::interrupted()),
        }
    });
    // Not dropped: that would wait for whoever still reads a file or a terminal.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => handed_in.told(trouble).tell(json),
    }
}
