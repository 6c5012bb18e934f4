//! Which module files to load, and in which order.

use std::collections::{HashMap, HashSet};

/// Modules cannot be put in order.
#[derive(Debug, thiserror::Error)]
pub enum ModulesError {
    /// The kernel has none of this name.
    #[error("the kernel has no module {0}")]
    Missing(String),
    /// A module needs itself.
    #[error("module {0} needs itself")]
    Cycle(String),
}

/// Paths of the `wanted` modules and of all they need, each after those it needs, as
/// `modules.dep` (see depmod(8)) names them. Names in `builtin` (the text of
/// `modules.builtin`) are part of the kernel and left out.
///
/// # Errors
/// See [`ModulesError`].
pub fn load_order(
    modules_dep: &str,
    builtin: &str,
    wanted: &[String],
) -> Result<Vec<String>, ModulesError> {
    let mut needs: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut paths: HashMap<String, &str> = HashMap::new();
    for line in modules_dep.lines() {
        if let Some((path, rest)) = line.split_once(':') {
            paths.insert(name(path), path);
            needs.insert(path, rest.split_whitespace().collect());
        }
    }
    let builtin: HashSet<String> = builtin.lines().map(name).collect();

    let mut order = Vec::new();
    let mut state = HashMap::new();
    for module in wanted {
        let module = name(module);
        match paths.get(&module) {
            Some(path) => visit(path, &needs, &mut state, &mut order)?,
            None if builtin.contains(&module) => {}
            None => return Err(ModulesError::Missing(module)),
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
}

/// Depth first, with a stack of its own: the file decides how deep it goes.
fn visit<'a>(
    root: &'a str,
    needs: &HashMap<&'a str, Vec<&'a str>>,
    state: &mut HashMap<&'a str, State>,
    order: &mut Vec<String>,
) -> Result<(), ModulesError> {
    let mut stack = vec![(root, false)];
    while let Some((path, left)) = stack.pop() {
        if left {
            state.insert(path, State::Done);
            order.push(path.to_owned());
            continue;
        }
        match state.get(path) {
            Some(State::Done) => continue,
            Some(State::Open) => return Err(ModulesError::Cycle(name(path))),
            None => {}
        }
        let Some(below) = needs.get(path) else {
            return Err(ModulesError::Missing(name(path)));
        };
        state.insert(path, State::Open);
        stack.push((path, true));
        for need in below {
            match state.get(need) {
                Some(State::Done) => {}
                Some(State::Open) => return Err(ModulesError::Cycle(name(need))),
                None => stack.push((need, false)),
            }
        }
    }
    Ok(())
}

/// A module's name: its file's, without `.ko` and what follows, with `_` for `-`.
fn name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split_once(".ko").map_or(file, |(stem, _)| stem);
    stem.replace('-', "_")
}

#[cfg(test)]
#[path = "modules_test.rs"]
mod tests;
