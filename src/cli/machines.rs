//! `qvm ps` and `qvm exec`.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use super::args::ExecArgs;
use crate::{
    error::{Error, plain},
    policy::{PolicyError, env, host::Host},
    session::{self, ExecRequest, Info},
};

/// Runs a further command in a machine.
pub fn exec(args: ExecArgs, host: &Host) -> Result<u8, Error> {
    let env = env::build(&host.env, &args.env).map_err(PolicyError::from)?;
    let request =
        ExecRequest { argv: args.command, env, workdir: args.workdir, guest_root: args.guest_root };
    Ok(session::exec(&args.name, request)?)
}

/// Prints the machines that run.
pub fn list(json: bool) -> Result<u8, Error> {
    let machines = session::list().map_err(session::Error::from)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let text = if json { super::json(&machines) } else { table(&machines, now) };
    super::print(&text).map(|()| 0)
}

/// For people. What a session says of itself is not trusted to be printable.
fn table(machines: &[Info], now: u64) -> String {
    let width = machines.iter().map(|m| m.name.len()).max().unwrap_or(0).clamp(4, 63);
    let mut text = format!("{:<width$}  PID      ACCEL  UP        WORKSPACE: COMMAND\n", "NAME");
    for m in machines {
        let up = age(now.saturating_sub(m.started));
        let (name, accel) = (plain(&m.name), plain(&m.accel));
        let what = plain(&format!("{}: {}", m.workspace, m.command));
        let _ = writeln!(text, "{name:<width$}  {:<7}  {accel:<5}  {up:<8}  {what}", m.pid);
    }
    text
}

/// Seconds for people, in the two largest units.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

#[cfg(test)]
#[path = "machines_test.rs"]
mod tests;
