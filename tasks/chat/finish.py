"""How a reply says that it ended: the words of many servers, in any case and spelling."""

import re

# The protocol's words, those of Claude, Gemini, Cohere, Mistral, Bedrock and TGI: gateways pass them on.
COMPLETE = {
    "complete",
    "completed",
    "end_turn",
    "eos",
    "eos_token",
    "function_call",
    "stop",
    "stop_sequence",
    "tool_call",
    "tool_calls",
    "tool_use",
}
CUT_SHORT = {
    "error_limit",
    "length",
    "max_length",
    "max_output_tokens",
    "max_tokens",
    "model_context_window_exceeded",
    "model_length",
}
REFUSED = {
    "blocklist",
    "content_filter",
    "content_filtered",
    "error_toxic",
    "guardrail_intervened",
    "image_safety",
    "prohibited_content",
    "recitation",
    "refusal",
    "safety",
    "sensitive",
    "spii",
}
FAILED = {"error", "insufficient_system_resource", "network_error"}
UNUSABLE = {"malformed_function_call", "malformed_response", "unexpected_tool_call"}
BEFORE_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def spelled(reason: str) -> str:
    """Write a finish_reason as the protocol does: FinishReason.MAX_TOKENS is max_tokens."""
    words = BEFORE_CAPITAL.sub("_", reason.strip()).lower().replace("-", "_").replace(" ", "_")
    return re.sub(r"^finish_reason[._:]", "", words)
