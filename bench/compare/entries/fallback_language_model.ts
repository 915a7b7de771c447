export { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
