// A chat model has `withFallbacks` from here; its own package comes on top.
export { Runnable } from "npm:@langchain/core@1.4.0/runnables";
