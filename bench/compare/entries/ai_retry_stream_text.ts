export { experimental_retryableStreamText } from "npm:ai-retry@2.4.0/stream-text";
