//! A model small enough to make for a test, that a real llama-server loads and generates from.
//!
//! It is of the llama architecture with random weights: two layers of 64, about half a megabyte.
//! Its vocabulary is one token a byte, so that every text can be tokenised, and its output layer
//! favours lower-case letters, so that what it says is nonsense but text. The same bytes every
//! time. The format is [GGUF] version 3: header, key-value pairs, tensor table, aligned data.
//!
//! [GGUF]: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

use std::{fs, path::Path};

/// Longest context that the model claims, in tokens.
pub const CONTEXT: u32 = 131_072;

const WIDTH: u32 = 64;
const LAYERS: u32 = 2;
const HEADS: u32 = 4;
const INNER: u32 = 2 * WIDTH;
/// Of tensors' data, in bytes.
const ALIGNMENT: usize = 32;

/// How llama-server makes a prompt of messages.
const CHATML: &str = "{%- for m in messages -%}\
    {{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}\
    {%- endfor -%}\
    {%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

/// Writes the model to `path`.
pub fn write_tiny(path: &Path) {
    fs::write(path, tiny()).unwrap();
}

/// The model.
pub fn tiny() -> Vec<u8> {
    let words = Vocabulary::new();
    let mut pairs = Pairs::default();
    pairs.text("general.architecture", "llama");
    pairs.text("general.name", "tiny");
    for (key, value) in [
        ("context_length", CONTEXT),
        ("embedding_length", WIDTH),
        ("block_count", LAYERS),
        ("feed_forward_length", INNER),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", HEADS),
        ("rope.dimension_count", WIDTH / HEADS),
        ("vocab_size", words.size()),
    ] {
        pairs.number(&format!("llama.{key}"), value);
    }
    pairs.fraction("llama.attention.layer_norm_rms_epsilon", 1e-5);
    pairs.text("tokenizer.ggml.model", "gpt2");
    pairs.text("tokenizer.ggml.pre", "default");
    pairs.texts("tokenizer.ggml.tokens", &words.tokens);
    pairs.numbers("tokenizer.ggml.token_type", &words.kinds);
    pairs.texts("tokenizer.ggml.merges", &words.merges);
    pairs.number("tokenizer.ggml.bos_token_id", words.start);
    pairs.number("tokenizer.ggml.eos_token_id", words.end);
    pairs.switch("tokenizer.ggml.add_bos_token", false);
    pairs.text("tokenizer.chat_template", CHATML);
    assemble(&pairs, &tensors(&words))
}

/// Tokens by their number: the 256 bytes, then those that mark up a conversation.
struct Vocabulary {
    tokens: Vec<String>,
    /// 1 ordinary, 3 control, 5 unused.
    kinds: Vec<u32>,
    merges: Vec<String>,
    start: u32,
    end: u32,
}

impl Vocabulary {
    fn new() -> Self {
        let mut tokens: Vec<String> = (0..=255).map(|byte| visible(byte).to_string()).collect();
        let mut kinds = vec![1; tokens.len()];
        for special in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] {
            tokens.push(special.into());
            kinds.push(3);
        }
        // A list of merges may not be empty.
        let space = visible(b' ');
        tokens.push(format!("{space}{space}"));
        kinds.push(1);
        while tokens.len() % 32 != 0 {
            tokens.push(format!("<unused{}>", tokens.len()));
            kinds.push(5);
        }
        Self { tokens, kinds, merges: vec![format!("{space} {space}")], start: 256, end: 258 }
    }

    fn size(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap()
    }

    /// True for what the model may say.
    fn sayable(&self, token: u32) -> bool {
        token == self.end
            || u8::try_from(token).is_ok_and(|b| b.is_ascii_lowercase() || b" ,.".contains(&b))
    }
}

/// How byte-level BPE writes a byte: itself where that is visible, else a letter above U+0100.
fn visible(byte: u8) -> char {
    let itself = |b: &u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if itself(&byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !itself(b)).count();
    char::from_u32(256 + u32::try_from(before).unwrap()).unwrap()
}

