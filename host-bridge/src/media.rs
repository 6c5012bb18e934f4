//! Media in a request must come along in it, as `data:` URLs or base64: a server that is given an
//! address fetches it, or reads a file of the host.
//!
//! The whole body is walked without building a tree of it, so memory is bounded, and so is the
//! depth (serde_json's 128). Where a key occurs twice, each value counts.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::text::Text;

/// What the value being looked at may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anything.
    Plain,
    /// Of `image_url` and the like: a string must be a `data:` URL, as must `url` within.
    Url,
    /// Of `input_audio`: a string must be base64 or a `data:` URL, as must `data` within.
    Inline,
    /// Of `source` and `file`: an object that may name where to get the media.
    Source,
    /// Of the body itself.
    Root,
    /// `messages`, one of them, its `content`, a part of that.
    Messages,
    Message,
    Content,
    Part,
    /// Of `tools` and of a tool's arguments: only shown to the model, not fetched by the server.
    Free,
}

/// What a value turned out to be, for the object that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The string names a kind of media.
    Media,
    /// The string is `url`: as the type of a source, it is elsewhere.
    Elsewhere,
    /// The string is `file`: the same, but as the type of a part it is media.
    File,
    /// The string looks like an address: it has a colon and is no `data:` URL.
    Address,
    /// Anything else.
    Other,
}

/// Says what is wrong with `body`, a JSON text, if it is not JSON or has media that are elsewhere.
pub(crate) fn check(body: &str) -> Result<(), serde_json::Error> {
    walk(body, Place::Root)
}

/// The same of a value that is moved to where no tool's arguments are.
pub(crate) fn check_moved(value: &str) -> Result<(), serde_json::Error> {
    walk(value, Place::Plain)
}

fn walk(text: &str, place: Place) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    Walk(place).deserialize(&mut json)?;
    json.end()
}

struct Walk(Place);

impl Walk {
    /// Where the value of `key` stands.
    fn child(&self, key: &str) -> Place {
        match (self.0, key) {
            (Place::Free, _) | (Place::Root, "tools") | (Place::Part, "input") => Place::Free,
            (_, "image_url" | "video_url" | "audio_url" | "file_url")
            | (Place::Url | Place::Source, "url") => Place::Url,
            (_, "input_audio" | "input_image" | "input_video" | "file_data")
            | (Place::Inline, "data" | "url") => Place::Inline,
            (_, "source" | "file") => Place::Source,
            (Place::Root, "messages") => Place::Messages,
            (Place::Message | Place::Part, "content") => Place::Content,
            _ => Place::Plain,
        }
    }

    /// Where an array's elements stand.
    fn element(&self) -> Place {
        match self.0 {
            Place::Messages => Place::Message,
            Place::Content => Place::Part,
            place => place,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found, E> {
        let inline = text.starts_with("data:");
        let address = !inline && text.contains(':');
        match self.0 {
            Place::Url if !inline => Err(refused()),
            Place::Inline if address => Err(refused()),
            _ if address => Ok(Found::Address),
            _ => Ok(match text {
                "url" => Found::Elsewhere,
                "image" | "image_url" | "input_image" | "video" | "video_url" | "input_video"
                | "audio" | "audio_url" | "input_audio" | "document" | "media" | "input_file" => {
                    Found::Media
                }
                "file" => Found::File,
                _ => Found::Other,
            }),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        while items.next_element_seed(Walk(self.element()))?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found, A::Error> {
        let (mut media, mut elsewhere) = (false, false);
        while let Some(Text(key)) = fields.next_key()? {
            let found = fields.next_value_seed(Walk(self.child(&key)))?;
            if self.0 == Place::Free {
                continue;
            }
            match (&*key, found) {
                ("type", Found::Elsewhere | Found::File) | ("file_id", _)
                    if self.0 == Place::Source =>
                {
                    return Err(refused());
                }
                ("type", Found::Media | Found::File) => media = true,
                ("file_id", _) => elsewhere = true,
                ("url" | "image" | "audio" | "video" | "data", Found::Address) => elsewhere = true,
                _ => {}
            }
        }
        if media && elsewhere { Err(refused()) } else { Ok(Found::Other) }
    }
}

fn refused<E: Error>() -> E {
    E::custom(
        "images, audio and files must be part of the request, as data: URLs or base64: \
         the model server fetches nothing",
    )
}

#[cfg(test)]
#[path = "media_test.rs"]
mod tests;
