export { createFallback } from "npm:ai-fallback@3.0.0";