/// A name, a shape (what is nearest in memory first) and the values.
struct Tensor {
    name: String,
    shape: Vec<u32>,
    values: Vec<f32>,
}

fn tensors(words: &Vocabulary) -> Vec<Tensor> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut made = vec![random.tensor("token_embd", &[WIDTH, words.size()], 1.0)];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for norm in ["attn_norm", "ffn_norm"] {
            made.push(ones(&name(norm)));
        }
        for part in ["attn_q", "attn_k", "attn_v", "attn_output"] {
            made.push(random.tensor(&name(part), &[WIDTH, WIDTH], 0.08));
        }
        for part in ["ffn_gate", "ffn_up"] {
            made.push(random.tensor(&name(part), &[WIDTH, INNER], 0.08));
        }
        made.push(random.tensor(&name("ffn_down"), &[INNER, WIDTH], 0.08));
    }
    made.push(ones("output_norm"));
    let mut output = random.tensor("output", &[WIDTH, words.size()], 0.3);
    for (token, row) in (0..).zip(output.values.chunks_mut(usize::try_from(WIDTH).unwrap())) {
        if !words.sayable(token) {
            row.iter_mut().for_each(|value| *value *= 0.02);
        }
    }
    made.push(output);
    made
}

fn ones(name: &str) -> Tensor {
    let values = vec![1.0; usize::try_from(WIDTH).unwrap()];
    Tensor { name: format!("{name}.weight"), shape: vec![WIDTH], values }
}

/// xorshift64.
struct Random(u64);

impl Random {
    /// Evenly in -1..1.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f32::from(u16::try_from(self.0 >> 48).unwrap()) / 32_768.0 - 1.0
    }

    /// With a standard deviation of `spread`.
    fn tensor(&mut self, name: &str, shape: &[u32], spread: f32) -> Tensor {
        let count: u32 = shape.iter().product();
        let values = (0..count).map(|_| self.next() * spread * 3f32.sqrt()).collect();
        Tensor { name: format!("{name}.weight"), shape: shape.to_vec(), values }
    }
}

/// Key-value pairs as they stand in the file.
#[derive(Default)]
struct Pairs {
    count: u64,
    bytes: Vec<u8>,
}

impl Pairs {
    fn key(&mut self, key: &str, kind: u32) {
        self.count += 1;
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
    }

    fn list(&mut self, key: &str, kind: u32, length: usize) {
        self.key(key, 9);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(u64::try_from(length).unwrap().to_le_bytes());
    }

    fn number(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.bytes.extend(value.to_le_bytes());
    }

    fn fraction(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.bytes.extend(value.to_le_bytes());
    }

    fn switch(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.bytes.push(value.into());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        put_text(&mut self.bytes, value);
    }

    fn texts(&mut self, key: &str, values: &[String]) {
        self.list(key, 8, values.len());
        values.iter().for_each(|value| put_text(&mut self.bytes, value));
    }

    /// As 32-bit integers with a sign, which is what llama.cpp reads token types as.
    fn numbers(&mut self, key: &str, values: &[u32]) {
        self.list(key, 5, values.len());
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u64::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn assemble(pairs: &Pairs, tensors: &[Tensor]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(3u32.to_le_bytes());
    file.extend(u64::try_from(tensors.len()).unwrap().to_le_bytes());
    file.extend(pairs.count.to_le_bytes());
    file.extend(&pairs.bytes);
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut file, &tensor.name);
        file.extend(u32::try_from(tensor.shape.len()).unwrap().to_le_bytes());
        file.extend(tensor.shape.iter().flat_map(|length| u64::from(*length).to_le_bytes()));
        // 32-bit floating point.
        file.extend(0u32.to_le_bytes());
        file.extend(u64::try_from(offset).unwrap().to_le_bytes());
        offset += (4 * tensor.values.len()).next_multiple_of(ALIGNMENT);
    }
    for tensor in tensors {
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    file
}

#[cfg(test)]
#[path = "gguf_test.rs"]
mod tests;
