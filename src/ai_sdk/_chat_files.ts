// Images, audio and files of a chat-completions request. Nothing is downloaded.

import type {
  LanguageModelV4FilePart,
  LanguageModelV4ToolResultOutput,
} from "@ai-sdk/provider";
import type { Urls } from "./_common_urls.ts";
import {
  array,
  type Fields,
  object,
  string,
  unsupported,
  type Warn,
} from "./_chat_fields.ts";
import type { LanguageModelV4 } from "./specification.ts";

type ResultContent = Extract<
  LanguageModelV4ToolResultOutput,
  { type: "content" }
>["value"];

/** A file as its base64 data, or as a URL that the model fetches. */
type FileContent =
  | { readonly type: "data"; readonly data: string }
  | { readonly type: "url"; readonly url: URL };

interface ReadFile {
  readonly content: FileContent;
  readonly mediaType: string;
  readonly filename?: string;
}

/** Media types by file name extension, for files that come without one. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  json: "application/json",
  html: "text/html",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
};

/** Converts the file parts of messages for one model. */
export class FileReader {
  readonly #model: LanguageModelV4;
  readonly #supportedUrls: Urls;
  readonly #warn: Warn;

  constructor(model: LanguageModelV4, supportedUrls: Urls, warn: Warn) {
    this.#model = model;
    this.#supportedUrls = supportedUrls;
    this.#warn = warn;
  }

  /** Converts a part that is not text. */
  toFilePart(part: Fields, path: string): LanguageModelV4FilePart {
    const { content, mediaType, filename } = this.#read(part, path);
    return {
      type: "file",
      mediaType,
      ...(filename !== undefined && { filename }),
      data: this.#isV4
        ? content
        : (content.type === "data" ? content.data : content.url) as never,
    };
  }

  /** Converts the parts of a tool's result. */
  toResultContent(content: unknown, path: string): ResultContent {
    return array(content, `${path}.content`).map((each, i) => {
      const at = `${path}.content[${i}]`;
      const part = object(each, at);
      if (part.type === "text") {
        return { type: "text", text: string(part.text, `${at}.text`) };
      }
      if (this.#isV4) {
        return this.toFilePart(part, at) as ResultContent[number];
      }
      const { content: file, mediaType } = this.#read(part, at);
      const kind = mediaType.startsWith("image/") ? "image" : "file";
      return (file.type === "data"
        ? { type: `${kind}-data`, data: file.data, mediaType }
        : { type: `${kind}-url`, url: file.url.href }) as never;
    });
  }

  get #isV4(): boolean {
    return this.#model.specificationVersion === "v4";
  }

  #read(part: Fields, path: string): ReadFile {
    switch (part.type) {
      case "image_url":
        return this.#readImage(part, path);
      case "input_audio": {
        const { data, format } = object(
          part.input_audio,
          `${path}.input_audio`,
        );
        return {
          content: {
            type: "data",
            data: string(data, `${path}.input_audio.data`),
          },
          mediaType: format === "mp3"
            ? "audio/mpeg"
            : `audio/${string(format, `${path}.input_audio.format`)}`,
        };
      }
      case "file":
        return this.#readFile(part, path);
      default:
        throw unsupported(
          `${path}.type`,
          part.type,
          '"text", "image_url", "input_audio" or "file"',
        );
    }
  }

  #readImage(part: Fields, path: string): ReadFile {
    const image = typeof part.image_url === "string"
      ? { url: part.image_url }
      : object(part.image_url, `${path}.image_url`);
    const { url, detail } = image as Fields;
    if (detail !== undefined && detail !== null && detail !== "auto") {
      const field = `${path}.image_url.detail`;
      this.#warn(`'${field}' is not passed on`, field);
    }
    const at = `${path}.image_url.url`;
    return this.#readUrl(string(url, at), "image/*", at);
  }

  #readFile(part: Fields, path: string): ReadFile {
    const { file_data, filename, file_id } = object(part.file, `${path}.file`);
    if (file_id !== undefined && file_id !== null) {
      throw unsupported(
        `${path}.file.file_id`,
        file_id,
        "absent: only its own provider knows the file, so send 'file_data'",
      );
    }
    const name = typeof filename === "string" ? { filename } : {};
    const at = `${path}.file.file_data`;
    const data = string(file_data, at);
    const extension = String(filename).split(".").at(-1)!.toLowerCase();
    const mediaType = Object.hasOwn(MEDIA_TYPES, extension)
      ? MEDIA_TYPES[extension]!
      : undefined;
    if (/^(data|https?):/i.test(data)) {
      return {
        ...this.#readUrl(data, mediaType ?? "application/octet-stream", at),
        ...name,
      };
    }
    if (mediaType === undefined) {
      throw unsupported(at, data.slice(0, 20), "a data: URL");
    }
    return { content: { type: "data", data }, mediaType, ...name };
  }

  #readUrl(text: string, mediaType: string, path: string): ReadFile {
    if (/^data:/i.test(text)) return readDataUrl(text, path);
    const url = URL.parse(text);
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw unsupported(path, text, "a data:, http: or https: URL");
    }
    if (this.#fetches(text, mediaType)) {
      return { content: { type: "url", url }, mediaType };
    }
    throw unsupported(
      path,
      text,
      `a URL that ${this.#model.modelId} fetches itself, or a data: URL`,
    );
  }

  /** Whether the model fetches a URL. Keys are media types, or end with `*`. */
  #fetches(url: string, mediaType: string): boolean {
    return Object.entries(this.#supportedUrls).some(([key, patterns]) => {
      const prefix = key === "*/*" ? "" : key.toLowerCase().replace(/\*$/, "");
      return mediaType.startsWith(prefix) &&
        patterns.some((pattern) => new RegExp(pattern).test(url));
    });
  }
}

function readDataUrl(url: string, path: string): ReadFile {
  const match = /^data:([^,;]*)((?:;[^,;]*)*),(.*)$/is.exec(url);
  if (!match) {
    throw unsupported(path, url.slice(0, 40), "a data: URL with data");
  }
  const [, mediaType, parameters, text] = match;
  try {
    const data = /;base64\s*$/i.test(parameters!)
      ? decodeURIComponent(text!)
      : toBase64(new TextEncoder().encode(decodeURIComponent(text!)));
    return {
      content: { type: "data", data },
      mediaType: mediaType!.trim().toLowerCase() || "text/plain",
    };
  } catch {
    throw unsupported(
      path,
      url.slice(0, 40),
      "a data: URL that can be decoded",
    );
  }
}

/** Bytes as base64, in pieces, because an argument list has a size limit. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(binary);
}
