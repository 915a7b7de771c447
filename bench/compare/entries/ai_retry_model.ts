export { createRetryableModel } from "npm:ai-retry@2.4.0/language-model";
