export { fallbackStream } from "@fallback/stream";
