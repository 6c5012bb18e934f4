//! How an answer looks on the wire: three dialects, whole and in events.

use serde_json::{Value, json};

use super::{MODEL, Turn};

/// Of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's messages, as Claude Code speaks them.
    Messages,
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses, as codex speaks them.
    Responses,
}

impl Dialect {
    /// What is spoken at this path.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/messages" => Some(Self::Messages),
            "/v1/chat/completions" | "/chat/completions" => Some(Self::Chat),
            "/v1/responses" => Some(Self::Responses),
            _ => None,
        }
    }

    /// The answer in one piece. None if it breaks or never ends.
    pub fn whole(self, turn: &Turn) -> Option<Value> {
        if matches!(turn, Turn::Break(_) | Turn::Endless) {
            return None;
        }
        Some(match self {
            Self::Messages => message(vec![self.item(turn)], Some(self.reason(turn))),
            Self::Chat => {
                let mut answer = self.item(turn);
                answer["role"] = json!("assistant");
                json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 0,
                       "model": MODEL, "usage": usage(),
                       "choices": [{"index": 0, "message": answer,
                                    "finish_reason": self.reason(turn)}]})
            }
            Self::Responses => response("completed", vec![self.item(turn)]),
        })
    }

    /// Events before the first word.
    pub fn opening(self, turn: &Turn) -> Vec<Value> {
        let item = match turn {
            Turn::Use { tool, .. } => {
                self.item(&Turn::Use { tool: tool.clone(), input: json!({}) })
            }
            _ => self.item(&Turn::say("")),
        };
        match self {
            Self::Messages => vec![
                json!({"type": "message_start", "message": message(vec![], None)}),
                json!({"type": "content_block_start", "index": 0, "content_block": item}),
            ],
            Self::Chat => vec![chunk(json!({"role": "assistant", "content": null}), None)],
            Self::Responses => vec![
                json!({"type": "response.created", "response": response("in_progress", vec![])}),
                json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
            ],
        }
    }

    /// The event of a word.
    pub fn word(self, text: &str) -> Value {
        match self {
            Self::Messages => json!({"type": "content_block_delta", "index": 0,
                                     "delta": {"type": "text_delta", "text": text}}),
            Self::Chat => chunk(json!({"content": text}), None),
            Self::Responses => json!({"type": "response.output_text.delta", "item_id": "item_1",
                                      "output_index": 0, "content_index": 0, "delta": text}),
        }
    }

    /// The events of a tool's arguments.
    pub fn arguments(self, input: &str) -> Vec<Value> {
        match self {
            Self::Messages => vec![json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": input}})],
            // The call comes whole at the end.
            Self::Chat | Self::Responses => vec![],
        }
    }

    /// Events after the last word.
    pub fn closing(self, turn: &Turn) -> Vec<Value> {
        match self {
            Self::Messages => vec![
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "usage": {"output_tokens": 5},
                       "delta": {"stop_reason": self.reason(turn), "stop_sequence": null}}),
                json!({"type": "message_stop"}),
            ],
            Self::Chat => {
                let mut events = Vec::new();
                if let Turn::Use { .. } = turn {
                    events.push(chunk(self.item(turn), None));
                }
                events.push(chunk(json!({}), Some(self.reason(turn))));
                events.push(json!("[DONE]"));
                events
            }
            Self::Responses => {
                let item = self.item(turn);
                vec![
                    json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                    json!({"type": "response.completed",
                           "response": response("completed", vec![item])}),
                ]
            }
        }
    }

    /// What is said or called, as the dialect holds it in a finished answer.
    fn item(self, turn: &Turn) -> Value {
        match (self, turn) {
            (Self::Messages, Turn::Use { tool, input }) => {
                json!({"type": "tool_use", "id": "toolu_1", "name": tool, "input": input})
            }
            (Self::Messages, _) => json!({"type": "text", "text": said(turn)}),
            (Self::Chat, Turn::Use { tool, input }) => {
                json!({"content": null, "tool_calls": [{"index": 0, "id": "call_1",
                    "type": "function", "function": {"name": tool, "arguments": input.to_string()}}]})
            }
            (Self::Chat, _) => json!({"content": said(turn)}),
            (Self::Responses, Turn::Use { tool, input }) => {
                json!({"type": "function_call", "id": "item_1", "call_id": "call_1",
                       "name": tool, "arguments": input.to_string(), "status": "completed"})
            }
            (Self::Responses, _) => {
                json!({"type": "message", "id": "item_1", "role": "assistant", "status": "completed",
                       "content": [{"type": "output_text", "text": said(turn), "annotations": []}]})
            }
        }
    }

    /// Why the model stopped.
    fn reason(self, turn: &Turn) -> &'static str {
        let called = matches!(turn, Turn::Use { .. });
        match (self, called) {
            (Self::Messages, false) => "end_turn",
            (Self::Messages, true) => "tool_use",
            (_, false) => "stop",
            (_, true) => "tool_calls",
        }
    }
}

fn said(turn: &Turn) -> &str {
    match turn {
        Turn::Say(text) => text,
        _ => "",
    }
}

fn message(content: Vec<Value>, reason: Option<&str>) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL,
           "content": content, "stop_reason": reason, "stop_sequence": null,
           "usage": {"input_tokens": 10, "output_tokens": 5}})
}

fn chunk(delta: Value, reason: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": MODEL,
           "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
}

fn response(status: &str, output: Vec<Value>) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 0, "model": MODEL,
           "status": status, "output": output,
           "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}})
}

fn usage() -> Value {
    json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
}
