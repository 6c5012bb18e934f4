//! One model: where its weights are and how it is served.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::config::amount;
use crate::flags::{self, FlagError};
use crate::source::Source;
use crate::units;

/// Most arguments of a model.
const MOST_ARGS: usize = 128;

/// Short name of a model: `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

/// It is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no model id: letters, digits, '-', '_' and '.', at most 63, first a letter or digit"
)]
pub struct IdError(String);

impl Id {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of what has none.
    pub(crate) fn model() -> Self {
        Self("model".into())
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        let fits = text.len() <= 63
            && text.bytes().all(plain)
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        match fits {
            true => Ok(Self(text.into())),
            false => Err(IdError(text.into())),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// How many layers the GPU gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GpuLayers {
    /// As many as fit; the server finds out.
    #[default]
    Auto,
    /// That many.
    Count(u16),
}

/// How tokens are chosen. Absent values are the server's or the model's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: Option<f64>,
    /// 1 is off.
    pub top_p: Option<f64>,
    /// 0 is off.
    pub top_k: Option<u32>,
    /// 0 is off.
    pub min_p: Option<f64>,
    /// 1 is off.
    pub typical_p: Option<f64>,
    /// 1 is off.
    pub repeat_penalty: Option<f64>,
    /// How many tokens back a repetition counts; 0 is off.
    pub repeat_last_n: Option<u32>,
    /// 0 is off.
    pub presence_penalty: Option<f64>,
    /// 0 is off.
    pub frequency_penalty: Option<f64>,
    /// For repeatable answers.
    pub seed: Option<u32>,
}

impl Sampling {
    /// As pairs of a key and its value, in a fixed order.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let float = |value: Option<f64>| value.map(|v| v.to_string());
        let whole = |value: Option<u32>| value.map(|v| v.to_string());
        [
            ("temperature", float(self.temperature)),
            ("top_p", float(self.top_p)),
            ("top_k", whole(self.top_k)),
            ("min_p", float(self.min_p)),
            ("typical_p", float(self.typical_p)),
            ("repeat_penalty", float(self.repeat_penalty)),
            ("repeat_last_n", whole(self.repeat_last_n)),
            ("presence_penalty", float(self.presence_penalty)),
            ("frequency_penalty", float(self.frequency_penalty)),
            ("seed", whole(self.seed)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    /// As pairs of an option of the server and its value, in the same order.
    #[must_use]
    pub fn arguments(&self) -> Vec<(String, String)> {
        // The older names, which old and new servers know.
        let option = |key: &str| match key {
            "temperature" => "--temp".to_owned(),
            "typical_p" => "--typical".to_owned(),
            _ => format!("--{}", key.replace('_', "-")),
        };
        self.pairs().into_iter().map(|(key, value)| (option(key), value)).collect()
    }

    /// The key whose value is out of range.
    fn wrong(&self) -> Option<&'static str> {
        [
            ("temperature", self.temperature, 0.0, 100.0),
            ("top_p", self.top_p, 0.0, 1.0),
            ("min_p", self.min_p, 0.0, 1.0),
            ("typical_p", self.typical_p, 0.0, 1.0),
            ("repeat_penalty", self.repeat_penalty, 0.0, 100.0),
            ("presence_penalty", self.presence_penalty, -100.0, 100.0),
            ("frequency_penalty", self.frequency_penalty, -100.0, 100.0),
        ]
        .into_iter()
        .find(|(_, value, least, most)| value.is_some_and(|v| !(*least..=*most).contains(&v)))
        .map(|(key, ..)| key)
    }
}

/// A model.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Short name; what the server calls it.
    pub id: Id,
    /// Weights.
    pub model: Source,
    /// For people; the id without.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For people: how fast it is.
    pub speed: Option<String>,
    /// Context in tokens; the model's own without.
    pub context: Option<u32>,
    /// Layers on the GPU.
    pub gpu_layers: GpuLayers,
    /// The server fits what is not set into the memory of the device.
    pub fit: bool,
    /// Memory of each device that stays free, in MiB.
    pub fit_target: Option<u32>,
    /// Requests at the same time; the server's choice without.
    pub parallel: Option<u16>,
    /// Largest cache of prompts in main memory, in MiB; 0 is none.
    pub cache_ram: Option<u32>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Vision projector.
    pub mmproj: Option<Source>,
    /// Further arguments of the server, one an element.
    pub args: Vec<String>,
    /// Lists leave it out.
    pub hidden: bool,
}

impl Profile {
    /// A model of which only the weights are known.
    #[must_use]
    pub fn new(id: Id, model: Source) -> Self {
        Self {
            id,
            model,
            name: None,
            description: None,
            speed: None,
            context: None,
            gpu_layers: GpuLayers::Auto,
            fit: true,
            fit_target: None,
            parallel: None,
            cache_ram: None,
            sampling: Sampling::default(),
            mmproj: None,
            args: Vec::new(),
            hidden: false,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }
}

/// `[models.ID]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileText {
    #[serde(deserialize_with = "source")]
    model: Source,
    name: Option<String>,
    description: Option<String>,
    speed: Option<String>,
    #[serde(default, deserialize_with = "context")]
    context: Option<u32>,
    #[serde(default, deserialize_with = "gpu_layers")]
    gpu_layers: GpuLayers,
    #[serde(default = "yes")]
    fit: bool,
    fit_target: Option<u32>,
    parallel: Option<u16>,
    cache_ram: Option<u32>,
    #[serde(default)]
    sampling: Sampling,
    #[serde(default, deserialize_with = "projector")]
    mmproj: Option<Source>,
    #[serde(default, deserialize_with = "args")]
    args: Vec<String>,
    #[serde(default)]
    hidden: bool,
}

impl ProfileText {
    /// The model, or what is wrong with it.
    pub(crate) fn check(self, id: Id) -> Result<Profile, String> {
        let texts =
            [("name", &self.name), ("description", &self.description), ("speed", &self.speed)];
        for (key, text) in texts {
            if text.as_ref().is_some_and(|t| t.len() > 500 || t.chars().any(char::is_control)) {
                return Err(format!("models.{id}.{key}: one line of at most 500 bytes"));
            }
        }
        if let Some(key) = self.sampling.wrong() {
            return Err(format!("models.{id}.sampling.{key} is out of range"));
        }
        if self.parallel == Some(0) {
            return Err(format!("models.{id}.parallel: at least 1"));
        }
        Ok(Profile {
            id,
            model: self.model,
            name: self.name,
            description: self.description,
            speed: self.speed,
            context: self.context,
            gpu_layers: self.gpu_layers,
            fit: self.fit,
            fit_target: self.fit_target,
            parallel: self.parallel,
            cache_ram: self.cache_ram,
            sampling: self.sampling,
            mmproj: self.mmproj,
            args: self.args,
            hidden: self.hidden,
        })
    }
}

fn yes() -> bool {
    true
}

/// A source; not a relative path, which would mean another file in each folder.
fn source<'de, D: Deserializer<'de>>(from: D) -> Result<Source, D::Error> {
    let source: Source = String::deserialize(from)?.parse().map_err(D::Error::custom)?;
    match &source {
        Source::File(path) if path.is_relative() && !path.starts_with("~") => {
            Err(D::Error::custom("a path in this file begins with / or ~/"))
        }
        _ => Ok(source),
    }
}

fn projector<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Source>, D::Error> {
    source(from).map(Some)
}

fn context<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    amount(from, units::tokens)
}

fn args<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let args = Vec::<String>::deserialize(from)?;
    check_args(&args).map_err(D::Error::custom)?;
    Ok(args)
}

/// Whether a model may have these arguments.
pub(crate) fn check_args(args: &[String]) -> Result<(), FlagError> {
    if args.len() > MOST_ARGS {
        return Err(FlagError::TooMany);
    }
    args.iter().try_for_each(|arg| flags::check(arg.as_ref()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Layers {
    Number(u16),
    Text(String),
}

fn gpu_layers<'de, D: Deserializer<'de>>(from: D) -> Result<GpuLayers, D::Error> {
    match Layers::deserialize(from) {
        Ok(Layers::Number(count)) => Ok(GpuLayers::Count(count)),
        Ok(Layers::Text(text)) if text == "auto" => Ok(GpuLayers::Auto),
        _ => Err(D::Error::custom("gpu_layers is \"auto\" or a number of layers")),
    }
}

#[cfg(test)]
#[path = "profile_test.rs"]
mod tests;
