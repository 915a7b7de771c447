// From the messages of a chat-completions request to a prompt.

import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
} from "@ai-sdk/provider";
import { parseJson } from "../_shared/safe_access.ts";
import {
  array,
  type Fields,
  object,
  reportOthers,
  string,
  unsupported,
  type Warn,
} from "./_chat_fields.ts";
import { FileReader } from "./_chat_files.ts";
import type { LanguageModelV4 } from "./specification.ts";

type Content<Role> = Extract<LanguageModelV4Message, { role: Role }>["content"];
type Result = Extract<
  Content<"tool">[number],
  { type: "tool-result" }
>;

const TEXT_FIELDS = ["role", "content"];

/** Fields of a message that are converted, by its role. Any other is reported. */
const MESSAGE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  system: TEXT_FIELDS,
  developer: TEXT_FIELDS,
  user: TEXT_FIELDS,
  assistant: [
    ...TEXT_FIELDS,
    "tool_calls",
    "reasoning",
    "reasoning_content",
    "refusal",
    "images",
  ],
  tool: [...TEXT_FIELDS, "tool_call_id"],
};

/**
 * Converts messages.
 *
 * @throws {TypeError} If something cannot be converted, for instance a URL that
 * the model does not fetch itself.
 */
export async function toPrompt(
  messages: unknown,
  model: LanguageModelV4,
  warn: Warn,
): Promise<LanguageModelV4Prompt> {
  const files = new FileReader(model, await model.supportedUrls, warn);
  const toolNames = new Map<string, string>();
  const prompt: LanguageModelV4Message[] = [];
  for (const [i, given] of array(messages, "messages").entries()) {
    const path = `messages[${i}]`;
    const message = object(given, path);
    const fields = MESSAGE_FIELDS[`${message.role}`] ?? TEXT_FIELDS;
    reportOthers(message, path, fields, warn);
    const converted = toMessage(message, path, files, toolNames);
    reportParts(message.content, path, warn);
    const last = prompt.at(-1);
    // The results of one turn belong together.
    if (last?.role === "tool" && converted.role === "tool") {
      last.content.push(...converted.content);
    } else prompt.push(converted);
  }
  return prompt;
}

/** Reports fields of text parts, such as `cache_control`. */
function reportParts(content: unknown, path: string, warn: Warn): void {
  if (!Array.isArray(content)) return;
  for (const [i, part] of content.entries()) {
    if (part.type !== "text") continue;
    reportOthers(part, `${path}.content[${i}]`, ["type", "text"], warn);
  }
}

function toMessage(
  message: Fields,
  path: string,
  files: FileReader,
  toolNames: Map<string, string>,
): LanguageModelV4Message {
  const { role } = message;
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", content: textOf(message.content, path) };
    case "user":
      return { role, content: userContent(message.content, path, files) };
    case "assistant":
      return {
        role,
        content: assistantContent(message, path, files, toolNames),
      };
    case "tool":
      return { role, content: [toResult(message, path, files, toolNames)] };
    default:
      throw unsupported(
        `${path}.role`,
        role,
        '"system", "developer", "user", "assistant" or "tool"',
      );
  }
}

/** The text of a message that can only have text. */
function textOf(content: unknown, path: string): string {
  if (typeof content === "string") return content;
  return array(content, `${path}.content`).map((part, i) => {
    const at = `${path}.content[${i}]`;
    const { type, text, refusal } = object(part, at);
    if (type === "refusal") return string(refusal, `${at}.refusal`);
    if (type !== "text") throw unsupported(`${at}.type`, type, '"text"');
    return string(text, `${at}.text`);
  }).join("");
}

function userContent(
  content: unknown,
  path: string,
  files: FileReader,
): Content<"user"> {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return array(content, `${path}.content`).map((each, i) => {
    const at = `${path}.content[${i}]`;
    const part = object(each, at);
    return part.type === "text"
      ? { type: "text", text: string(part.text, `${at}.text`) }
      : files.toFilePart(part, at);
  });
}

function assistantContent(
  message: Fields,
  path: string,
  files: FileReader,
  toolNames: Map<string, string>,
): Content<"assistant"> {
  const content: Content<"assistant"> = [];
  const reasoning = message.reasoning_content ?? message.reasoning;
  if (typeof reasoning === "string" && reasoning !== "") {
    content.push({ type: "reasoning", text: reasoning });
  }
  const text = textOf(message.content ?? "", path) + (message.refusal ?? "");
  if (text !== "") content.push({ type: "text", text });
  for (
    const [i, image] of array(message.images ?? [], `${path}.images`).entries()
  ) {
    const at = `${path}.images[${i}]`;
    content.push(files.toFilePart(object(image, at), at));
  }
  const calls = array(message.tool_calls ?? [], `${path}.tool_calls`);
  for (const [i, given] of calls.entries()) {
    const at = `${path}.tool_calls[${i}]`;
    const call = object(given, at);
    if (call.type !== undefined && call.type !== "function") {
      throw unsupported(`${at}.type`, call.type, '"function"');
    }
    const { name, arguments: json } = object(call.function, `${at}.function`);
    const toolCallId = string(call.id, `${at}.id`);
    const toolName = string(name, `${at}.function.name`);
    toolNames.set(toolCallId, toolName);
    content.push({
      type: "tool-call",
      toolCallId,
      toolName,
      input: toInput(json, `${at}.function.arguments`),
    });
  }
  return content;
}

function toInput(json: unknown, path: string): unknown {
  if (string(json ?? "", path).trim() === "") return {};
  const input = parseJson(json);
  if (input === undefined) throw unsupported(path, json, "JSON");
  return input;
}

function toResult(
  message: Fields,
  path: string,
  files: FileReader,
  toolNames: Map<string, string>,
): Result {
  const id = string(message.tool_call_id, `${path}.tool_call_id`);
  const toolName = toolNames.get(id);
  if (toolName === undefined) {
    throw unsupported(
      `${path}.tool_call_id`,
      id,
      "the id of a tool call in a message before it",
    );
  }
  const { content } = message;
  const isText = typeof content === "string" ||
    array(content, `${path}.content`).every((part) =>
      Object(part).type === "text"
    );
  const output: Result["output"] = isText
    ? { type: "text", value: textOf(content, path) }
    : { type: "content", value: files.toResultContent(content, path) };
  return { type: "tool-result", toolCallId: id, toolName, output };
}
